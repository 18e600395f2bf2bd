"""The rules of rate limits, and their bounded memory."""

import itertools

import pytest

from service.rate_limiting.keyed_limits import KeyedLimits, Rule, SlidingHour, TokenBucket

KEY = b"alice"
SECOND_MS = 1_000
HOUR_MS = 3_600_000


def _call(buckets: KeyedLimits, now_ms: int, key: bytes = KEY) -> int:
    """Make a call if it is allowed; return how long it has to wait otherwise."""
    check = buckets.check(key, now_ms)
    if not check.decision.wait_ms:
        buckets.count(check)
    return check.decision.wait_ms


def _made(buckets: KeyedLimits, now_ms: int) -> int:
    """Make as many calls as are allowed at a time, and return their number."""
    return sum(1 for _ in itertools.takewhile(lambda _: not _call(buckets, now_ms), range(1_000)))


@pytest.mark.parametrize("began_ms", [0, 12_345_678_901])
def test_burst_is_let_through_at_once_and_no_more(began_ms: int) -> None:
    """A new key may use its burst; then it waits for a token."""
    buckets = KeyedLimits(TokenBucket(burst=30, per_s=0.1), capacity=10)

    assert _made(buckets, began_ms) == 30
    assert _call(buckets, began_ms) == 10 * SECOND_MS
    assert _call(buckets, began_ms + 9_999) == 1
    assert _call(buckets, began_ms + 10_000) == 0
    assert _call(buckets, began_ms + 10_000) == 10 * SECOND_MS


@pytest.mark.parametrize("per_s", [0.001, 0.1, 0.5, 1, 12, 60, 360, 5_000])
def test_rate_is_kept_over_a_long_time(per_s: float) -> None:
    """Continuous calls get the rate: never more, and less only by rounding."""
    buckets = KeyedLimits(TokenBucket(burst=1, per_s=per_s), capacity=10)
    calls = 200
    now_ms = 0
    for _ in range(calls):
        while wait_ms := _call(buckets, now_ms):
            now_ms += wait_ms

    least_ms = (calls - 1) * SECOND_MS / per_s
    assert least_ms <= now_ms + 1 <= least_ms + calls + 2


def test_rate_below_the_minimum_is_the_minimum() -> None:
    """A rate below one call in 1,000 seconds is rounded up to it."""
    buckets = KeyedLimits(TokenBucket(burst=1, per_s=0.000_1), capacity=10)

    assert _made(buckets, 0) == 1
    assert _call(buckets, 0) == 1_000 * SECOND_MS


def test_rest_saves_up_no_more_than_the_burst() -> None:
    """After a week without calls one burst is allowed, not more."""
    buckets = KeyedLimits(TokenBucket(burst=5, per_s=100), capacity=10)
    assert _made(buckets, 0) == 5

    assert _made(buckets, 7 * 24 * HOUR_MS) == 5


def test_hourly_calls_may_come_at_once() -> None:
    """All calls of an hour may come at once; the next is allowed when the first is an hour old."""
    buckets = KeyedLimits(SlidingHour(5), capacity=10)

    assert _made(buckets, 7) == 5
    assert _call(buckets, 7) == HOUR_MS + 1
    assert _call(buckets, HOUR_MS + 7) == 1
    assert _made(buckets, HOUR_MS + 8) == 5


@pytest.mark.parametrize("most", [1, 5, 15])
def test_no_hour_has_more_calls_than_it_may(most: int) -> None:
    """No hour has more calls than the limit, wherever it begins."""
    buckets = KeyedLimits(SlidingHour(most), capacity=10)
    made = [now_ms for now_ms in range(0, 5 * HOUR_MS, 97_001) if not _call(buckets, now_ms)]

    assert all(
        sum(began_ms <= at_ms <= began_ms + HOUR_MS for at_ms in made) <= most for began_ms in made
    )
    assert len(made) >= 4 * most


@pytest.mark.parametrize(
    "rule", [TokenBucket(burst=3, per_s=0.5), SlidingHour(3)], ids=["token", "hourly"]
)
def test_refused_calls_count_nothing(rule: Rule) -> None:
    """A refused call does not lengthen the wait."""
    buckets = KeyedLimits(rule, capacity=10)
    assert _made(buckets, 0) == 3
    wait_ms = _call(buckets, 0)

    for now_ms in range(0, wait_ms, wait_ms // 100):
        assert _call(buckets, now_ms) == wait_ms - now_ms

    assert _call(buckets, wait_ms) == 0


@pytest.mark.parametrize(
    "rule", [TokenBucket(burst=3, per_s=0.5), SlidingHour(3)], ids=["token", "hourly"]
)
def test_keys_do_not_touch_each_other(rule: Rule) -> None:
    """Keys are limited independently."""
    buckets = KeyedLimits(rule, capacity=10)
    assert _made(buckets, 0) == 3

    assert _call(buckets, 0, b"bob") == 0


@pytest.mark.parametrize(
    "rule", [TokenBucket(burst=3, per_s=0.5), SlidingHour(3)], ids=["token", "hourly"]
)
def test_refunded_call_can_be_made_again(rule: Rule) -> None:
    """A refunded call does not count, and the calls beside it still do."""
    buckets = KeyedLimits(rule, capacity=10)
    assert _made(buckets, 0) == 2 + 1
    wait_ms = _call(buckets, 0)
    given_back = KeyedLimits(rule, capacity=10)
    check = given_back.check(KEY, 0)
    given_back.count(check)
    assert _made(given_back, 0) == 2

    given_back.refund(check)

    assert _made(given_back, 0) == 1
    assert _call(given_back, 0) == wait_ms


@pytest.mark.parametrize(
    "rule", [TokenBucket(burst=3, per_s=0.5), SlidingHour(3)], ids=["token", "hourly"]
)
def test_key_without_calls_is_removed(rule: Rule) -> None:
    """A key whose only call is refunded is removed."""
    buckets = KeyedLimits(rule, capacity=10)
    check = buckets.check(KEY, 0)
    buckets.count(check)

    buckets.refund(check)

    assert _made(buckets, 0) == 3
    assert _call(buckets, 10 * HOUR_MS, b"bob") == 0
    assert len(buckets) == 1


def test_refund_of_an_evicted_call_changes_nothing() -> None:
    """A refund of an evicted key or of an expired call changes nothing."""
    buckets = KeyedLimits(SlidingHour(1), capacity=1)
    check = buckets.check(KEY, 0)
    buckets.count(check)
    _call(buckets, 0, b"bob")
    buckets.refund(check)
    assert len(buckets) == 1

    again = buckets.check(KEY, HOUR_MS + 1)
    buckets.count(again)
    buckets.refund(check)

    assert _call(buckets, HOUR_MS + 1) > 0


def test_asking_remembers_nothing() -> None:
    """A check alone stores no key."""
    buckets = KeyedLimits(TokenBucket(burst=3, per_s=0.5), capacity=10)

    buckets.check(KEY, 0)

    assert len(buckets) == 0


def test_flood_of_names_fills_no_more_than_the_memory() -> None:
    """100,000 names leave *capacity* entries."""
    buckets = KeyedLimits(SlidingHour(3), capacity=1_000)

    for number in range(100_000):
        assert _call(buckets, number // 100, str(number).encode()) == 0

    assert len(buckets) == 1_000


def test_least_recently_used_key_is_evicted() -> None:
    """The least recently used key is evicted."""
    buckets = KeyedLimits(SlidingHour(1), capacity=3)
    for key in (b"a", b"b", b"c"):
        _call(buckets, 0, key)
    _call(buckets, HOUR_MS + 1, b"a")  # again, when its hour is over

    for key in (b"d", b"e"):
        _call(buckets, HOUR_MS + 1, key)

    assert _call(buckets, HOUR_MS + 1, b"a") > 0
    assert _call(buckets, HOUR_MS + 1, b"b") == 0


@pytest.mark.parametrize(
    ("rule", "rest_ms"),
    [(TokenBucket(burst=3, per_s=0.5), 2_000), (SlidingHour(3), HOUR_MS + 1)],
    ids=["token", "hourly"],
)
def test_memory_shrinks_after_a_flood(rule: Rule, rest_ms: int) -> None:
    """Each call removes up to two idle keys."""
    buckets = KeyedLimits(rule, capacity=2_000)
    for number in range(1_000):
        _call(buckets, 0, f"early {number}".encode())

    for number in range(500):
        _call(buckets, rest_ms, f"late {number}".encode())

    assert len(buckets) == 500


def test_key_that_is_not_idle_is_kept() -> None:
    """A key that is not idle is kept within the capacity."""
    buckets = KeyedLimits(SlidingHour(1), capacity=2_000)
    for number in range(1_000):
        _call(buckets, number, f"early {number}".encode())

    assert all(_call(buckets, HOUR_MS, f"early {number}".encode()) for number in range(1_000))
