"""
Gathered reads: callers that ask for items at the same time share one call.

A call to DynamoDB costs several times the CPU of all else that a request needs, and one for 100 keys
little more than one for a single key. Nobody waits while nothing is under way; otherwise until
ENOUGH_KEYS are wanted, or the first of them has waited for LONGEST_WAIT_S.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from service.aws.errors import RETRY_AFTER_S
from service.domain.errors import Misconfigured, ServiceError, UpstreamUnavailable
from service.profile_store.queries import Answered, Key

if TYPE_CHECKING:
    from service.profile_store.items import Item

Ask: TypeAlias = Callable[[Sequence[Key]], Awaitable[Answered]]

MAX_KEYS = 100  # of one BatchGetItem: KeyList in DynamoDB's service model
# Measured with 4 to 256 callers: the CPU of waiting for a whole round trip, without its time.
ENOUGH_KEYS = 16
LONGEST_WAIT_S = 0.001
FIRST_PAUSE_S = 0.05  # before a key that DynamoDB left aside is asked for again; then twice as long
LONGEST_PAUSE_S = 1.0
MAX_TRIES = 10  # about three seconds of pauses
MAX_SPLITS = 32  # without a success in between: a poisoned key in a hundred is found with seven


class _PendingRead:
    """An item that is wanted, and who waits for it."""

    __slots__ = ("batch", "callers", "key", "merged_into", "tries")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.callers: list[asyncio.Future[Item | None]] = []
        self.tries = 0
        self.batch: _Batch | None = None  # while a call for it is under way
        self.merged_into: _PendingRead | None = None

    def settle(self) -> None:
        """Owe no answer to it any longer."""
        if self.batch is not None:
            self.batch.owed.discard(self)
            self.batch = None

    def answer(self, item: Item | None) -> None:
        """Give all callers the item."""
        self.settle()
        for caller in self.callers:
            if not caller.done():
                caller.set_result(item)

    def fail(self, failure: Exception) -> None:
        """Give each caller an error of its own: they are raised in several places."""
        self.settle()
        for caller in self.callers:
            if not caller.done():
                caller.set_exception(_copied(failure))

    def merge_into(self, other: _PendingRead) -> None:
        """Let the callers wait for *other*, which is of the same key."""
        other.callers += self.callers
        other.tries = max(other.tries, self.tries)
        self.merged_into = other


class _Batch:
    """A call, and what it still owes an answer to."""

    __slots__ = ("owed", "task")

    task: asyncio.Task[None]

    def __init__(self, several: Sequence[_PendingRead]) -> None:
        self.owed = set(several)
        for wanted in several:
            wanted.batch = self


class BatchReader:
    """
    Reads items by *ask*, in *most* calls at a time; *observe* is told for how many keys each is.

    Every read begins after it was asked for: what comes while a call is under way waits for another
    one, even for the same key. The calls belong to no caller: one that is cancelled leaves the others
    to it, and only a call that nobody waits for any longer is cancelled.
    """

    def __init__(
        self,
        ask: Ask,
        *,
        most: int,
        first_pause_s: float = FIRST_PAUSE_S,
        observe: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._ask = ask
        self._observe = observe
        self._most = most
        self._first_pause_s = first_pause_s
        # A key is in one of the two at most: who asks for one that pauses waits with it.
        self._waiting: dict[Key, _PendingRead] = {}
        self._pausing: dict[Key, _PendingRead] = {}
        self._under_way: set[_Batch] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due = False
        self._splits_left = MAX_SPLITS

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """The loop in which all reads are made; to find it is a system call."""
        return asyncio.get_running_loop()

    async def read(self, key: Key) -> Item | None:
        """Return the item at *key*, or None; raises what *ask* raises."""
        caller: asyncio.Future[Item | None] = self._loop.create_future()
        wanted = self._waiting.get(key) or self._pausing.get(key)
        if wanted is None:
            wanted = self._waiting[key] = _PendingRead(key)
            self._schedule()
        wanted.callers.append(caller)
        try:
            return await caller
        finally:
            if caller.cancelled():
                self._leave(wanted, caller)

    def _leave(self, wanted: _PendingRead, caller: asyncio.Future[Item | None]) -> None:
        while wanted.merged_into is not None:
            wanted = wanted.merged_into
        wanted.callers.remove(caller)
        if wanted.callers:
            return
        if self._waiting.get(wanted.key) is wanted:
            del self._waiting[wanted.key]
        batch = wanted.batch
        wanted.settle()
        if batch is not None and not batch.owed:
            batch.task.cancel()

    def _schedule(self, *, at_once: bool = False) -> None:
        """See to it that what waits is sent, unless a call that ends will do so."""
        if self._due or len(self._under_way) >= self._most:
            return
        if self._under_way and len(self._waiting) < ENOUGH_KEYS and not at_once:
            self._timer = self._timer or self._loop.call_later(LONGEST_WAIT_S, self._send)
            return
        if self._timer is not None:
            self._timer.cancel()
        # Not in this turn of the loop, nor in the next: who came in the meantime is read before then, and
        # goes along. A loop with nothing else to do loses microseconds by it.
        self._due = True
        self._loop.call_soon(self._loop.call_soon, self._send)

    def _send(self) -> None:
        self._due, self._timer = False, None
        several = [self._waiting.pop(key) for key in [*islice(self._waiting, MAX_KEYS)]]
        if not several:
            return  # whoever asked has left
        self._observe(len(several))
        batch = _Batch(several)
        self._under_way.add(batch)
        # A context of its own: what is logged of a call that several share is no one request's.
        batch.task = asyncio.create_task(self._answer(several), context=Context())
        batch.task.add_done_callback(lambda _: self._ended(batch))
        if self._waiting:
            self._schedule()

    def _ended(self, batch: _Batch) -> None:
        self._under_way.remove(batch)
        for wanted in batch.owed:  # somebody cancelled the task, as asyncio.run does in the end
            for caller in wanted.callers:
                caller.cancel()
        if self._waiting:
            self._schedule(at_once=self._timer is None)  # without one, they wait for this very room

    async def _answer(self, several: Sequence[_PendingRead]) -> None:
        try:
            answered = await self._ask([wanted.key for wanted in several])
        except Exception as failure:  # noqa: BLE001 -- the callers raise it
            down = isinstance(failure, UpstreamUnavailable | Misconfigured)
            if down or len(several) == 1 or self._splits_left == 0:
                for wanted in several:
                    wanted.fail(failure)
                return
            # One of the keys may be to blame; the others are not to suffer for it. Where all are, it is
            # DynamoDB that fails, and is not to be asked twice as often for that.
            self._splits_left -= 1
            middle = len(several) // 2
            await asyncio.gather(self._answer(several[:middle]), self._answer(several[middle:]))
            return
        self._splits_left = MAX_SPLITS
        for wanted in several:
            if wanted.key in answered.unprocessed:
                self._pause(wanted)
            else:
                wanted.answer(answered.found.get(wanted.key))

    def _pause(self, wanted: _PendingRead) -> None:
        """Ask again, after a while, for what DynamoDB has left aside."""
        wanted.settle()
        wanted.tries += 1
        if wanted.tries == MAX_TRIES:
            wanted.fail(UpstreamUnavailable(retry_after_s=RETRY_AFTER_S))
            return
        other = self._waiting.get(wanted.key) or self._pausing.get(wanted.key)
        if other is not None:
            wanted.merge_into(other)
            return
        self._pausing[wanted.key] = wanted
        bound_s = min(LONGEST_PAUSE_S, self._first_pause_s * 2**wanted.tries)
        pause_s = random.uniform(0, bound_s)  # noqa: S311 -- spreads load, guards nothing
        self._loop.call_later(pause_s, self._resume, wanted)

    def _resume(self, wanted: _PendingRead) -> None:
        del self._pausing[wanted.key]
        if wanted.callers:
            self._waiting[wanted.key] = wanted
            self._schedule()


def _copied(failure: Exception) -> Exception:
    """Return another error like *failure*; one of no known kind, a defect, as it is."""
    if not isinstance(failure, ServiceError):
        return failure
    copied = copy.copy(failure)
    copied.__cause__ = failure.__cause__
    return copied
