"""The queue of activity events that are stored while requests go on."""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from functools import partial
from typing import Final

import structlog

from service.domain.activity import MAX_APPENDED, ActivityErased, ActivityEvent, ActivityLog
from service.domain.errors import ServiceError
from service.domain.profiles import until_unchanged
from service.domain.values.timestamps import Clock, timestamp, utc_now
from service.observability.log_limit import LogLimit
from service.observability.metrics.catalogue import Metrics

MAX_QUEUED: Final = 2_000  # events, of about 1 KB each
MAX_WRITERS: Final = 4
ATTEMPTS: Final = 5  # where other processes write events of the same user at the same time

STORED: Final = "stored"
QUEUE_FULL: Final = "queue_full"
FAILED: Final = "failed"
NOT_FLUSHED: Final = "not_flushed"
ERASED: Final = "erased"  # the user's data was erased in the meantime
RESULTS: Final = (STORED, QUEUE_FULL, FAILED, NOT_FLUSHED, ERASED)


class ActivityRecorder:
    """
    Stores events in *log* by at most MAX_WRITERS tasks, which exist only while events wait.

    A request never waits, and no failure reaches it: events beyond *max_queued*, and those that DynamoDB
    does not take, are dropped, counted in *metrics* and logged at most once a minute. The events of one
    user are written by one task at a time, several together.
    """

    def __init__(
        self,
        log: ActivityLog,
        *,
        metrics: Metrics,
        now: Clock = utc_now,
        clock: Callable[[], float] = time.monotonic,
        max_queued: int = MAX_QUEUED,
    ) -> None:
        self._log = log
        self._metrics = metrics
        self._now = now
        self._max_queued = max_queued
        self._queued = 0
        self._waiting: OrderedDict[str, list[ActivityEvent]] = OrderedDict()
        self._being_written: set[str] = set()
        self._writers: set[asyncio.Task[None]] = set()
        self._unlogged: Counter[str] = Counter()
        self._log_limit = LogLimit(clock)

    def record(
        self,
        user_id: str,
        event: str,
        *,
        address: str | None = None,
        device: str | None = None,
        detail: str | None = None,
    ) -> None:
        """
        Queue an event that happens now, or drop it where too many wait, of all users or of this one.

        The texts are within the limits of ActivityEvent.
        """
        if self._queued >= self._max_queued or len(self._waiting.get(user_id, ())) >= MAX_APPENDED:
            self._drop(QUEUE_FULL, 1)
            return
        self._queued += 1
        self._waiting.setdefault(user_id, []).append(
            ActivityEvent(timestamp(self._now()), event, address, device, detail)
        )
        if len(self._writers) < MAX_WRITERS:
            # An empty context: log lines of the writer belong to no request.
            writer = asyncio.create_task(self._write(), context=Context())
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)

    async def flush(self, within_s: float) -> None:
        """Store the queued events; drop those that are not stored in *within_s* seconds."""
        if self._writers:
            await asyncio.wait(self._writers, timeout=within_s)
        for writer in (*self._writers,):
            writer.cancel()
        if self._writers:
            await asyncio.wait(self._writers)
        if self._queued:
            self._drop(NOT_FLUSHED, self._queued)
        for reason in (*self._unlogged,):
            self._log_dropped(reason)

    async def _write(self) -> None:
        while True:
            user_id = next(
                (each for each in self._waiting if each not in self._being_written), None
            )
            if user_id is None:
                return
            self._being_written.add(user_id)
            events = self._waiting.pop(user_id)
            try:
                results = await self._store(user_id, events)
            finally:
                self._being_written.remove(user_id)
            self._queued -= len(events)
            for result, number in results.items():
                if result == STORED:
                    self._metrics.activity_events(STORED, number)
                else:
                    self._drop(result, number)

    async def _store(self, user_id: str, events: Sequence[ActivityEvent]) -> Mapping[str, int]:
        """Return how many events had each result."""
        try:
            await until_unchanged(partial(self._log.append, user_id, events), ATTEMPTS)
        except ActivityErased:
            if len(events) == 1:
                return {ERASED: 1}
            alone = [await self._store(user_id, [event]) for event in events]
            return sum(map(Counter, alone), Counter())
        except ServiceError:  # logged where it was raised
            return {FAILED: len(events)}
        except Exception:  # noqa: BLE001 -- a defect must not end the writer unseen
            structlog.get_logger().exception("activity_write_failed")
            return {FAILED: len(events)}
        return {STORED: len(events)}

    def _drop(self, result: str, number: int) -> None:
        self._metrics.activity_events(result, number)
        if result == ERASED:
            return
        self._unlogged[result] += number
        if self._log_limit.admits(result):
            self._log_dropped(result)

    def _log_dropped(self, reason: str) -> None:
        """Log the number of events dropped since the last line of this reason."""
        structlog.get_logger().warning(
            "activity_dropped", reason=reason, events=self._unlogged.pop(reason)
        )
