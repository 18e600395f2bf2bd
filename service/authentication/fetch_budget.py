"""A token bucket that bounds the fetches of keys which unauthenticated requests can cause."""

from collections.abc import Callable


class FetchBudget:
    """
    A token bucket of *burst* permits; one more is added every *refill_s* seconds.

    The rate limiter libraries wait or lock for a permit; here a request must do neither.
    """

    def __init__(self, *, burst: int, refill_s: float, clock: Callable[[], float]) -> None:
        self._burst = burst
        self._refill_s = refill_s
        self._clock = clock
        self._permits = float(burst)
        self._refilled_at = clock()

    def take(self) -> bool:
        """Take a permit and return True, or return False if there is none."""
        now = self._clock()
        gained = max(0.0, now - self._refilled_at) / self._refill_s
        self._permits = min(float(self._burst), self._permits + gained)
        self._refilled_at = now
        if self._permits < 1:
            return False
        self._permits -= 1
        return True
