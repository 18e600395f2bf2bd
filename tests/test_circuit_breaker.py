"""The circuit breaker opens for failures of the upstream alone, and closes once it has recovered."""

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from service.circuit_breaker import SLOW_S, Breaker, Call, UpstreamRefused
from service.config.settings import UpstreamsConfig
from tests.support.clock import Clock

FAILURES = 3
OPEN_S = 1.0  # at least; at most twice as long
DOWN = 503
WELL = 200
REFUSED = 429  # for the limit of one user, for example


class Broken(Exception):
    """A call got no response."""


class States:
    """The states that a breaker has reported, in order."""

    def __init__(self) -> None:
        self.states: list[str] = []

    def __call__(self, upstream: str, state: str) -> None:
        """Append a state."""
        assert upstream == "cognito"
        self.states.append(state)


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock of the breaker and of `circuitbreaker`."""
    clock = Clock()
    monkeypatch.setattr("circuitbreaker.monotonic", clock)
    return clock


@pytest.fixture(name="reported")
def _reported() -> States:
    return States()


@pytest.fixture(name="breaker")
def _breaker(clock: Clock, reported: States) -> Breaker:
    return Breaker("cognito", UpstreamsConfig(FAILURES, OPEN_S), reported, clock=clock)


def answered(breaker: Breaker, status: int = WELL) -> None:
    """Make a call that gets a response."""
    with breaker.call() as call:
        call.status = status


def unanswered(breaker: Breaker) -> None:
    """Make a call that gets no response."""
    with pytest.raises(Broken), breaker.call():
        raise Broken


def cancelled(breaker: Breaker, clock: Clock, after_s: float) -> None:
    """Make a call that is cancelled after a time."""
    given_up = breaker.call()
    clock.now += after_s
    with pytest.raises(asyncio.CancelledError), given_up:
        raise asyncio.CancelledError


def refused(breaker: Breaker) -> int:
    """Make a call that is refused, and return its `retry_after_s`."""
    with pytest.raises(UpstreamRefused) as refusal:
        breaker.call()
    return refusal.value.retry_after_s


def opened(breaker: Breaker) -> None:
    """Open the breaker by failures."""
    for _ in range(FAILURES):
        unanswered(breaker)
    refused(breaker)


@pytest.mark.parametrize(
    "fail", [unanswered, lambda breaker: answered(breaker, DOWN)], ids=["no response", "503"]
)
def test_failures_in_a_row_open_it(
    breaker: Breaker, reported: States, fail: Callable[[Breaker], None]
) -> None:
    """After the configured number of consecutive failures, calls are refused for a time."""
    for _ in range(FAILURES):
        fail(breaker)

    assert refused(breaker) in {1, 2}
    assert reported.states == ["closed", "open"]


def test_success_in_between_keeps_it_closed(breaker: Breaker, reported: States) -> None:
    """Failures between successes do not open the breaker."""
    for _ in range(10):
        for _ in range(FAILURES - 1):
            unanswered(breaker)
        answered(breaker)

    assert reported.states == ["closed"]


def test_refusals_of_one_user_never_open_it(breaker: Breaker, reported: States) -> None:
    """A response below 500 counts as a success."""
    for _ in range(100):
        answered(breaker, REFUSED)

    assert reported.states == ["closed"]


def test_calls_that_are_cancelled_late_open_it(breaker: Breaker, clock: Clock) -> None:
    """A call that is cancelled after SLOW_S counts as a failure; an earlier one does not count."""
    for _ in range(100):
        cancelled(breaker, clock, SLOW_S / 2)
    for _ in range(FAILURES):
        cancelled(breaker, clock, SLOW_S)

    refused(breaker)


def test_half_open_lets_one_call_through(breaker: Breaker, reported: States, clock: Clock) -> None:
    """After the open time one call is admitted, the others are refused until it has succeeded."""
    opened(breaker)
    clock.now += 2 * OPEN_S

    with breaker.call() as probe:
        assert refused(breaker) == 1
        probe.status = WELL

    answered(breaker)
    assert reported.states == ["closed", "open", "half_open", "closed"]


def test_failed_probe_opens_it_again(breaker: Breaker, reported: States, clock: Clock) -> None:
    """A failed probe opens the breaker for another open time."""
    opened(breaker)
    clock.now += 2 * OPEN_S
    unanswered(breaker)

    refused(breaker)
    clock.now += 2 * OPEN_S
    answered(breaker)

    assert reported.states == ["closed", "open", "half_open", "open", "half_open", "closed"]


def test_probe_that_hangs_is_replaced(breaker: Breaker, reported: States, clock: Clock) -> None:
    """Another probe is admitted after the open time, and the late failure of the first is ignored."""
    opened(breaker)
    clock.now += 2 * OPEN_S
    hanging = breaker.call()
    clock.now += 2 * OPEN_S

    answered(breaker)
    with pytest.raises(Broken), hanging:
        raise Broken

    answered(breaker)
    assert reported.states[-1] == "closed"


def test_probe_that_is_cancelled_is_replaced_at_once(breaker: Breaker, clock: Clock) -> None:
    """The next call is admitted as the probe."""
    opened(breaker)
    clock.now += 2 * OPEN_S
    cancelled(breaker, clock, 0)

    answered(breaker)


def test_calls_from_before_a_change_are_ignored(
    breaker: Breaker, reported: States, clock: Clock
) -> None:
    """Calls that began before the breaker changed its state neither open nor close it."""
    left: list[Call] = [breaker.call() for _ in range(FAILURES + 1)]
    opened(breaker)
    with left.pop() as late:
        late.status = WELL
    refused(breaker)
    clock.now += 2 * OPEN_S
    answered(breaker)

    for call in left:
        with pytest.raises(Broken), call:
            raise Broken

    answered(breaker)
    assert reported.states == ["closed", "open", "half_open", "closed"]


def test_limit_of_zero_disables_it(clock: Clock, reported: States) -> None:
    """With 0 allowed failures nothing is refused."""
    breaker = Breaker("cognito", UpstreamsConfig(0, OPEN_S), reported, clock=clock)

    for _ in range(1_000):
        unanswered(breaker)

    assert reported.states == ["closed"]


def test_missing_response_is_reported(breaker: Breaker) -> None:
    """`on_no_response` is called for calls without a response alone."""
    reported: list[None] = []
    breaker.on_no_response = lambda: reported.append(None)

    answered(breaker, DOWN)
    assert reported == []
    unanswered(breaker)
    assert reported == [None]


def test_changes_are_logged(breaker: Breaker, clock: Clock) -> None:
    """Each change of the state is logged, as a warning where the breaker opens."""
    with capture_logs() as logs:
        opened(breaker)
        clock.now += 2 * OPEN_S
        answered(breaker)

    assert [
        (line["event"], line["upstream"], line["state"], line["log_level"]) for line in logs
    ] == [
        ("upstream_state", "cognito", "open", "warning"),
        ("upstream_state", "cognito", "half_open", "info"),
        ("upstream_state", "cognito", "closed", "info"),
    ]
