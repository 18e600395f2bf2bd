"""Measures how late the event loop is: whatever keeps it busy makes every request wait so long."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Final

EVERY_S: Final = 0.25


@asynccontextmanager
async def measured(
    observe: Callable[[float], None], *, every_s: float = EVERY_S
) -> AsyncIterator[None]:
    """Set a timer every *every_s* seconds, and let *observe* know by how much each was late."""

    async def measure() -> None:
        while True:
            due_at_s = perf_counter() + every_s  # uvloop's own clock knows whole milliseconds only
            await asyncio.sleep(every_s)
            observe(max(0.0, perf_counter() - due_at_s))

    task = asyncio.create_task(measure(), name="loop_lag")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))
