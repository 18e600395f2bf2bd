"""The lag of the event loop, which decides how reads are sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import cached_property

BUSY_LAG_S = 0.001  # of two iterations of the loop: several requests were handled in each
MAX_SAMPLE_S = 4 * BUSY_LAG_S  # one pause alone does not exceed the limit, and its effect ends soon
SMOOTHING = 0.125  # the weight of a new sample in an average


class LoopLag:
    """
    The time that two iterations of the running loop take, as a moving average.

    An idle loop needs microseconds. While the loop is behind, CPU is what limits latency, not DynamoDB.
    *clock* returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._average_s = 0.0
        self._sampling = False

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """The running loop; looking it up is a system call."""
        return asyncio.get_running_loop()

    @property
    def is_behind(self) -> bool:
        """Whether the average is above BUSY_LAG_S."""
        return self._average_s > BUSY_LAG_S

    def after_two_iterations(self, callback: Callable[[], None]) -> None:
        """Call *callback* after two iterations of the loop, and add their time to the average."""
        self._loop.call_soon(self._loop.call_soon, self._passed, self._clock(), callback)

    def sample(self) -> None:
        """Add a sample to the average, unless one is being taken."""
        if not self._sampling:
            self._sampling = True
            self.after_two_iterations(self._sampled)

    def _passed(self, begun_at: float, callback: Callable[[], None]) -> None:
        sample_s = min(self._clock() - begun_at, MAX_SAMPLE_S)
        self._average_s += SMOOTHING * (sample_s - self._average_s)
        callback()

    def _sampled(self) -> None:
        self._sampling = False
