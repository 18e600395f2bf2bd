"""The extent of a measurement: a mode, and overrides of the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Final, Self

from bench.cases import CASES, FIRST, FLOOR, GET_WARM, Case


@dataclass(frozen=True, slots=True)
class Settings:
    """*tail_s* and *known_users* belong to parts of `full`: 0 leaves these out."""

    cases: tuple[Case, ...]
    connections: tuple[int, ...]
    rounds: int
    seconds: int
    tail_s: int
    known_users: int
    delay_ms: float = 0

    @classmethod
    def read(cls, mode: str, environ: Mapping[str, str]) -> Self:
        """Return a mode's settings with the overrides of *environ*; raises KeyError, ValueError."""
        settings = MODES[mode]
        patterns = environ.get("BENCH_CASES")
        cases = settings.cases if patterns is None else chosen(patterns)
        connections = environ.get("BENCH_CONNECTIONS")
        return cls(
            cases=cases,
            connections=(
                settings.connections
                if connections is None
                else tuple(int(word) for word in connections.split())
            ),
            rounds=int(environ.get("BENCH_ROUNDS", settings.rounds)),
            seconds=int(environ.get("BENCH_SECONDS", settings.seconds)),
            tail_s=int(environ.get("BENCH_TAIL_SECONDS", settings.tail_s)),
            known_users=int(environ.get("BENCH_KNOWN_USERS", settings.known_users)),
            delay_ms=float(environ.get("BENCH_DELAY_MS", settings.delay_ms)),
        )


def chosen(patterns: str) -> tuple[Case, ...]:
    """Return the floor, and the cases whose names match one of the *patterns*, commas between them."""
    wanted = [pattern.strip() for pattern in patterns.split(",")]
    found = [
        case
        for case in CASES
        if case is not FLOOR and any(fnmatch(case.name, pattern) for pattern in wanted)
    ]
    if not found:
        names = ", ".join(case.name for case in CASES)
        raise ValueError(f"BENCH_CASES: no case is named {patterns}; there are: {names}")
    return (FLOOR, *found)


MODES: Final = {
    "profile": Settings((FLOOR, GET_WARM), (64,), rounds=1, seconds=10, tail_s=0, known_users=0),
    "quick": Settings(FIRST, (64,), rounds=4, seconds=2, tail_s=0, known_users=0),
    "full": Settings(CASES, (1, 16, 64, 256), rounds=3, seconds=2, tail_s=20, known_users=100_000),
}
