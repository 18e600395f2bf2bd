"""A clock that tests set."""

from typing import Final

NOW: Final = 1_800_000_000.0
"""The default time of tests: a moment in January 2027."""


class Clock:
    """A clock that stands still until a test moves it; *now* is in seconds since 1970."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the time forward."""
        self.now += seconds
