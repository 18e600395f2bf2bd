"""
A DataLoader of items: concurrent reads by key share one call to DynamoDB.

A call costs several times the CPU of everything else in a request, and a call for 100 keys little more
than a call for one. So calls are limited to one in ITERATIONS_PER_CALL iterations of the event loop: an
idle loop sends reads at once. The longer the iterations, the more reads share a call. A read beyond
the rate is sent with the first one, or at the first end of a call, that is within it, and at the latest
when BATCH_TARGET_KEYS are waiting or the first has waited for MAX_WAIT_S.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from service.aws.errors import RETRY_AFTER_S
from service.domain.errors import Misconfigured, UpstreamUnavailable
from service.domain.values.backoff import pause_s
from service.observability.loop_lag import LagLimitedRate, LoopLag
from service.profile_store.pending_reads import Batch, PendingRead
from service.profile_store.queries import Key, KeyReadResult

if TYPE_CHECKING:
    from service.profile_store.items import Item

ReadKeys: TypeAlias = Callable[[Sequence[Key]], Awaitable[KeyReadResult]]

MAX_KEYS = 100  # of one BatchGetItem: KeyList in DynamoDB's service model
# Measured with 4 to 256 callers: as little CPU as with a wait of a whole round trip, at less latency.
BATCH_TARGET_KEYS = 16
MAX_WAIT_S = 0.001
# Measured at 2,000 reads a second: p50 is lowest from 8 to 12, and a loop at 12 has more time to spare.
ITERATIONS_PER_CALL = 10
FIRST_PAUSE_S = 0.05  # before an unprocessed key is read again; doubles each time
LONGEST_PAUSE_S = 1.0
MAX_TRIES = 10  # about three seconds of pauses
MAX_SPLITS = 32  # without a success in between; finding one bad key among 100 takes seven


class BatchReader:
    """
    Reads items by *read_keys*, in at most *max_calls* concurrent calls.

    *lag* is that of the event loop, *observe* gets the number of keys of a call. Every read is answered
    by a call that begins after it, also where one for its key is in flight. A call with one caller is
    made in the caller's task, others in a task of their own: cancelling a caller does not affect others,
    and cancels a call only if no caller is left.
    """

    def __init__(  # noqa: PLR0913 -- four of them for tests
        self,
        read_keys: ReadKeys,
        *,
        max_calls: int,
        max_wait_s: float = MAX_WAIT_S,
        first_pause_s: float = FIRST_PAUSE_S,
        observe: Callable[[float], None] = lambda _: None,
        lag: LoopLag | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read_keys = read_keys
        self._observe = observe
        self._lag = lag or LoopLag(clock)
        self._rate = LagLimitedRate(self._lag, ITERATIONS_PER_CALL, clock)
        self._clock = clock
        self._max_calls = max_calls
        self._max_wait_s = max_wait_s
        self._first_pause_s = first_pause_s
        # A key is in at most one of the two: a new read of a paused key joins it.
        self._waiting: dict[Key, PendingRead] = {}
        self._paused: dict[Key, PendingRead] = {}
        self._in_flight = 0
        self._timer: asyncio.TimerHandle | None = None
        self._scheduled = False  # a call that will take the waiting reads
        self._splits_left = MAX_SPLITS

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """The running loop; looking it up is a system call."""
        return asyncio.get_running_loop()

    async def read(self, key: Key) -> Item | None:
        """Return the item at *key*, or None; raises what *read_keys* raises."""
        read = self._waiting.get(key) or self._paused.get(key)
        if read is None:
            read = self._waiting[key] = PendingRead(key)
            if self._is_due():
                await self._next_iteration(read)
                if not read.callers and len(self._waiting) == 1:
                    del self._waiting[key]
                    return await self._read_alone(read)
                self._send()
            else:
                self._set_timer()
        return await self._outcome(read)

    async def _next_iteration(self, read: PendingRead) -> None:
        """Let reads that arrive in this iteration of the loop join *read*; they resume after it."""
        self._scheduled = True
        begun_at = self._clock()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._scheduled = False
            if not read.callers:
                del self._waiting[read.key]
            self._send()
            raise
        self._scheduled = False
        self._lag.add(self._clock() - begun_at)

    async def _read_alone(self, read: PendingRead) -> Item | None:
        """Read one key in the task of its only caller, which costs less than a task for the call."""
        self._begin(1)
        try:
            result = await self._read_keys([read.key])
        finally:
            self._end()
        self._splits_left = MAX_SPLITS
        if read.key not in result.unprocessed:
            return result.found.get(read.key)
        return await self._outcome(self._pause(read))

    async def _outcome(self, read: PendingRead) -> Item | None:
        """Wait, as a caller, for the call that answers *read*."""
        caller: asyncio.Future[Item | None] = self._loop.create_future()
        read.callers.append(caller)
        try:
            return await caller
        finally:
            if caller.cancelled():
                self._leave(read, caller)

    def _leave(self, read: PendingRead, caller: asyncio.Future[Item | None]) -> None:
        while read.merged_into is not None:
            read = read.merged_into
        read.callers.remove(caller)
        if read.callers:
            return
        if self._waiting.get(read.key) is read:
            del self._waiting[read.key]
        batch = read.batch
        read.leave_batch()
        if batch is not None and not batch.pending:
            batch.task.cancel()

    def _is_due(self) -> bool:
        """Return whether the waiting reads are to be sent now."""
        if self._scheduled or self._in_flight >= self._max_calls:
            return False
        return self._rate.is_due() or len(self._waiting) >= BATCH_TARGET_KEYS

    def _set_timer(self) -> None:
        """Send the waiting reads after the longest wait, unless something else does before."""
        if self._timer is None and not self._scheduled:
            self._timer = self._loop.call_later(self._max_wait_s, self._send)

    def _send_if_due(self) -> None:
        if self._is_due():
            self._send()
        elif self._waiting:
            self._set_timer()

    def _send(self) -> None:
        """Send the waiting reads in the next iteration; others may have joined them by then."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting or self._scheduled or self._in_flight >= self._max_calls:
            return  # what is scheduled takes them, or the end of a call does
        self._scheduled = True
        batch = Batch()
        # An empty context: log lines of a shared call belong to no request.
        batch.task = self._loop.create_task(self._share(batch, self._clock()), context=Context())

    async def _share(self, batch: Batch, scheduled_at: float) -> None:
        self._lag.add(self._clock() - scheduled_at)
        if self._lag.is_behind:  # a further iteration doubles the keys of a call
            await asyncio.sleep(0)
        self._scheduled = False
        reads = [self._waiting.pop(key) for key in [*islice(self._waiting, MAX_KEYS)]]
        if not reads:
            return  # all callers were cancelled
        batch.add(reads)
        self._begin(len(reads))
        self._send()
        try:
            await self._call(reads)
        finally:
            for read in batch.pending:  # the task was cancelled, as by asyncio.run at the end
                for caller in read.callers:
                    caller.cancel()
            self._end()

    def _begin(self, keys: int) -> None:
        self._observe(keys)
        self._in_flight += 1
        self._rate.begin()

    def _end(self) -> None:
        self._in_flight -= 1
        self._send_if_due()

    async def _call(self, reads: Sequence[PendingRead]) -> None:
        try:
            result = await self._read_keys([read.key for read in reads])
        except Exception as failure:  # noqa: BLE001 -- the callers raise it
            down = isinstance(failure, UpstreamUnavailable | Misconfigured)
            if down or len(reads) == 1 or self._splits_left == 0:
                for read in reads:
                    read.fail(failure)
                return
            # One bad key must not fail the others, nor DynamoDB receive many calls while it fails.
            self._splits_left -= 1
            middle = len(reads) // 2
            await asyncio.gather(self._call(reads[:middle]), self._call(reads[middle:]))
            return
        self._splits_left = MAX_SPLITS
        for read in reads:
            if read.key in result.unprocessed:
                self._pause(read)
            else:
                read.succeed(result.found.get(read.key))

    def _pause(self, read: PendingRead) -> PendingRead:
        """Read an unprocessed key again after a pause with full jitter; return what is read."""
        read.leave_batch()
        read.tries += 1
        if read.tries == MAX_TRIES:
            read.fail(UpstreamUnavailable(retry_after_s=RETRY_AFTER_S))
            return read
        other = self._waiting.get(read.key) or self._paused.get(read.key)
        if other is not None:
            read.merge_into(other)
            return other
        self._paused[read.key] = read
        after_s = pause_s(read.tries, first_s=self._first_pause_s, longest_s=LONGEST_PAUSE_S)
        self._loop.call_later(after_s, self._resume, read)
        return read

    def _resume(self, read: PendingRead) -> None:
        del self._paused[read.key]
        if read.callers:
            self._waiting[read.key] = read
            self._send_if_due()
