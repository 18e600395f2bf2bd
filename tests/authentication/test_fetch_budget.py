"""The budget of fetches."""

from service.authentication.alb_keys import FetchBudget
from service.authentication.sources import FETCH_BURST, FETCH_REFILL_S
from tests.support.clock import Clock


def production(clock: Clock) -> FetchBudget:
    """Return the budget that the service uses."""
    return FetchBudget(burst=FETCH_BURST, refill_s=FETCH_REFILL_S, clock=clock)


def test_burst_is_given_at_once_and_no_more() -> None:
    """A full budget gives its burst; then there is nothing until time passes."""
    budget = production(Clock())

    assert [budget.take() for _ in range(7)] == [True] * 5 + [False] * 2


def test_permit_is_added_after_its_period() -> None:
    """One permit is added in each period, not earlier."""
    clock = Clock()
    budget = production(clock)
    while budget.take():
        pass

    clock.now += 2.4
    assert not budget.take()
    clock.now += 0.2
    assert budget.take()
    assert not budget.take()


def test_rest_saves_up_no_more_than_the_burst() -> None:
    """After a quiet day there is one burst, not a day's worth."""
    clock = Clock()
    budget = production(clock)

    clock.now += 86_400

    assert sum(budget.take() for _ in range(1_000)) == 5


def test_10_000_attempts_in_10_seconds_get_at_most_10_permits() -> None:
    """A flood of 10,000 key ids in 10 seconds gets at most 10 permits."""
    clock = Clock()
    budget = production(clock)
    given = 0
    for _ in range(10_000):
        given += budget.take()
        clock.now += 0.001

    assert given <= 10


def test_clock_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    """Time that runs backwards neither makes permits nor ends them for good."""
    clock = Clock()
    budget = production(clock)
    while budget.take():
        pass

    clock.now -= 1_000
    assert not budget.take()
    clock.now += 2.5
    assert budget.take()
