"""The lag of the event loop is what it was kept from."""

import asyncio
import time

from service.observability.metrics import event_loop_lag


async def test_what_blocks_the_loop_is_seen() -> None:
    """A timer that was due while something else ran tells by how much it was late."""
    lags: asyncio.Queue[float] = asyncio.Queue()
    async with asyncio.timeout(10), event_loop_lag.measured(lags.put_nowait, every_s=0.01):
        await lags.get()
        time.sleep(0.1)  # noqa: ASYNC251 -- this is the blocking that is to be seen
        late_s = await lags.get()

    assert late_s > 0.05
    assert "loop_lag" not in {task.get_name() for task in asyncio.all_tasks()}
