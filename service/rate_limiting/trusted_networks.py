"""The client networks that users recently signed in from, in bounded memory."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

TRUSTED_FOR_S: Final = 7 * 24 * 3_600  # most users sign in from the same network at least weekly


class TrustedNetworks:
    """
    The keys of the last *capacity* successful sign-ins, each an HMAC of a user name and a network.

    A key expires TRUSTED_FOR_S after its last sign-in. *clock* returns monotonic seconds.
    """

    def __init__(self, *, capacity: int, clock: Callable[[], float]) -> None:
        self._capacity = capacity
        self._clock = clock
        self._until_s: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until_s)

    def __contains__(self, key: bytes) -> bool:
        until_s = self._until_s.get(key)
        if until_s is None:
            return False
        if self._clock() < until_s:
            return True
        del self._until_s[key]
        return False

    def add(self, key: bytes) -> None:
        """Add the key of a sign-in that has just succeeded."""
        self._until_s[key] = self._clock() + TRUSTED_FOR_S
        self._until_s.move_to_end(key)
        if len(self._until_s) > self._capacity:
            self._until_s.popitem(last=False)
