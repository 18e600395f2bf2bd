"""A breaker opens for an upstream that does not work, and nothing else, and closes soon after it does."""

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
REFUSED = 429  # one user's own limit, say


class Broken(Exception):
    """A call that got no answer."""


class Told:
    """The states that a breaker has told, in order."""

    def __init__(self) -> None:
        self.states: list[str] = []

    def __call__(self, upstream: str, state: str) -> None:
        """Take down a state."""
        assert upstream == "cognito"
        self.states.append(state)


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock of the breaker and of the library in it."""
    clock = Clock()
    monkeypatch.setattr("circuitbreaker.monotonic", clock)
    return clock


@pytest.fixture(name="told")
def _told() -> Told:
    return Told()


@pytest.fixture(name="breaker")
def _breaker(clock: Clock, told: Told) -> Breaker:
    return Breaker("cognito", UpstreamsConfig(FAILURES, OPEN_S), told, clock=clock)


def answered(breaker: Breaker, status: int = WELL) -> None:
    """Make a call that is answered."""
    with breaker.call() as call:
        call.status = status


def unanswered(breaker: Breaker) -> None:
    """Make a call that gets no answer."""
    with pytest.raises(Broken), breaker.call():
        raise Broken


def cancelled(breaker: Breaker, clock: Clock, after_s: float) -> None:
    """Make a call that its caller gives up."""
    given_up = breaker.call()
    clock.now += after_s
    with pytest.raises(asyncio.CancelledError), given_up:
        raise asyncio.CancelledError


def refused(breaker: Breaker) -> int:
    """Make a call that is refused, and return when to come again."""
    with pytest.raises(UpstreamRefused) as refusal:
        breaker.call()
    return refusal.value.retry_after_s


def opened(breaker: Breaker) -> None:
    """Let so many calls fail that the breaker opens."""
    for _ in range(FAILURES):
        unanswered(breaker)
    refused(breaker)


@pytest.mark.parametrize(
    "fail", [unanswered, lambda breaker: answered(breaker, DOWN)], ids=["no answer", "503"]
)
def test_failures_in_a_row_open_it(
    breaker: Breaker, told: Told, fail: Callable[[Breaker], None]
) -> None:
    """After so many failures in a row every call is refused at once, and is told when to come again."""
    for _ in range(FAILURES):
        fail(breaker)

    assert refused(breaker) in {1, 2}
    assert told.states == ["closed", "open"]


def test_success_in_between_keeps_it_closed(breaker: Breaker, told: Told) -> None:
    """What fails now and then is not down."""
    for _ in range(10):
        for _ in range(FAILURES - 1):
            unanswered(breaker)
        answered(breaker)

    assert told.states == ["closed"]


def test_refusals_of_one_user_never_open_it(breaker: Breaker, told: Told) -> None:
    """That an upstream says no shows that it works."""
    for _ in range(100):
        answered(breaker, REFUSED)

    assert told.states == ["closed"]


def test_calls_that_were_given_up_late_open_it(breaker: Breaker, clock: Clock) -> None:
    """An upstream that lets deadlines pass does not work; a caller that leaves early says nothing."""
    for _ in range(100):
        cancelled(breaker, clock, SLOW_S / 2)
    for _ in range(FAILURES):
        cancelled(breaker, clock, SLOW_S)

    refused(breaker)


def test_half_open_lets_one_call_through(breaker: Breaker, told: Told, clock: Clock) -> None:
    """When its time has passed one call is sent; all others wait for its success, which closes it."""
    opened(breaker)
    clock.now += 2 * OPEN_S

    with breaker.call() as probe:
        assert refused(breaker) == 1
        probe.status = WELL

    answered(breaker)
    assert told.states == ["closed", "open", "half_open", "closed"]


def test_failed_probe_opens_it_again(breaker: Breaker, told: Told, clock: Clock) -> None:
    """One failure is enough while nothing has been answered since; the time begins anew."""
    opened(breaker)
    clock.now += 2 * OPEN_S
    unanswered(breaker)

    refused(breaker)
    clock.now += 2 * OPEN_S
    answered(breaker)

    assert told.states == ["closed", "open", "half_open", "open", "half_open", "closed"]


def test_probe_that_hangs_gives_way_to_another(breaker: Breaker, told: Told, clock: Clock) -> None:
    """A probe that an outage swallows holds up the others no longer than the breaker is open."""
    opened(breaker)
    clock.now += 2 * OPEN_S
    hanging = breaker.call()
    clock.now += 2 * OPEN_S

    answered(breaker)
    with pytest.raises(Broken), hanging:
        raise Broken

    answered(breaker)
    assert told.states[-1] == "closed"


def test_probe_that_is_given_up_gives_way_at_once(breaker: Breaker, clock: Clock) -> None:
    """A caller that leaves takes nobody's chance along."""
    opened(breaker)
    clock.now += 2 * OPEN_S
    cancelled(breaker, clock, 0)

    answered(breaker)


def test_calls_from_before_a_change_count_no_longer(
    breaker: Breaker, told: Told, clock: Clock
) -> None:
    """What an outage left hanging opens nothing when it ends, and closes nothing."""
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
    assert told.states == ["closed", "open", "half_open", "closed"]


def test_it_can_be_switched_off(clock: Clock, told: Told) -> None:
    """With a limit of 0 nothing is ever refused."""
    breaker = Breaker("cognito", UpstreamsConfig(0, OPEN_S), told, clock=clock)

    for _ in range(1_000):
        unanswered(breaker)

    assert told.states == ["closed"]


def test_silence_is_told(breaker: Breaker) -> None:
    """Whoever holds the connections hears of calls without an answer, and of no others."""
    heard: list[None] = []
    breaker.on_no_response = lambda: heard.append(None)

    answered(breaker, DOWN)
    assert heard == []
    unanswered(breaker)
    assert heard == [None]


def test_changes_are_logged(breaker: Breaker, clock: Clock) -> None:
    """The operator reads when an upstream was down, and when it was back."""
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
