"""Deadlines: one timer cancels each request at its own deadline."""

import asyncio

import pytest

from service.api.deadlines import Deadlines
from service.api.keys import Slots
from service.domain.errors import DeadlineExceeded


async def _wait_inside(deadlines: Deadlines, begun: asyncio.Event | None = None) -> None:
    with deadlines.begin(Slots()):
        if begun is not None:
            begun.set()
        await asyncio.Event().wait()


async def test_each_ends_when_its_own_time_is_over() -> None:
    """Requests expire in the order in which they began, none before its deadline."""
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(0.05)
    ended: list[tuple[str, float]] = []

    async def serve(name: str) -> None:
        begun_at_s = loop.time()
        with pytest.raises(DeadlineExceeded):
            await _wait_inside(deadlines)
        ended.append((name, loop.time() - begun_at_s))

    first = asyncio.create_task(serve("first"))
    await asyncio.sleep(0.02)
    await asyncio.gather(first, serve("second"))

    assert [name for name, _ in ended] == ["first", "second"]
    assert all(took_s >= 0.049 for _, took_s in ended)  # the loop's clock has milliseconds


async def test_what_is_done_in_time_is_left_alone() -> None:
    """A finished request is not cancelled, and the next one has its full time."""
    deadlines = Deadlines(0.02)
    with deadlines.begin(Slots()):
        await asyncio.sleep(0)

    await asyncio.sleep(0.05)
    with pytest.raises(DeadlineExceeded):
        await _wait_inside(deadlines)


async def test_other_cancellation_is_no_deadline() -> None:
    """A cancellation from elsewhere is not replaced, even at the deadline."""
    deadlines = Deadlines(0.01)
    task = asyncio.create_task(_wait_inside(Deadlines(60), begun := asyncio.Event()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def serve() -> None:
        current = asyncio.current_task()
        assert current is not None
        with deadlines.begin(Slots()):
            try:
                await asyncio.Event().wait()
            finally:
                current.cancel()  # in the same moment, the client goes away

    task = asyncio.create_task(serve())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_error_at_the_deadline_is_the_error() -> None:
    """An error during the cancellation is raised, and the task stays usable."""

    async def fail_when_ended() -> None:
        with Deadlines(0.01).begin(Slots()):
            try:
                await asyncio.Event().wait()
            finally:
                raise ValueError("defect")

    with pytest.raises(ValueError, match="defect"):
        await fail_when_ended()

    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0
