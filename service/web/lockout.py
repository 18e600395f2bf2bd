"""
Locks an account name for a while after wrong passwords, whether there is such an account or not.

Cognito locks its users, and only those there are, so its lock would tell who has an account. This one
comes first and is the same for all. No library keeps this pattern of a lock that doubles.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from service.domain.errors import InvalidCredentials

# Cognito's own: after five failures 2^(n-5) seconds, up to about 15 minutes, and a new start after 15
# minutes without an attempt. Attempts that a lock refuses do not count:
# https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html
LONGEST_LOCK_S: Final = 900
FORGOTTEN_AFTER_S: Final = 900
GUESS_TAKES_S: Final = 1  # about; who comes in between is told to wait so long


@dataclass(slots=True)
class _Record:
    """What is known of a name: moments are those of the clock."""

    failures: int = 0
    under_way: int = 0
    locked_until_s: float = 0
    forgotten_at_s: float = 0


class Lockout:
    """
    Counts wrong passwords by name.

    The last of *free_failures* locks a name for a second, each further one for twice as long. A guess
    that is under way counts as wrong until its outcome is known: else a hundred at once would all be
    free. At most *capacity* names are remembered, those that were tried last.
    """

    def __init__(self, *, free_failures: int, capacity: int, clock: Callable[[], float]) -> None:
        self._free_failures = free_failures
        self._capacity = capacity
        self._clock = clock
        self._records: OrderedDict[bytes, _Record] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def wait_s(self, name: bytes) -> float:
        """Return how long the next guess has to wait; 0 if it need not."""
        record = self._records.get(name)
        if record is None:
            return 0
        if record.under_way and record.failures + record.under_way >= self._free_failures:
            return max(GUESS_TAKES_S, record.locked_until_s - self._clock())
        return max(0, record.locked_until_s - self._clock())

    @contextmanager
    def guess(self, name: bytes) -> Iterator[None]:
        """
        Hold a guess: InvalidCredentials inside counts, success clears the name.

        Any other error tells nothing of the password and changes nothing.
        """
        record = self._records.get(name) or _Record()
        if not record.under_way and self._clock() >= record.forgotten_at_s:
            record.failures = 0
        record.under_way += 1
        self._keep(name, record)
        try:
            yield
        except InvalidCredentials:
            self._fail(record)
            raise
        else:
            record.failures = 0
            record.locked_until_s = 0
        finally:
            record.under_way -= 1
            self._keep(name, record)

    def _fail(self, record: _Record) -> None:
        now_s = self._clock()
        record.failures += 1
        over = record.failures - self._free_failures
        if over >= 0:
            lock_s = min(LONGEST_LOCK_S, 2 ** min(over, LONGEST_LOCK_S.bit_length()))
            record.locked_until_s = now_s + lock_s
        record.forgotten_at_s = max(now_s, record.locked_until_s) + FORGOTTEN_AFTER_S

    def _keep(self, name: bytes, record: _Record) -> None:
        """Remember a record as the latest, or drop it where it says nothing."""
        if not (record.failures or record.under_way):
            self._records.pop(name, None)
            return
        self._records[name] = record
        self._records.move_to_end(name)
        if len(self._records) > self._capacity:
            self._records.popitem(last=False)
