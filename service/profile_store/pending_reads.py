"""Reads that wait for a call of a `BatchReader`, and the call that they share."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from service.domain.errors import ServiceError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from service.profile_store.items import Item
    from service.profile_store.queries import Key


class PendingRead:
    """A read of one key, and the callers that wait for it."""

    __slots__ = ("batch", "callers", "key", "merged_into", "tries")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.callers: list[asyncio.Future[Item | None]] = []
        self.tries = 0
        self.batch: Batch | None = None  # while its call is in flight
        self.merged_into: PendingRead | None = None

    def leave_batch(self) -> None:
        """Remove the read from its batch."""
        if self.batch is not None:
            self.batch.pending.discard(self)
            self.batch = None

    def succeed(self, item: Item | None) -> None:
        """Return the item to all callers."""
        self.leave_batch()
        for caller in self.callers:
            if not caller.done():
                caller.set_result(item)

    def fail(self, failure: Exception) -> None:
        """Raise a copy of *failure* in each caller: a traceback belongs to one task."""
        self.leave_batch()
        for caller in self.callers:
            if not caller.done():
                caller.set_exception(copied(failure))

    def merge_into(self, other: PendingRead) -> None:
        """Move the callers to *other*, a read of the same key."""
        other.callers += self.callers
        other.tries = max(other.tries, self.tries)
        self.merged_into = other


class Batch:
    """A call in flight, and the reads that wait for it."""

    __slots__ = ("pending", "task")

    task: asyncio.Task[None]

    def __init__(self) -> None:
        self.pending: set[PendingRead] = set()

    def add(self, reads: Sequence[PendingRead]) -> None:
        """Put reads into the call."""
        self.pending.update(reads)
        for read in reads:
            read.batch = self


def copied(failure: Exception) -> Exception:
    """Return a copy of a ServiceError; any other exception, a defect, unchanged."""
    if not isinstance(failure, ServiceError):
        return failure
    copied = copy.copy(failure)
    copied.__cause__ = failure.__cause__
    return copied
