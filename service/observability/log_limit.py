"""A limit of the log lines that callers can cause."""

from collections.abc import Callable, Hashable
from typing import Final

from cachetools import TTLCache

INTERVAL_S: Final = 60.0
MAX_LINES: Final = 256  # in INTERVAL_S seconds, of all keys


class LogLimit:
    """One line of each key in INTERVAL_S seconds, and MAX_LINES in all."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._logged: TTLCache[Hashable, None] = TTLCache(MAX_LINES, INTERVAL_S, timer=clock)

    def admits(self, key: Hashable) -> bool:
        """Return whether a line of *key* may be written now, and count it."""
        if key in self._logged or len(self._logged) >= MAX_LINES:
            return False
        self._logged[key] = None
        return True
