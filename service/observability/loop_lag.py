"""The lag of the event loop, which decides how reads are sent."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from functools import cached_property

BUSY_LAG_S = 0.00025  # of an iteration of the loop: several requests were handled in it
MAX_SAMPLE_S = 8 * BUSY_LAG_S  # one pause of an idle loop does not exceed the limit
SMOOTHING = 0.125  # the weight of a new sample in an average


class LoopLag:
    """
    The time that an iteration of the running loop takes, as a moving average.

    An idle loop needs microseconds. While the loop is behind, CPU is what limits latency, not DynamoDB.
    *clock* returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.average_s = 0.0
        self._clock = clock
        self._sampling = False

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """The running loop; looking it up is a system call."""
        return asyncio.get_running_loop()

    @property
    def is_behind(self) -> bool:
        """Whether the average is above BUSY_LAG_S."""
        return self.average_s > BUSY_LAG_S

    def add(self, sample_s: float) -> None:
        """Add the time until the next iteration of something that waited for it."""
        self.average_s += SMOOTHING * (min(sample_s, MAX_SAMPLE_S) - self.average_s)

    def sample(self) -> None:
        """Add the time until the next iteration, unless that is being measured."""
        if not self._sampling:
            self._sampling = True
            self._loop.call_soon(self._sampled, self._clock())

    def _sampled(self, begun_at: float) -> None:
        self._sampling = False
        self.add(self._clock() - begun_at)


class LagLimitedRate:
    """
    The rate of calls, limited to one in *iterations* iterations of the loop, of average length.

    An idle loop runs many thousand iterations a second. *clock* returns seconds.
    """

    def __init__(self, lag: LoopLag, iterations: int, clock: Callable[[], float]) -> None:
        self._lag = lag
        self._iterations = iterations
        self._clock = clock
        self._due_at_s = -math.inf

    def is_due(self) -> bool:
        """Return whether the rate allows a call now."""
        return self._clock() >= self._due_at_s

    def begin(self) -> None:
        """Count a call that begins now."""
        now_s, spacing_s = self._clock(), self._lag.average_s * self._iterations
        # One call may be early, or what arrives a little faster than the rate would all wait.
        early_s = 0.0 if self._lag.is_behind else spacing_s
        self._due_at_s = min(max(self._due_at_s, now_s - early_s), now_s) + spacing_s
