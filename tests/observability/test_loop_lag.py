"""The loop is behind while two iterations take longer than a millisecond on average."""

import asyncio
from collections.abc import Sequence

import pytest

from service.observability.loop_lag import LoopLag
from tests.support.clock import Clock

LONG_S = 60.0


async def _sampled(lag: LoopLag, clock: Clock, samples_s: Sequence[float]) -> None:
    for sample_s in samples_s:
        passed = asyncio.Event()
        lag.after_two_iterations(passed.set)
        clock.advance(sample_s)
        await passed.wait()


@pytest.mark.parametrize(
    ("samples_s", "is_behind"),
    [
        ([], False),
        ([0.0008] * 50, False),
        ([LONG_S] * 2, False),
        ([LONG_S] * 3, True),
        ([0.002] * 10, True),
        ([LONG_S] * 50 + [0.0] * 10, True),
        ([LONG_S] * 50 + [0.0] * 11, False),
    ],
    ids=["new", "little", "a pause", "pauses", "much", "still", "no longer"],
)
async def test_average_of_samples_decides(samples_s: Sequence[float], *, is_behind: bool) -> None:
    """Neither a pause, however long, nor what has been long ago makes the loop count as behind."""
    clock = Clock()
    lag = LoopLag(clock)

    await _sampled(lag, clock, samples_s)

    assert lag.is_behind is is_behind


async def test_one_sample_is_taken_at_a_time() -> None:
    """However many reads ask for a sample in one iteration, it counts once."""
    clock = Clock()
    lag = LoopLag(clock)

    behind = []
    for _ in range(3):
        for _ in range(10):
            lag.sample()
        clock.advance(LONG_S)
        await _sampled(LoopLag(), clock, [0.0])
        behind.append(lag.is_behind)

    assert behind == [False, False, True]
