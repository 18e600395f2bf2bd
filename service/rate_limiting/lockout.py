"""
Locks an account name for a while after wrong passwords or codes, whether there is such an account or not.

Cognito documents a lockout of its users and none for unknown names. This one is the same for all names
and usually comes first; where several processes share the guesses Cognito's may come first, and is then
answered as a wrong password (identity_provider/cognito/masked_refusals.py). No library keeps this pattern
of a lock that doubles.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from service.domain.errors import CodeMismatch, InvalidCredentials

# Cognito's own: after five failures 2^(n-5) seconds, up to about 15 minutes, and a new start after 15
# minutes without an attempt. Attempts that a lock refuses do not count:
# https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html
LONGEST_LOCK_S: Final = 900
FORGOTTEN_AFTER_S: Final = 900
WRONG: Final = (CodeMismatch, InvalidCredentials)
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
    Counts wrong guesses by name.

    The last of *free_failures* locks a name for a second, each further one for twice as long. A guess
    that is under way counts as wrong until its outcome is known: else a hundred at once would all be
    free. At most *capacity* names are remembered, those that were tried last. With *success_clears* a
    right guess clears the name; without it only `clear` does.
    """

    def __init__(
        self,
        *,
        free_failures: int,
        capacity: int,
        clock: Callable[[], float],
        success_clears: bool = True,
    ) -> None:
        self._free_failures = free_failures
        self._success_clears = success_clears
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
        Hold a guess: InvalidCredentials and CodeMismatch inside count.

        Any other error tells nothing of the secret and changes nothing.
        """
        record = self._records.get(name) or _Record()
        if not record.under_way and self._clock() >= record.forgotten_at_s:
            record.failures = 0
        record.under_way += 1
        self._keep(name, record)
        try:
            yield
        except WRONG:
            self._fail(record)
            raise
        else:
            if self._success_clears:
                record.failures, record.locked_until_s = 0, 0
        finally:
            record.under_way -= 1
            self._keep(name, record)

    def clear(self, name: bytes) -> None:
        """Forget the wrong guesses of a name; those that are under way count when they end."""
        record = self._records.get(name)
        if record is not None:
            record.failures, record.locked_until_s = 0, 0
            self._keep(name, record)

    def count_failure(self, name: bytes) -> None:
        """Count a wrong guess that was answered without an error."""
        record = self._records.get(name) or _Record()
        self._fail(record)
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
