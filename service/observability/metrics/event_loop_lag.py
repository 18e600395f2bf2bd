"""The lag of the event loop: the time by which anything that holds it delays every request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Final

INTERVAL_S: Final = 0.25


@asynccontextmanager
async def measured(
    observe: Callable[[float], None], *, interval_s: float = INTERVAL_S
) -> AsyncIterator[None]:
    """Run a timer every *interval_s* seconds and call *observe* with the seconds it was late."""

    async def measure() -> None:
        while True:
            due_at_s = perf_counter() + interval_s  # uvloop's clock has whole milliseconds only
            await asyncio.sleep(interval_s)
            observe(max(0.0, perf_counter() - due_at_s))

    task = asyncio.create_task(measure(), name="loop_lag")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))
