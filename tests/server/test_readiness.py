"""Readiness is decided by checks in the background, and not by one lost packet."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from service.domain.errors import Misconfigured, UpstreamUnavailable
from service.server.readiness import Check, FailedCheck, HealthMonitor

SOON_S = 0.001
NEVER_S = 300.0  # between the rounds of a watch whose first round alone matters

OK = None
DOWN = UpstreamUnavailable()
DEFECT = RuntimeError("a defect")

Outcome = BaseException | None


def _always(outcome: Outcome) -> Check:
    """Return a check with one outcome."""

    async def check() -> None:
        if outcome is not None:
            raise outcome

    return check


async def _hang() -> None:
    await asyncio.Event().wait()


async def _reported(*outcomes: Outcome) -> list[dict[str, str]]:
    """Return what a watch reports after each round of a check that has these outcomes in turn."""
    seen: list[dict[str, str]] = []
    over = asyncio.Event()
    left = iter(outcomes)

    async def check() -> None:
        seen.append(dict(watch.readiness.failing))
        if len(seen) > len(outcomes):
            over.set()
            await _hang()
        outcome = next(left)
        if outcome is not OK:
            raise outcome

    watch = HealthMonitor({"table": check}, interval_s=SOON_S)
    async with watch, asyncio.timeout(30):
        await over.wait()
    return seen[1:]


def _readiness_tasks() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "readiness"]


@pytest.mark.parametrize(
    ("outcome", "failing"),
    [(OK, {}), (DOWN, {"table": "upstream_unavailable"}), (Misconfigured(), {"table": "misconfigured"})],
    ids=["right", "down", "misconfigured"],
)  # fmt: skip
async def test_first_round_decides(outcome: Outcome, failing: dict[str, str]) -> None:
    """What the first round found stands when entering ends; one failure is enough then."""
    async with HealthMonitor({"table": _always(outcome)}, interval_s=NEVER_S) as watch:
        assert watch.readiness.failing == failing


async def test_each_check_stands_for_itself() -> None:
    """Of several checks the failing ones are named, each with its reason."""
    checks = {"table": _always(DOWN), "pool": _always(OK), "keys": _always(Misconfigured())}
    async with HealthMonitor(checks, interval_s=NEVER_S) as watch:
        assert watch.readiness.failing == {
            "table": "upstream_unavailable",
            "keys": "misconfigured",
        }


async def test_checks_of_a_round_run_together() -> None:
    """The checks of a round run at the same time: each waits here for the other."""
    both = asyncio.Barrier(2)

    async def check() -> None:
        await both.wait()

    async with asyncio.timeout(30):
        async with HealthMonitor({"table": check, "pool": check}, interval_s=NEVER_S) as watch:
            assert watch.readiness.failing == {}


async def test_no_checks_are_ready() -> None:
    """Without checks there is nothing to fail."""
    async with HealthMonitor({}, interval_s=NEVER_S) as watch:
        assert watch.readiness.failing == {}


async def test_third_failure_in_a_row_counts() -> None:
    """A check that was right fails with the third failure in a row, not before."""
    down = {"table": "upstream_unavailable"}

    assert await _reported(OK, DOWN, DOWN, DOWN, DOWN) == [{}, {}, {}, down, down]


async def test_success_between_failures_starts_again() -> None:
    """Failures that are not in a row are not added up."""
    outcomes = (OK, DOWN, DOWN, OK, DOWN, DOWN, OK)

    assert await _reported(*outcomes) == [{}] * len(outcomes)


async def test_recovery_is_at_once() -> None:
    """One success makes a failing check right, and it is tolerated again from then on."""
    down = {"table": "upstream_unavailable"}

    assert await _reported(DOWN, OK, DOWN, DOWN, DOWN) == [down, {}, {}, {}, down]


async def test_change_is_logged_once() -> None:
    """Failing and recovering are logged when they happen, not with every round."""
    with capture_logs() as logs:
        await _reported(DOWN, DOWN, DOWN, OK, OK)

    assert logs == [
        {
            "event": "check_failed",
            "check": "table",
            "code": "upstream_unavailable",
            "log_level": "warning",
        },
        {"event": "check_recovered", "check": "table", "log_level": "info"},
    ]


async def test_defective_check_is_logged_and_fails() -> None:
    """A defect in a check is logged with its traceback, counts as a failure and ends nothing."""
    with capture_logs() as logs:
        reported = await _reported(DEFECT, OK)

    assert reported == [{"table": "internal_error"}, {}]
    assert logs[0] == {
        "event": "health_check_error",
        "check": "table",
        "exc_info": True,
        "log_level": "error",
    }


async def test_hanging_check_times_out() -> None:
    """A check that does not end is given up after a second, and counts as a failure."""
    async with asyncio.timeout(30):
        async with HealthMonitor({"table": _hang}, interval_s=SOON_S) as watch:
            assert watch.readiness.failing == {"table": "deadline_exceeded"}


@pytest.mark.parametrize("interval_s", [SOON_S, NEVER_S], ids=["in a check", "between checks"])
async def test_leaving_ends_the_watch(interval_s: float) -> None:
    """Leaving ends the background task, wherever it is, and leaves no task behind."""
    again = asyncio.Event()
    calls = 0

    async def check() -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            again.set()
            await _hang()

    before = asyncio.all_tasks()
    async with asyncio.timeout(30), HealthMonitor({"table": check}, interval_s=interval_s):
        assert len(_readiness_tasks()) == 1
        if interval_s == SOON_S:
            await again.wait()

    assert asyncio.all_tasks() == before


async def test_leaving_by_an_error_ends_the_watch() -> None:
    """An error passes through the watch, which ends as well."""

    async def failing() -> None:
        async with HealthMonitor({"table": _always(OK)}, interval_s=NEVER_S):
            raise ValueError("of the body")

    with pytest.raises(ValueError, match="of the body"):
        await failing()
    assert _readiness_tasks() == []


async def test_start_that_is_cancelled_leaves_nothing() -> None:
    """Cancelled in its first round, the watch never starts its task."""
    begun = asyncio.Event()

    async def check() -> None:
        begun.set()
        await _hang()

    async def entering() -> None:
        async with HealthMonitor({"table": check}, interval_s=NEVER_S):
            pytest.fail("entered without a first round")

    task = asyncio.create_task(entering())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _readiness_tasks() == []


WRONG_TABLE = FailedCheck("table keys", "misconfigured", "There is no table t.", "Create it.")
NO_RIGHT = FailedCheck("dynamodb:Query", "misconfigured", "denied", "Allow it.")


async def _started(*outcomes: Sequence[FailedCheck] | Exception) -> list[dict[str, str]]:
    """Return what is failing after each round of the checks of the start, which end with the last."""
    seen: list[dict[str, str]] = []
    left = iter(outcomes)
    over = asyncio.Event()

    async def start_checks() -> Sequence[FailedCheck]:
        seen.append(dict(watch.readiness.failing))
        outcome = next(left)
        if isinstance(outcome, Exception):
            raise outcome
        if not outcome:
            over.set()
        return outcome

    watch = HealthMonitor({}, interval_s=SOON_S, start_checks=start_checks)
    async with watch, asyncio.timeout(30):
        await over.wait()
        ending = [task for task in asyncio.all_tasks() if task.get_name() == "start checks"]
        await asyncio.gather(*ending)
        assert watch.readiness.has_started
        seen.append(dict(watch.readiness.failing))
    return seen[1:]


async def test_checks_of_the_start_are_repeated_until_they_pass() -> None:
    """Each failing check is named until it passes; after all have passed there are no more rounds."""
    with capture_logs() as logs:
        reported = await _started((WRONG_TABLE, NO_RIGHT), (WRONG_TABLE, NO_RIGHT), (NO_RIGHT,), ())

    both = {"table keys": "misconfigured", "dynamodb:Query": "misconfigured"}
    assert reported == [both, both, {"dynamodb:Query": "misconfigured"}, {}]
    assert [(line["event"], line["check"]) for line in logs] == [
        ("check_failed", "table keys"),
        ("check_failed", "dynamodb:Query"),
        ("check_recovered", "table keys"),
        ("check_recovered", "dynamodb:Query"),
    ]
    assert (logs[0]["detail"], logs[0]["advice"]) == ("There is no table t.", "Create it.")


async def test_defective_check_of_the_start_is_repeated() -> None:
    """A defect is logged and fails the start; the next round may pass."""
    with capture_logs() as logs:
        reported = await _started(DEFECT, ())

    assert reported == [{"start": "internal_error"}, {}]
    assert logs[0]["event"] == "health_check_error"


async def test_hanging_checks_of_the_start_keep_nobody_waiting() -> None:
    """Listening begins although the checks of the start hang: they go on in the background."""

    async def hang() -> Sequence[FailedCheck]:
        await _hang()
        return ()

    async with asyncio.timeout(30):
        async with HealthMonitor({}, interval_s=SOON_S, start_checks=hang) as watch:
            assert watch.readiness.failing == {"start": "not_finished"}
            assert not watch.readiness.has_started
