"""The rate limiter: which calls reach Cognito, and that a flood does not affect other callers."""

import gc
from dataclasses import fields, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import ModuleType

import pytest

from service.api.http_errors import leaves
from service.config.settings import LimitsConfig
from service.domain.errors import (
    AccountExists,
    ChallengeExpired,
    CodeExpired,
    CodeMismatch,
    InvalidCredentials,
    ServiceError,
    Throttled,
    TooManyAttempts,
)
from service.observability.metrics.catalogue import Metrics
from service.rate_limiting.limited_actions import QUOTAS, Quota, RateLimitedAction
from service.rate_limiting.lockout import FORGOTTEN_AFTER_S, LONGEST_LOCK_S
from service.rate_limiting.rate_limiter import RateLimiter
from tests.observability.metrics.samples import samples_of
from tests.support.clock import Clock
from tests.support.configs import configured

LIMITS = replace(configured().limits.per_process(1), burst_s=1.0, address_burst=100)
UNLIMITED_ADDRESSES = replace(LIMITS, burst_s=30.0)  # one address may make many calls at once
OFF = LimitsConfig(**{field.name: 0 for field in fields(LimitsConfig)} | {"accounts_tracked": 9})
HERE = ip_address("203.0.113.7")
IN_ALL = {
    RateLimitedAction.SIGN_IN: 60,
    RateLimitedAction.BEGIN: 60,
    RateLimitedAction.BEGIN_CODE: 60,
    RateLimitedAction.CHALLENGE: 180,
    RateLimitedAction.CODE_CHALLENGE: 180,
    RateLimitedAction.PASSWORD_CHALLENGE: 180,
    RateLimitedAction.CHOOSE_CODE: 180,
    RateLimitedAction.SIGN_UP: 25,
    RateLimitedAction.CONFIRM: 25,
    RateLimitedAction.RESEND: 13,  # 12.5, rounded up
    RateLimitedAction.FORGOT: 15,
    RateLimitedAction.RESET: 15,
    RateLimitedAction.TOKEN: 60,
    RateLimitedAction.READ: 60,
    RateLimitedAction.UPDATE: 13,  # likewise
    RateLimitedAction.CHANGE_PASSWORD: 15,
    RateLimitedAction.EXPORT: 60,
}


def _address(number: int) -> IPv4Address:
    return IPv4Address("198.18.0.0") + number


def _refusal(
    limiter: RateLimiter,
    kind: RateLimitedAction,
    *,
    address: IPv4Address | IPv6Address | None = HERE,
    account: str | None = None,
) -> ServiceError | None:
    """Make a successful call if it is admitted; return the refusal otherwise."""
    try:
        with limiter.admit(kind, address=address, account=account):
            return None
    except ServiceError as refusal:
        return refusal


def _wrong_password(
    limiter: RateLimiter, account: str, kind: RateLimitedAction = RateLimitedAction.SIGN_IN
) -> ServiceError:
    try:
        with limiter.admit(kind, address=HERE, account=account):
            raise InvalidCredentials
    except ServiceError as refusal:
        return refusal


def test_every_kind_has_a_quota() -> None:
    """Every action has one of Cognito's quotas."""
    assert set(QUOTAS) == set(RateLimitedAction)
    assert set(QUOTAS.values()) == set(Quota)
    assert set(IN_ALL) == set(RateLimitedAction)


@pytest.mark.parametrize("kind", RateLimitedAction)
def test_calls_in_all_are_limited(kind: RateLimitedAction) -> None:
    """All addresses and names together get the burst, and then the rate."""
    clock = Clock()
    limiter = RateLimiter(LIMITS, clock=clock)

    def admitted() -> int:
        return sum(
            _refusal(limiter, kind, address=_address(number), account=f"user-{clock.now}-{number}")
            is None
            for number in range(2_000)
        )

    assert admitted() == IN_ALL[kind]
    refusal = _refusal(limiter, kind, address=_address(999), account="another")
    assert isinstance(refusal, Throttled)
    assert refusal.retry_after_s == 1
    clock.now += 10
    assert admitted() == IN_ALL[kind]


def test_burst_is_so_many_seconds_worth() -> None:
    """The total burst is a separate setting."""
    limiter = RateLimiter(replace(LIMITS, burst_s=2.5, sign_in_per_s=10), clock=Clock())

    admitted = [
        _refusal(
            limiter, RateLimitedAction.SIGN_IN, address=_address(number), account=f"user {number}"
        )
        is None
        for number in range(100)
    ]

    assert sum(admitted) == 25


def test_quotas_are_apart() -> None:
    """A flood of one category does not affect the others."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    for number in range(1_000):
        _refusal(
            limiter, RateLimitedAction.SIGN_IN, address=_address(number), account=f"user {number}"
        )

    open_still = [
        kind
        for kind in RateLimitedAction
        if _refusal(limiter, kind, address=_address(2_000 + kind.value), account="alice") is None
    ]

    assert open_still == [kind for kind in RateLimitedAction if QUOTAS[kind] is not Quota.SIGN_IN]


def test_one_address_is_limited() -> None:
    """One address gets its burst and then its rate, for any names."""
    clock = Clock()
    limiter = RateLimiter(replace(LIMITS, sign_in_per_s=0), clock=clock)
    admitted = [
        _refusal(limiter, RateLimitedAction.SIGN_IN, account=f"user {number}") is None
        for number in range(10_000)
    ]

    assert sum(admitted) == 100
    refusal = _refusal(limiter, RateLimitedAction.SIGN_IN, account="alice")
    assert isinstance(refusal, TooManyAttempts)
    assert refusal.retry_after_s == 1
    clock.now += 1
    assert (
        sum(
            _refusal(limiter, RateLimitedAction.SIGN_IN, account=f"user {n}") is None
            for n in range(50)
        )
        == 5
    )
    assert (
        _refusal(limiter, RateLimitedAction.SIGN_IN, address=_address(1), account="alice") is None
    )


def test_one_address_is_limited_in_each_category() -> None:
    """A caller that signs in too often may still refresh tokens."""
    limiter = RateLimiter(replace(LIMITS, sign_in_per_s=0), clock=Clock())
    while _refusal(limiter, RateLimitedAction.SIGN_IN) is None:
        pass

    assert _refusal(limiter, RateLimitedAction.TOKEN) is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.7", "2001:db8::7", False),
    ],
)
def test_client_of_ipv6_is_its_network(first: str, second: str, *, same: bool) -> None:
    """An IPv6 /64 is one client; each IPv4 address is one."""
    limiter = RateLimiter(replace(LIMITS, address_burst=1), clock=Clock())
    assert _refusal(limiter, RateLimitedAction.READ, address=ip_address(first)) is None

    assert (
        _refusal(limiter, RateLimitedAction.READ, address=ip_address(second)) is not None
    ) is same


def test_callers_without_an_address_are_one() -> None:
    """Clients without an address share one limit."""
    limiter = RateLimiter(replace(LIMITS, address_burst=1), clock=Clock())

    assert _refusal(limiter, RateLimitedAction.READ, address=None) is None
    assert isinstance(_refusal(limiter, RateLimitedAction.READ, address=None), TooManyAttempts)


@pytest.mark.parametrize(
    ("kind", "at_once", "wait_s"),
    [
        (RateLimitedAction.SIGN_UP, 30, 10),
        (RateLimitedAction.SIGN_IN, 30, 10),
        (RateLimitedAction.BEGIN, 30, 10),
        (RateLimitedAction.BEGIN_CODE, 10, 3_601),
        (RateLimitedAction.CHALLENGE, 30, 10),
        (RateLimitedAction.CODE_CHALLENGE, 30, 10),
        (RateLimitedAction.CHOOSE_CODE, 10, 3_601),
        (RateLimitedAction.PASSWORD_CHALLENGE, 30, 10),
        (RateLimitedAction.CONFIRM, 15, 3_601),
        (RateLimitedAction.RESEND, 5, 3_601),
        (RateLimitedAction.FORGOT, 5, 3_601),
        (RateLimitedAction.RESET, 5, 3_601),
    ],
)
def test_one_name_is_limited(kind: RateLimitedAction, at_once: int, wait_s: int) -> None:
    """The limit of a name holds for any number of addresses."""
    clock = Clock()
    open_in_all = {field.name: 0 for field in fields(LimitsConfig) if field.name.endswith("per_s")}
    limiter = RateLimiter(replace(LIMITS, **open_in_all), clock=clock)
    refusals = [
        _refusal(limiter, kind, address=_address(number), account="alice")
        for number in range(1_000)
    ]

    assert refusals.count(None) == at_once
    assert isinstance(refusals[-1], TooManyAttempts)
    assert refusals[-1].retry_after_s == wait_s
    assert _refusal(limiter, kind, account="bob") is None
    clock.now += wait_s
    assert _refusal(limiter, kind, account="alice") is None


TRIES = {AccountExists, ChallengeExpired, CodeExpired, CodeMismatch, InvalidCredentials}


@pytest.mark.parametrize("refusal", [*leaves()], ids=lambda refusal: refusal.code)
@pytest.mark.parametrize("kind", [RateLimitedAction.FORGOT, RateLimitedAction.CHALLENGE])
def test_only_tries_count_against_a_name(
    refusal: type[ServiceError], kind: RateLimitedAction
) -> None:
    """
    An error other than wrong credentials does not count against the name.

    A code can be requested again after Cognito was unavailable.
    """
    clock = Clock()
    limiter = RateLimiter(
        replace(UNLIMITED_ADDRESSES, forgot_per_h=5, account_burst=5), clock=clock
    )
    for _ in range(5):
        with pytest.raises(refusal), limiter.admit(kind, address=HERE, account="alice"):
            raise refusal

    is_limited = isinstance(_refusal(limiter, kind, account="alice"), TooManyAttempts)

    assert is_limited is (refusal in TRIES)


def test_refusal_counts_against_the_address_and_in_all() -> None:
    """A failed call counts in total and against the address."""
    limiter = RateLimiter(
        replace(UNLIMITED_ADDRESSES, address_burst=3, recovery_per_s=1.1), clock=Clock()
    )

    def throttled(address: IPv4Address | IPv6Address) -> ServiceError | None:
        try:
            with limiter.admit(RateLimitedAction.FORGOT, address=address, account="alice"):
                raise Throttled
        except ServiceError as refusal:
            return refusal

    assert [type(throttled(HERE)) for _ in range(4)] == [Throttled] * 3 + [TooManyAttempts]
    for number in range(30):
        name = f"user {number}"
        assert (
            _refusal(limiter, RateLimitedAction.FORGOT, address=_address(number), account=name)
            is None
        )
    assert isinstance(
        _refusal(limiter, RateLimitedAction.FORGOT, address=_address(99), account="bob"), Throttled
    )


def test_defect_counts_against_the_name() -> None:
    """An unexpected exception counts against the name."""
    limiter = RateLimiter(replace(LIMITS, forgot_per_h=1), clock=Clock())
    with (
        pytest.raises(ZeroDivisionError),
        limiter.admit(RateLimitedAction.FORGOT, address=HERE, account="alice"),
    ):
        raise ZeroDivisionError

    assert isinstance(_refusal(limiter, RateLimitedAction.FORGOT, account="alice"), TooManyAttempts)


@pytest.mark.parametrize(
    "kind",
    [
        RateLimitedAction.TOKEN,
        RateLimitedAction.READ,
        RateLimitedAction.UPDATE,
        RateLimitedAction.CHANGE_PASSWORD,
    ],
)
def test_calls_without_a_name_are_limited_by_address_only(kind: RateLimitedAction) -> None:
    """A call without a user name is not limited by name."""
    limiter = RateLimiter(replace(OFF, account_burst=1, account_per_min=1), clock=Clock())

    assert all(_refusal(limiter, kind) is None for _ in range(1_000))


@pytest.mark.parametrize(
    "written",
    [
        "Alice@Example.com",
        " alice@example.com\t",
        "\uff41lice@example.com",
        "ALICE@EXAMPLE.COM\u3000",
    ],
)
def test_name_is_one_however_it_is_written(written: str) -> None:
    """Case, surrounding white space and compatibility forms do not change a name."""
    limiter = RateLimiter(replace(LIMITS, resend_per_h=1), clock=Clock())
    assert _refusal(limiter, RateLimitedAction.RESEND, account="alice@example.com") is None

    assert isinstance(_refusal(limiter, RateLimitedAction.RESEND, account=written), TooManyAttempts)


def test_name_that_is_no_text_is_a_name() -> None:
    """A name with an unpaired surrogate is counted like any other."""
    limiter = RateLimiter(replace(LIMITS, resend_per_h=1), clock=Clock())

    assert _refusal(limiter, RateLimitedAction.RESEND, account="\ud800") is None
    assert isinstance(
        _refusal(limiter, RateLimitedAction.RESEND, account="\ud800"), TooManyAttempts
    )


def test_flood_from_one_address_leaves_the_total_to_others() -> None:
    """A call refused by address counts neither in total nor against its name."""
    clock = Clock()
    limiter = RateLimiter(replace(LIMITS, address_burst=1), clock=clock)
    for _ in range(10_000):
        _refusal(limiter, RateLimitedAction.RESEND, account="alice")

    assert _refusal(limiter, RateLimitedAction.RESEND, address=_address(1), account="alice") is None
    others = [
        _refusal(limiter, RateLimitedAction.RESEND, address=_address(n), account=f"{n}")
        for n in range(2, 12)
    ]
    assert others == [None] * 10


def test_flood_on_one_name_leaves_address_and_total_to_others() -> None:
    """A call refused by name counts neither in total nor against its address."""
    limiter = RateLimiter(
        replace(UNLIMITED_ADDRESSES, forgot_per_h=1, address_burst=10), clock=Clock()
    )
    for _ in range(10_000):
        _refusal(limiter, RateLimitedAction.FORGOT, account="alice")

    others = [
        _refusal(limiter, RateLimitedAction.FORGOT, account=f"user {number}") for number in range(9)
    ]
    assert others == [None] * 9


def test_flood_in_all_leaves_address_and_name_as_they_were() -> None:
    """A call refused by a total limit does not count against the caller."""
    clock = Clock()
    limiter = RateLimiter(
        replace(UNLIMITED_ADDRESSES, recovery_per_s=1, address_burst=2, address_per_s=0.001),
        clock=clock,
    )
    for number in range(30):
        name = f"user {number}"
        assert (
            _refusal(limiter, RateLimitedAction.FORGOT, address=_address(number), account=name)
            is None
        )
    for _ in range(1_000):
        assert isinstance(_refusal(limiter, RateLimitedAction.FORGOT, account="alice"), Throttled)

    for _ in range(2):
        clock.now += 1
        assert _refusal(limiter, RateLimitedAction.FORGOT, account="alice") is None


def test_own_limit_is_reported_before_the_total() -> None:
    """A caller's own limit is reported before a total one, with the longest wait."""
    limiter = RateLimiter(
        replace(LIMITS, update_per_s=1, resend_per_h=1, address_burst=1), clock=Clock()
    )
    assert _refusal(limiter, RateLimitedAction.RESEND, account="alice") is None

    refusal = _refusal(limiter, RateLimitedAction.RESEND, account="alice")

    assert isinstance(refusal, TooManyAttempts)
    assert refusal.retry_after_s == 3_601


def test_wrong_passwords_lock_the_name() -> None:
    """The sixth wrong guess is refused like any limit of a caller."""
    clock = Clock()
    limiter = RateLimiter(UNLIMITED_ADDRESSES, clock=clock)
    refusals = [_wrong_password(limiter, "alice") for _ in range(6)]

    assert [type(refusal) for refusal in refusals] == [InvalidCredentials] * 5 + [TooManyAttempts]
    assert refusals[-1].retry_after_s == 1
    assert _refusal(limiter, RateLimitedAction.SIGN_IN, account=" ALICE") is not None
    assert _refusal(limiter, RateLimitedAction.BEGIN, account="alice") is None
    assert _refusal(limiter, RateLimitedAction.CHALLENGE, account="alice") is None
    assert _refusal(limiter, RateLimitedAction.SIGN_IN, account="bob") is None
    clock.now += 1
    assert _refusal(limiter, RateLimitedAction.SIGN_IN, account="alice") is None


def test_passwords_of_challenges_are_counted_with_the_others() -> None:
    """Wrong passwords count together for all actions."""
    limiter = RateLimiter(UNLIMITED_ADDRESSES, clock=Clock())
    for kind in (RateLimitedAction.SIGN_IN, RateLimitedAction.PASSWORD_CHALLENGE) * 2:
        _wrong_password(limiter, "alice", kind)

    assert isinstance(
        _wrong_password(limiter, "alice", RateLimitedAction.PASSWORD_CHALLENGE), InvalidCredentials
    )
    assert isinstance(
        _refusal(limiter, RateLimitedAction.SIGN_IN, account="alice"), TooManyAttempts
    )
    assert isinstance(
        _refusal(limiter, RateLimitedAction.PASSWORD_CHALLENGE, account="alice"), TooManyAttempts
    )


@pytest.mark.parametrize("kind", [RateLimitedAction.BEGIN, RateLimitedAction.CHALLENGE])
def test_only_a_password_clears_the_lock(kind: RateLimitedAction) -> None:
    """A sign-in begun without a password, or another challenge, does not clear the failures."""
    limiter = RateLimiter(UNLIMITED_ADDRESSES, clock=Clock())
    for _ in range(5):
        _wrong_password(limiter, "alice")
        assert _refusal(limiter, kind, account="alice") is None

    assert isinstance(
        _refusal(limiter, RateLimitedAction.SIGN_IN, account="alice"), TooManyAttempts
    )


def test_locked_name_costs_nothing_of_the_limits() -> None:
    """A call refused by the lockout does not count."""
    clock = Clock()
    limiter = RateLimiter(
        replace(UNLIMITED_ADDRESSES, account_burst=7, account_per_min=0.06), clock=clock
    )
    for _ in range(5):
        _wrong_password(limiter, "alice")
    for _ in range(1_000):
        assert isinstance(
            _refusal(limiter, RateLimitedAction.SIGN_IN, account="alice"), TooManyAttempts
        )
    clock.now += 1

    assert [_refusal(limiter, RateLimitedAction.SIGN_IN, account="alice") for _ in range(2)] == [
        None
    ] * 2
    assert _refusal(limiter, RateLimitedAction.SIGN_IN, account="alice") is not None


@pytest.mark.parametrize("kind", RateLimitedAction)
def test_everything_can_be_switched_off(kind: RateLimitedAction) -> None:
    """With all limits 0 nothing is refused."""
    limiter = RateLimiter(OFF, clock=Clock())

    assert all(_refusal(limiter, kind, account="alice") is None for _ in range(1_000))
    for _ in range(20):
        assert isinstance(_wrong_password(limiter, "alice", kind), InvalidCredentials)


@pytest.mark.parametrize("off", ["address_burst", "address_per_s"])
def test_either_zero_switches_the_address_off(off: str) -> None:
    """A burst or a rate of 0 is no limit."""
    on = replace(OFF, address_burst=1, address_per_s=0.001)
    limits = replace(on, **{off: 0})
    limiter = RateLimiter(limits, clock=Clock())

    assert all(_refusal(limiter, RateLimitedAction.READ) is None for _ in range(100))


def test_limit_below_one_a_second_lets_one_through() -> None:
    """A total rate below one call a second has a burst of one."""
    clock = Clock()
    limiter = RateLimiter(replace(OFF, read_per_s=0.5, burst_s=1), clock=clock)

    assert _refusal(limiter, RateLimitedAction.READ) is None
    refusal = _refusal(limiter, RateLimitedAction.READ)
    assert isinstance(refusal, Throttled)
    assert refusal.retry_after_s == 2


def test_no_flood_frees_a_name_by_the_defaults() -> None:
    """
    The capacity exceeds the names that can come before the first name's limit ends.

    So the limit of a name that a flood evicts has ended anyway.
    """
    per_s: dict[RateLimitedAction, float] = {
        RateLimitedAction.CONFIRM: 25,
        RateLimitedAction.RESEND: 12.5,
        RateLimitedAction.FORGOT: 15,
        RateLimitedAction.RESET: 15,
        RateLimitedAction.SIGN_UP: 25,
    }
    per_s |= {
        RateLimitedAction.SIGN_IN: 60,
        RateLimitedAction.BEGIN: 60,
        RateLimitedAction.CHALLENGE: 180,
        RateLimitedAction.PASSWORD_CHALLENGE: 180,
    }
    # A choice counts only if it continues a sign-in.
    per_s |= {
        RateLimitedAction.CODE_CHALLENGE: 180,
        RateLimitedAction.BEGIN_CODE: 60,
        RateLimitedAction.CHOOSE_CODE: 60,
    }
    hour_s, refill_s = 3_600, 30 * 10
    hourly = {
        RateLimitedAction.CONFIRM,
        RateLimitedAction.RESEND,
        RateLimitedAction.FORGOT,
        RateLimitedAction.RESET,
        RateLimitedAction.BEGIN_CODE,
        RateLimitedAction.CHOOSE_CODE,
    }

    for kind, calls in per_s.items():
        lasts_s = hour_s if kind in hourly else refill_s
        assert calls * (lasts_s + 1) < LIMITS.accounts_tracked, kind
    recipients_per_s = (
        25 * 2 + 12.5 * 2
    )  # of signing up and of changes, each an e-mail and a number
    assert recipients_per_s * (hour_s + 1) < LIMITS.accounts_tracked
    assert LIMITS.accounts_tracked > 60 * (LONGEST_LOCK_S + FORGOTTEN_AFTER_S)


def test_flood_of_names_does_not_free_one_of_them() -> None:
    """An hour of the maximum rate of names does not evict the first one's limit."""
    clock = Clock()
    limits = replace(LIMITS, resend_per_h=1, update_per_s=1, accounts_tracked=3_602)
    limiter = RateLimiter(limits, clock=clock)
    assert _refusal(limiter, RateLimitedAction.RESEND, account="alice") is None
    for second in range(3_600):
        clock.now += 1
        flood = (
            _refusal(
                limiter, RateLimitedAction.RESEND, address=_address(n), account=f"{second} {n}"
            )
            for n in (1, 2)
        )
        assert [type(refusal) for refusal in flood] == [type(None), Throttled]

    assert isinstance(_refusal(limiter, RateLimitedAction.RESEND, account="alice"), TooManyAttempts)
    clock.now += 1
    assert _refusal(limiter, RateLimitedAction.RESEND, account="alice") is None


def _kept(limiter: RateLimiter) -> list[bytes | str]:
    """Return every text that the rate limiter references."""
    reachable: list[object] = [limiter]
    seen = {id(limiter)}
    for value in reachable:
        for other in gc.get_referents(value):
            if id(other) not in seen and not callable(other) and not isinstance(other, ModuleType):
                seen.add(id(other))
                reachable.append(other)
    return [value for value in reachable if isinstance(value, bytes | str)]


def _used_limiter(name: str) -> RateLimiter:
    limiter = RateLimiter(UNLIMITED_ADDRESSES, clock=Clock())
    for kind in RateLimitedAction:
        _refusal(limiter, kind, account=name)
        _wrong_password(limiter, name, kind)
    return limiter


def test_no_name_is_kept_in_plain() -> None:
    """The rate limiter does not store names as typed."""
    limiter = _used_limiter("alice.in.plain@example.com")

    assert not [value for value in _kept(limiter) if "alice" in str(value).casefold()]


def test_what_stands_for_a_name_is_another_in_each_process() -> None:
    """Two processes have different HMACs of one name."""
    first, second = (
        {
            value
            for value in _kept(_used_limiter("alice"))
            if isinstance(value, bytes) and len(value) == 32
        }
        for _ in range(2)
    )

    assert len(first) == len(second) == 2  # the key and the name
    assert not first & second


def _guess_wrongly(limiter: RateLimiter) -> None:
    with (
        pytest.raises(InvalidCredentials),
        limiter.admit(RateLimitedAction.SIGN_IN, address=HERE, account="alice"),
    ):
        raise InvalidCredentials


def test_address_is_refused_before_its_body_is_read() -> None:
    """An address beyond its limit is refused before the body is read, in that category only."""
    metrics = Metrics()
    limits = replace(OFF, address_burst=1, address_per_s=0.5)
    limiter = RateLimiter(limits, clock=Clock(), metrics=metrics)
    for _ in range(3):
        limiter.check_address(RateLimitedAction.SIGN_IN, HERE)  # counts nothing
    _refusal(limiter, RateLimitedAction.BEGIN)

    with pytest.raises(TooManyAttempts) as refused:
        limiter.check_address(RateLimitedAction.SIGN_IN, HERE)

    assert refused.value.retry_after_s == 2
    limiter.check_address(RateLimitedAction.SIGN_UP, HERE)
    limiter.check_address(RateLimitedAction.SIGN_IN, _address(1))
    assert samples_of(metrics)['limiter_refusals_total{kind="sign_in",limit="address"}'] == 1


def test_refused_body_counts_against_its_address_alone() -> None:
    """Refused bodies count against their address only."""
    limiter = RateLimiter(replace(LIMITS, address_burst=3, sign_up_per_s=1), clock=Clock())
    for _ in range(5):
        limiter.count_refused_body(RateLimitedAction.SIGN_UP, HERE)

    assert isinstance(_refusal(limiter, RateLimitedAction.SIGN_UP), TooManyAttempts)
    assert _refusal(limiter, RateLimitedAction.SIGN_UP, address=_address(1)) is None


def test_address_without_a_limit_is_not_refused() -> None:
    """Without a limit of addresses, refused bodies do not count."""
    limiter = RateLimiter(OFF, clock=Clock())
    limiter.count_refused_body(RateLimitedAction.SIGN_IN, HERE)

    limiter.check_address(RateLimitedAction.SIGN_IN, HERE)


def test_refusal_is_counted_under_its_limit() -> None:
    """The metrics count refusals by limit and action."""
    metrics = Metrics()
    limiter = RateLimiter(
        replace(OFF, address_burst=1, address_per_s=1), clock=Clock(), metrics=metrics
    )
    for _ in range(2):
        _refusal(limiter, RateLimitedAction.READ)
    limiter = RateLimiter(
        replace(OFF, account_burst=1, account_per_min=1), clock=Clock(), metrics=metrics
    )
    for _ in range(2):
        _refusal(limiter, RateLimitedAction.SIGN_UP, account="alice")
    limiter = RateLimiter(
        replace(OFF, update_per_s=1.0, burst_s=1.0), clock=Clock(), metrics=metrics
    )
    for _ in range(2):
        _refusal(limiter, RateLimitedAction.UPDATE)
    limiter = RateLimiter(replace(OFF, lockout_after=1), clock=Clock(), metrics=metrics)
    _guess_wrongly(limiter)
    _refusal(limiter, RateLimitedAction.SIGN_IN, account="alice")

    samples = samples_of(metrics)
    assert {name: value for name, value in samples.items() if "limiter" in name} == {
        'limiter_refusals_total{kind="read",limit="address"}': 1,
        'limiter_refusals_total{kind="sign_up",limit="account"}': 1,
        'limiter_refusals_total{kind="update",limit="all"}': 1,
        'limiter_refusals_total{kind="sign_in",limit="lockout"}': 1,
    }
