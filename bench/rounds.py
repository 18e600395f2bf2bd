"""The rounds of a measurement: every case in turn, with the floor in between."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from bench import profiles
from bench.cases import FLOOR, Case
from bench.load import generator
from bench.load.generator import Load
from bench.load.outcome import Outcome
from bench.machine import Cores
from bench.setup import Setup, SetupFailed

LEAST_TURNS: Final = 4  # of each connection in a run
LONGEST_S: Final = 16  # of a run that had too few responses
FLOOR_EVERY: Final = 3  # cases: the speed of a shared machine changes within seconds
NUMBERS_OF_A_RUN: Final = 10_000_000  # of new users; no run needs as many


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one case; *floors* is its CPU time as a multiple of the adjacent floors'."""

    case: str
    connections: int
    round: int
    requests: int
    cpu_us: float
    floors: float
    per_s: float
    p50_us: int
    p99_us: int
    max_us: int

    def alone_in(self, case: str) -> bool:
        """Return whether it is a run of that case with one request at a time."""
        return self.case == case and self.connections == 1


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the load, and its cost for the server."""

    case: Case
    outcome: Outcome
    cpu_us: float  # a request


class Bench:
    """Sends load to the servers of *setup*; *failures* lists runs with refused, broken or late ones."""

    def __init__(self, setup: Setup, cores: Cores) -> None:
        self._setup = setup
        self._cores = cores
        self.failures: list[str] = []
        self._first = itertools.count(profiles.UNSEEN_FROM, NUMBERS_OF_A_RUN)

    def run(self, case: Case, *, connections: int, seconds: int) -> Run:
        """
        Send load to a server for one case; raises SetupFailed if nothing is answered.

        A run with too few responses is repeated for twice as long: requests in flight at its end
        would count too much.
        """
        run = self._run(case, connections, seconds)
        while run.outcome.requests < connections * LEAST_TURNS and seconds < LONGEST_S:
            seconds *= 2
            run = self._run(case, connections, seconds)
        if not run.outcome.requests:
            raise SetupFailed(f"{case.name} at {connections} connections: no answer in {seconds} s")
        return run

    def _run(self, case: Case, connections: int, seconds: int) -> Run:
        server = self._setup.servers[case.server]
        load = Load(
            server.port, self._setup.requests[case.name], connections, seconds, next(self._first)
        )
        before_s = server.process.cpu_s()
        outcome = generator.send(load, pin=self._cores.pin_other)
        server.process.settle()
        used_s = server.process.cpu_s() - before_s
        if outcome.failed:
            self.failures.append(f"{case.name} at {connections} connections: {outcome}")
        # The generator closes connections with requests in flight; the server finishes those.
        served = outcome.requests + connections
        return Run(case, outcome, used_s * 1_000_000 / served)

    def rounds(
        self, cases: Sequence[Case], *, rounds: int, connections: Sequence[int], seconds: int
    ) -> Iterator[Sample]:
        """Yield the samples of every case but the floor, then of the floor, round by round."""
        others = [case for case in cases if case is not FLOOR]
        for number in range(rounds):
            for among in connections:
                runs = [
                    self.run(case, connections=among, seconds=seconds)
                    for case in in_order(others, number)
                ]
                yield from samples(runs, among, number)


def in_order(cases: Sequence[Case], number: int) -> list[Case]:
    """Return the order of a round: each starts with another case, with the floor in between."""
    start = number * FLOOR_EVERY % len(cases)
    turned = [*cases[start:], *cases[:start]]
    order = [FLOOR]
    for place, case in enumerate(turned, 1):
        order.append(case)
        if place % FLOOR_EVERY == 0 or place == len(turned):
            order.append(FLOOR)
    return order


def samples(runs: Sequence[Run], connections: int, number: int) -> Iterator[Sample]:
    """Yield each run as a sample, compared with the adjacent floors."""
    floors = [(place, run.cpu_us) for place, run in enumerate(runs) if run.case is FLOOR]
    for place, run in enumerate(runs):
        if run.case is FLOOR:
            floor_us = run.cpu_us
        else:
            before = max((at, cpu_us) for at, cpu_us in floors if at < place)
            after = min((at, cpu_us) for at, cpu_us in floors if at > place)
            floor_us = fmean((before[1], after[1]))
        outcome = run.outcome
        yield Sample(
            case=run.case.name,
            connections=connections,
            round=number,
            requests=outcome.requests,
            cpu_us=run.cpu_us,
            floors=run.cpu_us / floor_us,
            per_s=outcome.requests * 1_000_000 / outcome.duration_us,
            p50_us=outcome.p50_us,
            p99_us=outcome.p99_us,
            max_us=outcome.max_us,
        )
