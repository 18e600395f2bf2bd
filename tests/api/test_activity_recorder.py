"""The queue of activity events."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from service.api.activity.recorder import ATTEMPTS, MAX_WRITERS, ActivityRecorder
from service.domain.activity import MAX_APPENDED, ActivityErased, ActivityEvent
from service.domain.errors import ProfileChanged, UpstreamUnavailable
from service.observability.log_limit import INTERVAL_S
from service.observability.metrics.catalogue import Metrics
from tests.observability.metrics.samples import samples_of
from tests.support.clock import Clock
from tests.support.fakes.activity import MemoryActivityLog


class HeldLog(MemoryActivityLog):
    """A log whose appends wait until it is *released*, and then raise what *failures* has."""

    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()
        self.begun: list[tuple[str, int]] = []
        self.failures: list[Exception] = []

    async def append(self, user_id: str, events: Sequence[ActivityEvent]) -> None:
        """Append once released."""
        self.begun.append((user_id, len(events)))
        await self.released.wait()
        if self.failures:
            raise self.failures.pop(0)
        await super().append(user_id, events)

    async def stored(self, user_id: str) -> int:
        """Return how many events of a user are stored."""
        return len((await self.page(user_id, limit=1_000)).events)


@pytest.fixture(name="log")
def _log() -> HeldLog:
    return HeldLog()


@pytest.fixture(name="metrics")
def _metrics() -> Metrics:
    return Metrics()


def _counted(metrics: Metrics) -> dict[str, float]:
    """Return the events by result."""
    prefix = 'activity_events_total{result="'
    return {
        name.removeprefix(prefix).removesuffix('"}'): value
        for name, value in samples_of(metrics).items()
        if name.startswith(prefix)
    }


async def test_events_of_a_user_are_stored_together(log: HeldLog, metrics: Metrics) -> None:
    """One task writes for a user, and takes all that has come while it was writing."""
    recorder = ActivityRecorder(log, metrics=metrics)
    recorder.record("alice", "signed_in")
    await asyncio.sleep(0)
    for _ in range(3):
        recorder.record("alice", "signed_in")
    await asyncio.sleep(0)
    assert log.begun == [("alice", 1)]
    log.released.set()

    await recorder.flush(5)

    assert log.begun == [("alice", 1), ("alice", 3)]
    assert await log.stored("alice") == 4
    assert _counted(metrics) == {"stored": 4}


async def test_few_tasks_write(log: HeldLog, metrics: Metrics) -> None:
    """However many users there are, at most MAX_WRITERS appends are under way."""
    recorder = ActivityRecorder(log, metrics=metrics)
    for number in range(3 * MAX_WRITERS):
        recorder.record(f"user{number}", "signed_in")
    await asyncio.sleep(0)
    assert len(log.begun) == MAX_WRITERS
    log.released.set()

    await recorder.flush(5)

    assert _counted(metrics) == {"stored": 3 * MAX_WRITERS}


async def test_full_queue_drops_and_counts(log: HeldLog, metrics: Metrics) -> None:
    """Beyond its size the queue drops events; a line a minute says how many."""
    clock = Clock()
    recorder = ActivityRecorder(log, metrics=metrics, clock=clock, max_queued=2)
    with capture_logs() as lines:
        for number in range(5):
            recorder.record(f"user{number}", "signed_in")
        clock.advance(INTERVAL_S + 1)
        recorder.record("late", "signed_in")
    log.released.set()
    await recorder.flush(5)

    assert [(line["event"], line["reason"], line["events"]) for line in lines] == [
        ("activity_dropped", "queue_full", 1),
        ("activity_dropped", "queue_full", 3),
    ]
    assert {line["log_level"] for line in lines} == {"warning"}
    assert _counted(metrics) == {"stored": 2, "queue_full": 4}


async def test_one_user_cannot_fill_the_queue(log: HeldLog, metrics: Metrics) -> None:
    """The events of one user that wait are limited to those of one append."""
    recorder = ActivityRecorder(log, metrics=metrics)
    for _ in range(MAX_APPENDED + 5):
        recorder.record("alice", "signed_in")
    recorder.record("bob", "signed_in")
    log.released.set()

    await recorder.flush(5)

    assert _counted(metrics) == {"stored": MAX_APPENDED + 1, "queue_full": 5}


@pytest.mark.parametrize(
    "failures",
    [[UpstreamUnavailable()], [ProfileChanged()] * ATTEMPTS, [ZeroDivisionError()]],
    ids=["DynamoDB is down", "conflicts", "defect"],
)
async def test_failed_write_drops_and_counts(
    log: HeldLog, metrics: Metrics, failures: list[Exception]
) -> None:
    """A failure drops the events of its append; later ones are stored."""
    recorder = ActivityRecorder(log, metrics=metrics)
    log.released.set()
    log.failures = [*failures]
    recorder.record("alice", "signed_in")
    await recorder.flush(5)

    recorder.record("alice", "signed_in")
    await recorder.flush(5)

    assert _counted(metrics) == {"failed": 1, "stored": 1}


async def test_conflict_is_repeated(log: HeldLog, metrics: Metrics) -> None:
    """Events that conflict with those of another process are stored by a later attempt."""
    recorder = ActivityRecorder(log, metrics=metrics)
    log.released.set()
    log.failures = [ProfileChanged()]
    recorder.record("alice", "signed_in")

    await recorder.flush(5)

    assert _counted(metrics) == {"stored": 1}


async def test_erased_events_are_dropped_alone(log: HeldLog, metrics: Metrics) -> None:
    """Of events queued together, those before an erasure are dropped, without a line in the log."""
    recorder = ActivityRecorder(log, metrics=metrics)
    for _ in range(3):
        recorder.record("alice", "signed_in")
    log.failures = [ActivityErased(), ActivityErased()]  # of all together, and of the first
    log.released.set()

    with capture_logs() as lines:
        await recorder.flush(5)

    assert _counted(metrics) == {"erased": 1, "stored": 2}
    assert lines == []


async def test_flush_ends_in_time(log: HeldLog, metrics: Metrics) -> None:
    """What DynamoDB does not take in time is dropped, counted and logged."""
    recorder = ActivityRecorder(log, metrics=metrics)
    for number in range(2 * MAX_WRITERS):
        recorder.record(f"user{number}", "signed_in")
    with capture_logs() as lines:
        await recorder.flush(0.01)

    assert _counted(metrics) == {"not_flushed": 2 * MAX_WRITERS}
    assert [(line["reason"], line["events"]) for line in lines] == [
        ("not_flushed", 2 * MAX_WRITERS)
    ]


async def test_flush_logs_the_rest(log: HeldLog, metrics: Metrics) -> None:
    """Drops that were counted since the last line are logged at the end."""
    recorder = ActivityRecorder(log, metrics=metrics, clock=Clock(), max_queued=1)
    for number in range(4):
        recorder.record(f"user{number}", "signed_in")
    log.released.set()

    with capture_logs() as lines:
        await recorder.flush(5)

    assert [(line["reason"], line["events"]) for line in lines] == [("queue_full", 2)]
