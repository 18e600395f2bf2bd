"""
Lockout of account names after wrong passwords or codes, whether or not the account exists.

Cognito locks its users but documents no lockout of unknown names. This one is the same for all names and
usually comes first. With several processes, Cognito's may come first; it is then reported as a wrong
password (service/cognito/refusals/user_existence_errors.py). No library implements a lock of doubling
length.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from service.domain.errors import CodeMismatch, InvalidCredentials

# As Cognito's: 2^(n-5) seconds after five failures, up to about 15 minutes, and a reset after 15 minutes
# without an attempt. Attempts during a lock do not count:
# https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html
LONGEST_LOCK_S: Final = 900
FORGOTTEN_AFTER_S: Final = 900
WRONG: Final = (CodeMismatch, InvalidCredentials)
PENDING_GUESS_WAIT_S: Final = 1  # the approximate time of a guess


@dataclass(slots=True)
class _Record:
    """The failures of a name; times are those of the clock."""

    failures: int = 0
    pending: int = 0
    locked_until_s: float = 0
    expires_at_s: float = 0


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
        """Return how long the next guess has to wait; 0 is not at all."""
        record = self._records.get(name)
        if record is None:
            return 0
        if record.pending and record.failures + record.pending >= self._free_failures:
            return max(PENDING_GUESS_WAIT_S, record.locked_until_s - self._clock())
        return max(0, record.locked_until_s - self._clock())

    @contextmanager
    def guess(self, name: bytes) -> Iterator[None]:
        """
        Return a context manager in which InvalidCredentials and CodeMismatch count as wrong guesses.

        Other errors do not concern the secret and change nothing.
        """
        record = self._records.get(name) or _Record()
        if not record.pending and self._clock() >= record.expires_at_s:
            record.failures = 0
        record.pending += 1
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
            record.pending -= 1
            self._keep(name, record)

    def clear(self, name: bytes) -> None:
        """Clear the wrong guesses of a name; pending ones count when they end."""
        record = self._records.get(name)
        if record is not None:
            record.failures, record.locked_until_s = 0, 0
            self._keep(name, record)

    def count_failure(self, name: bytes) -> None:
        """Count a wrong guess that ended without an error."""
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
        record.expires_at_s = max(now_s, record.locked_until_s) + FORGOTTEN_AFTER_S

    def _keep(self, name: bytes, record: _Record) -> None:
        """Store a record as the most recent, or remove it if it is empty."""
        if not (record.failures or record.pending):
            self._records.pop(name, None)
            return
        self._records[name] = record
        self._records.move_to_end(name)
        if len(self._records) > self._capacity:
            self._records.popitem(last=False)
