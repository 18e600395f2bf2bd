"""
A DataLoader of items: concurrent reads by key share one call to DynamoDB.

A call costs several times the CPU of everything else in a request, and a call for 100 keys little more
than a call for one. While the event loop has time to spare, reads are sent at once, at up to CALLS_PER_S
calls a second: a read that finds that many in flight is sent when one of them ends. Once the loop is
behind, CPU is what limits latency, and reads wait while a call is in flight. In both cases they wait
until BATCH_TARGET_KEYS are pending or the first has waited for MAX_WAIT_S, at the longest.
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
from service.observability.loop_lag import SMOOTHING, LoopLag
from service.profile_store.pending_reads import Batch, PendingRead
from service.profile_store.queries import Key, KeyReadResult

if TYPE_CHECKING:
    from service.profile_store.items import Item

ReadKeys: TypeAlias = Callable[[Sequence[Key]], Awaitable[KeyReadResult]]

MAX_KEYS = 100  # of one BatchGetItem: KeyList in DynamoDB's service model
# Measured with 4 to 256 callers: as little CPU as with a wait of a whole round trip, at less latency.
BATCH_TARGET_KEYS = 16
MAX_WAIT_S = 0.001
# A third of a core for the calls alone. In flight are as many as that rate times the duration of a call.
CALLS_PER_S = 1_500
FIRST_PAUSE_S = 0.05  # before an unprocessed key is read again; doubles each time
LONGEST_PAUSE_S = 1.0
MAX_TRIES = 10  # about three seconds of pauses
MAX_SPLITS = 32  # without a success in between; finding one bad key among 100 takes seven


class BatchReader:
    """
    Reads items by *read_keys*, in at most *max_calls* concurrent calls.

    *lag* is that of the event loop. *observe* is called with the number of keys of each call, *clock*
    returns seconds. Every read is
    answered by a call that begins after it, also where a call for the same key is in flight. The calls
    belong to no caller: the cancellation of one caller does not affect the others, and cancels a call
    only if no caller is left.
    """

    def __init__(  # noqa: PLR0913 -- three of them for tests
        self,
        read_keys: ReadKeys,
        *,
        max_calls: int,
        first_pause_s: float = FIRST_PAUSE_S,
        observe: Callable[[float], None] = lambda _: None,
        lag: LoopLag | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read_keys = read_keys
        self._observe = observe
        self._lag = lag or LoopLag(clock)
        self._clock = clock
        self._max_calls = max_calls
        self._first_pause_s = first_pause_s
        # A key is in at most one of the two: a new read of a paused key joins it.
        self._waiting: dict[Key, PendingRead] = {}
        self._paused: dict[Key, PendingRead] = {}
        self._in_flight: set[Batch] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._scheduled = False
        self._duration_s = 0.0
        self._splits_left = MAX_SPLITS

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """The running loop; looking it up is a system call."""
        return asyncio.get_running_loop()

    async def read(self, key: Key) -> Item | None:
        """Return the item at *key*, or None; raises what *read_keys* raises."""
        caller: asyncio.Future[Item | None] = self._loop.create_future()
        read = self._waiting.get(key) or self._paused.get(key)
        if read is None:
            read = self._waiting[key] = PendingRead(key)
            self._schedule()
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

    def _schedule(self, *, at_once: bool = False) -> None:
        """Schedule a call for the waiting reads, unless the end of another call will."""
        in_flight = len(self._in_flight)
        if self._scheduled or in_flight >= self._max_calls:
            return
        at_once = at_once or in_flight == 0 or len(self._waiting) >= BATCH_TARGET_KEYS
        if not at_once and (self._lag.is_behind or in_flight >= CALLS_PER_S * self._duration_s):
            self._timer = self._timer or self._loop.call_later(MAX_WAIT_S, self._waited)
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # After two iterations of the loop: requests that arrived meanwhile are read before that and
        # join. An idle loop loses microseconds.
        self._scheduled = True
        self._lag.after_two_iterations(self._send)

    def _waited(self) -> None:
        self._timer = None
        self._schedule(at_once=True)

    def _send(self) -> None:
        self._scheduled = False
        reads = [self._waiting.pop(key) for key in [*islice(self._waiting, MAX_KEYS)]]
        if not reads:
            return  # all callers were cancelled
        self._observe(len(reads))
        batch = Batch(reads)
        self._in_flight.add(batch)
        # An empty context: log lines of a shared call belong to no request.
        batch.task = asyncio.create_task(self._call(reads), context=Context())
        batch.task.add_done_callback(lambda _: self._ended(batch))
        if self._waiting:
            self._schedule()

    def _ended(self, batch: Batch) -> None:
        self._in_flight.remove(batch)
        for read in batch.pending:  # the task was cancelled, as by asyncio.run at the end
            for caller in read.callers:
                caller.cancel()
        if self._waiting:
            # Without a timer they wait for this slot; in a loop with time to spare, for any call's end.
            self._schedule(at_once=self._timer is None or not self._lag.is_behind)

    async def _call(self, reads: Sequence[PendingRead]) -> None:
        begun_at = self._clock()
        try:
            result = await self._read_keys([read.key for read in reads])
        except Exception as failure:  # noqa: BLE001 -- the callers raise it
            down = isinstance(failure, UpstreamUnavailable | Misconfigured)
            if down or len(reads) == 1 or self._splits_left == 0:
                for read in reads:
                    read.fail(failure)
                return
            # One bad key must not fail the others. Splits are limited, so that a failing DynamoDB does
            # not receive more calls.
            self._splits_left -= 1
            middle = len(reads) // 2
            await asyncio.gather(self._call(reads[:middle]), self._call(reads[middle:]))
            return
        self._splits_left = MAX_SPLITS
        self._duration_s += SMOOTHING * (self._clock() - begun_at - self._duration_s)
        for read in reads:
            if read.key in result.unprocessed:
                self._pause(read)
            else:
                read.succeed(result.found.get(read.key))

    def _pause(self, read: PendingRead) -> None:
        """Read an unprocessed key again after a pause with full jitter."""
        read.leave_batch()
        read.tries += 1
        if read.tries == MAX_TRIES:
            read.fail(UpstreamUnavailable(retry_after_s=RETRY_AFTER_S))
            return
        other = self._waiting.get(read.key) or self._paused.get(read.key)
        if other is not None:
            read.merge_into(other)
            return
        self._paused[read.key] = read
        after_s = pause_s(read.tries, first_s=self._first_pause_s, longest_s=LONGEST_PAUSE_S)
        self._loop.call_later(after_s, self._resume, read)

    def _resume(self, read: PendingRead) -> None:
        del self._paused[read.key]
        if read.callers:
            self._waiting[read.key] = read
            self._schedule()
