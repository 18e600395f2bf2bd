"""A budget of fetches: a token bucket, so that strangers cannot make the service flood a key server."""

from collections.abc import Callable


class FetchBudget:
    """
    Gives *burst* permits at once, and one more every *refill_s* seconds, never more than *burst*.

    Ten lines of arithmetic: the limiter libraries wait or lock for a permit, and here nobody may wait.
    """

    def __init__(self, *, burst: int, refill_s: float, clock: Callable[[], float]) -> None:
        self._burst = burst
        self._refill_s = refill_s
        self._clock = clock
        self._permits = float(burst)
        self._counted_at = clock()

    def take(self) -> bool:
        """Take a permit, if there is one."""
        now = self._clock()
        gained = max(0.0, now - self._counted_at) / self._refill_s
        self._permits = min(float(self._burst), self._permits + gained)
        self._counted_at = now
        if self._permits < 1:
            return False
        self._permits -= 1
        return True
