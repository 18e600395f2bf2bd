"""The lag of the event loop is the time that something held it."""

import asyncio
import time

from service.observability.metrics import event_loop_lag


async def test_blocked_loop_shows_as_lag() -> None:
    """A timer that was due while the loop was blocked is reported late."""
    lags: asyncio.Queue[float] = asyncio.Queue()
    async with asyncio.timeout(10), event_loop_lag.measured(lags.put_nowait, interval_s=0.01):
        await lags.get()
        time.sleep(0.1)  # noqa: ASYNC251 -- the blocking that is measured
        late_s = await lags.get()

    assert late_s > 0.05
    assert "loop_lag" not in {task.get_name() for task in asyncio.all_tasks()}
