"""The lockout after wrong passwords."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from service.domain.errors import AccountNotConfirmed, InvalidCredentials, ServiceError
from service.rate_limiting.lockout import Lockout
from tests.support.clock import Clock

NAME = b"alice"


def _lockout(clock: Clock, *, capacity: int = 100) -> Lockout:
    return Lockout(free_failures=5, capacity=capacity, clock=clock)


def _fail(lockout: Lockout, name: bytes = NAME) -> None:
    with pytest.raises(InvalidCredentials), lockout.guess(name):
        raise InvalidCredentials


def _guess(lockout: Lockout, *, during: Callable[[], object], outcome: ServiceError) -> None:
    """Make a guess that ends with *outcome*; *during* is called while it is pending."""
    with lockout.guess(NAME):
        during()
        raise outcome


def _locked_after(lockout: Lockout, clock: Clock, failures: int) -> list[float]:
    """Fail repeatedly, waiting for each lock to end; return the length of each."""
    locks = []
    for _ in range(failures):
        _fail(lockout)
        locks.append(lockout.wait_s(NAME))
        clock.now += locks[-1]
    return locks


def test_lock_doubles_up_to_a_quarter_of_an_hour() -> None:
    """From the fifth wrong password on, a name is locked for 2^(n-5) seconds, as by Cognito."""
    clock = Clock()

    locks = _locked_after(_lockout(clock), clock, 18)

    assert locks == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]


def test_thousands_of_failures_are_no_more_than_the_longest_lock() -> None:
    """The lock does not exceed its maximum."""
    clock = Clock()

    assert _locked_after(_lockout(clock), clock, 5_000)[-1] == 900


def test_lock_ends_by_itself() -> None:
    """After the lock one more guess is allowed."""
    clock = Clock()
    lockout = _lockout(clock)
    _locked_after(lockout, clock, 8)
    _fail(lockout)

    assert lockout.wait_s(NAME) == 16
    clock.now += 15.5
    assert lockout.wait_s(NAME) == 0.5
    clock.now += 0.5
    assert lockout.wait_s(NAME) == 0


def test_right_password_clears_the_name() -> None:
    """A success resets the count, and nothing is stored."""
    clock = Clock()
    lockout = _lockout(clock)
    _locked_after(lockout, clock, 9)

    with lockout.guess(NAME):
        pass

    assert len(lockout) == 0
    assert _locked_after(lockout, clock, 5) == [0, 0, 0, 0, 1]


def test_other_errors_do_not_count() -> None:
    """An error that does not concern the password neither counts nor clears."""
    clock = Clock()
    lockout = _lockout(clock)
    _locked_after(lockout, clock, 4)

    for _ in range(10):
        with pytest.raises(AccountNotConfirmed), lockout.guess(NAME):
            raise AccountNotConfirmed

    assert _locked_after(lockout, clock, 1) == [1]


def test_other_outcome_of_a_new_name_leaves_nothing() -> None:
    """A name without failures is not stored."""
    lockout = _lockout(Clock())

    with pytest.raises(AccountNotConfirmed), lockout.guess(NAME):
        raise AccountNotConfirmed

    assert len(lockout) == 0


def test_quiet_quarter_of_an_hour_forgets() -> None:
    """The count is reset fifteen minutes after the end of the lock."""
    clock = Clock()
    lockout = _lockout(clock)
    _locked_after(lockout, clock, 9)

    clock.now += 899
    assert _locked_after(lockout, clock, 1) == [32]
    clock.now += 900
    assert _locked_after(lockout, clock, 5) == [0, 0, 0, 0, 1]


def test_names_do_not_touch_each_other() -> None:
    """Names are locked independently."""
    clock = Clock()
    lockout = _lockout(clock)
    _locked_after(lockout, clock, 7)
    _fail(lockout)

    assert lockout.wait_s(b"bob") == 0


def test_guesses_at_once_are_no_more_than_are_free() -> None:
    """As many concurrent guesses are allowed as sequential ones."""
    lockout = _lockout(Clock())
    under_way = []
    while not lockout.wait_s(NAME):
        under_way.append(lockout.guess(NAME))
        under_way[-1].__enter__()

    assert len(under_way) == 5
    assert lockout.wait_s(NAME) == 1
    assert lockout.wait_s(b"bob") == 0
    for guess in under_way:
        assert not guess.__exit__(InvalidCredentials, InvalidCredentials(), None)
    assert lockout.wait_s(NAME) == 1


def test_one_guess_at_a_time_once_none_is_free() -> None:
    """After a lock one guess at a time is allowed."""
    clock = Clock()
    lockout = _lockout(clock)
    _locked_after(lockout, clock, 7)

    waits: list[float] = []

    with pytest.raises(InvalidCredentials):
        _guess(
            lockout,
            during=lambda: waits.append(lockout.wait_s(NAME)),
            outcome=InvalidCredentials(),
        )

    assert waits == [1]
    assert lockout.wait_s(NAME) == 8


def test_lock_that_comes_while_another_guess_is_under_way_stands() -> None:
    """A guess that began before the lock and ends with another error does not end it."""
    lockout = _lockout(Clock())

    def fail() -> None:
        for _ in range(7):
            _fail(lockout)

    with pytest.raises(AccountNotConfirmed):
        _guess(lockout, during=fail, outcome=AccountNotConfirmed())

    assert lockout.wait_s(NAME) == 4


def test_success_keeps_pending_guesses() -> None:
    """A success clears the failures, not the pending guesses."""
    lockout = _lockout(Clock())
    with lockout.guess(NAME):
        with lockout.guess(NAME):
            pass
        assert len(lockout) == 1

    assert len(lockout) == 0


def test_memory_is_bounded() -> None:
    """100,000 names leave *capacity* records, those that failed last."""
    clock = Clock()
    lockout = _lockout(clock, capacity=1_000)
    for number in range(100_000):
        with suppress(InvalidCredentials), lockout.guess(str(number).encode()):
            raise InvalidCredentials

    assert len(lockout) == 1_000


def test_name_that_is_tried_stays_while_others_come() -> None:
    """The least recently tried name is evicted."""
    clock = Clock()
    lockout = _lockout(clock, capacity=3)
    for failure in range(5):
        _fail(lockout)
        _fail(lockout, b"other %d" % failure)

    assert lockout.wait_s(NAME) == 1


def test_failure_of_an_evicted_name_counts() -> None:
    """A pending guess whose name is evicted still counts."""
    lockout = _lockout(Clock(), capacity=2)
    for _ in range(4):
        _fail(lockout)

    def flood() -> None:
        for other in (b"a", b"b", b"c"):
            _fail(lockout, other)

    with pytest.raises(InvalidCredentials):
        _guess(lockout, during=flood, outcome=InvalidCredentials())

    assert lockout.wait_s(NAME) == 1
