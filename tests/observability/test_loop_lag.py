"""The loop is behind while its iterations take longer than a quarter of a millisecond on average."""

import asyncio
from collections.abc import Sequence

import pytest

from service.observability.loop_lag import LoopLag
from tests.support.clock import Clock

LONG_S = 60.0


@pytest.mark.parametrize(
    ("samples_s", "is_behind"),
    [
        ([], False),
        ([0.0002] * 50, False),
        ([LONG_S], False),
        ([LONG_S] * 2, True),
        ([0.0005] * 10, True),
        ([LONG_S] * 50 + [0.0] * 15, True),
        ([LONG_S] * 50 + [0.0] * 16, False),
    ],
    ids=["new", "little", "a pause", "pauses", "much", "still", "no longer"],
)
def test_average_of_samples_decides(samples_s: Sequence[float], *, is_behind: bool) -> None:
    """Neither a pause, however long, nor what has been long ago makes the loop count as behind."""
    lag = LoopLag()

    for sample_s in samples_s:
        lag.add(sample_s)

    assert lag.is_behind is is_behind


async def test_one_sample_is_taken_at_a_time() -> None:
    """However many reads ask for a sample in one iteration, it counts once."""
    clock = Clock()
    lag = LoopLag(clock)

    behind = []
    for _ in range(2):
        for _ in range(10):
            lag.sample()
        clock.advance(LONG_S)
        await asyncio.sleep(0)
        behind.append(lag.is_behind)

    assert behind == [False, True]
