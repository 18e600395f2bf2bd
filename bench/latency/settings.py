"""The extent of a measurement of latency: its defaults, and overrides of the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from bench import servers

# References: what the generator itself measures of a server that does nothing, and of DynamoDB's stub.
HANDLER: Final = servers.FLOOR
STUB: Final = "DynamoDB stub"
REFERENCES: Final = (HANDLER, STUB)
SERVERS: Final = (*REFERENCES, servers.SERVICE, servers.SERVICE_UNGATHERED, *servers.PEERS)


@dataclass(frozen=True, slots=True)
class Settings:
    """The servers, the delays of DynamoDB, the rates, and the number and duration of runs of each."""

    servers: tuple[str, ...] = SERVERS
    delays_ms: tuple[float, ...] = (1.0, 5.0, 20.0)
    rates: tuple[int, ...] = (200, 500, 1_000, 2_000)
    rounds: int = 3
    seconds: float = 3.0

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Return the defaults with the overrides of *environ*; raises ValueError."""
        default = cls()
        names = environ.get("BENCH_SERVERS")
        chosen = SERVERS if names is None else tuple(name.strip() for name in names.split(";"))
        unknown = [name for name in chosen if name not in SERVERS]
        if unknown:
            raise ValueError(f"BENCH_SERVERS: {unknown[0]} is none of: {'; '.join(SERVERS)}")
        delays = environ.get("BENCH_DELAYS_MS")
        rates = environ.get("BENCH_RATES")
        return cls(
            chosen,
            default.delays_ms if delays is None else tuple(map(float, delays.split())),
            default.rates if rates is None else tuple(map(int, rates.split())),
            int(environ.get("BENCH_ROUNDS", default.rounds)),
            float(environ.get("BENCH_SECONDS", default.seconds)),
        )
