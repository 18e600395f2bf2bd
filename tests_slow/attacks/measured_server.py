"""The service in a process of its own that reports how long its event loop was held."""

import asyncio
import functools
import gc
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from service.app import aws_adapters, create_app
from service.commands.serve import MIDDLE_GENERATION, OLD_GENERATION, YOUNG_GENERATION
from service.config.settings import Config
from service.observability import logs
from service.observability.metrics import event_loop_lag
from service.server import serve
from tests.support.configs import CREDENTIALS

INTERVAL_S: Final = 0.002  # of the measurements of the loop's lag
WORK_S: Final = 0.025  # CPU time
PATIENCE_S: Final = 60.0  # for the start of a process


@dataclass(frozen=True, slots=True)
class MeasuredServer:
    """Its port on loopback, and the connection that asks for the lag of its loop."""

    port: int
    _connection: Connection

    def longest_lag_s(self) -> float:
        """Return the longest time the loop was held since the last call."""
        return self._ask(0)

    def slowdown(self) -> float:
        """Return the ratio of the lag of the loop to the CPU time of some work in it."""
        self._ask(WORK_S)
        return self.longest_lag_s() / WORK_S

    def _ask(self, work_s: float) -> float:
        self._connection.send(work_s)
        lag_s: float = self._connection.recv()
        return lag_s


@contextmanager
def measured_server(config: Config) -> Iterator[MeasuredServer]:
    """Run the service with the garbage collector's settings of `serve`."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_run, args=(config, its), daemon=True)
    process.start()
    its.close()
    try:
        if not ours.poll(PATIENCE_S):
            raise TimeoutError("the service does not start")
        yield MeasuredServer(ours.recv(), ours)
    finally:
        process.terminate()
        process.join(PATIENCE_S)


def _run(config: Config, connection: Connection) -> None:
    with open("/dev/null", "w", encoding="utf-8") as nowhere:  # noqa: PTH123 -- a device
        logs.configure(config.log, nowhere)
        serve.run(_serve(config, connection))


async def _serve(config: Config, connection: Connection) -> None:
    longest_s = 0.0

    def observe(lag_s: float) -> None:
        nonlocal longest_s
        longest_s = max(longest_s, lag_s)

    def report() -> None:
        nonlocal longest_s
        work_s: float = connection.recv()
        reported_s, longest_s = longest_s, 0.0
        until_s = time.thread_time() + work_s
        while time.thread_time() < until_s:
            pass
        # The timer that was due meanwhile is observed first.
        loop.call_later(2 * INTERVAL_S if work_s else 0, connection.send, reported_s)

    def listening(_: Sequence[str], port: int) -> None:
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_GENERATION, MIDDLE_GENERATION, OLD_GENERATION)
        connection.send(port)

    app = create_app(config, functools.partial(aws_adapters, credentials=CREDENTIALS))
    loop = asyncio.get_running_loop()
    loop.add_reader(connection.fileno(), report)
    async with event_loop_lag.measured(observe, interval_s=INTERVAL_S):
        await serve.serve(app, config.server, listening=listening, finish_within_s=0)
