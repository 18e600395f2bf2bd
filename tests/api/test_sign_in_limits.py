"""The limits of sign-in: wrong codes, sent codes, and trusted networks."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from service.api import sign_in_steps
from service.domain.client import Client
from service.domain.errors import (
    ChallengeExpired,
    CodeExpired,
    CodeMismatch,
    InvalidCredentials,
    ServiceError,
    TooManyAttempts,
)
from service.domain.sessions import Challenge, ChallengeAnswer, Tokens
from service.rate_limiting.limited_actions import RateLimitedAction
from service.rate_limiting.rate_limiter import RateLimiter
from service.rate_limiting.trusted_networks import TRUSTED_FOR_S, TrustedNetworks
from tests.support.clock import Clock
from tests.support.configs import configured

LIMITS = configured().limits.per_process(1)
HOME = ip_address("203.0.113.7")
AWAY = ip_address("198.51.100.9")


def _call(
    limiter: RateLimiter,
    kind: RateLimitedAction,
    *,
    outcome: ServiceError | None = None,
    address: IPv4Address | IPv6Address = AWAY,
    account: str = "alice",
) -> type[ServiceError] | None:
    """Make a call that ends with *outcome*; return the refusal, if any."""
    try:
        with limiter.admit(kind, address=address, account=account):
            if outcome is not None:
                raise outcome
    except ServiceError as refusal:
        return type(refusal)
    return None


def _calls(
    limiter: RateLimiter,
    kind: RateLimitedAction,
    count: int,
    *,
    outcome: ServiceError | None = None,
    address: IPv4Address | IPv6Address = AWAY,
) -> list[type[ServiceError] | None]:
    return [_call(limiter, kind, outcome=outcome, address=address) for _ in range(count)]


def test_wrong_codes_lock_the_name() -> None:
    """After five wrong codes the sixth is refused, and passwords are still accepted."""
    clock = Clock()
    limiter = RateLimiter(LIMITS, clock=clock)

    refusals = _calls(limiter, RateLimitedAction.CODE_CHALLENGE, 6, outcome=CodeMismatch())

    assert refusals == [CodeMismatch] * 5 + [TooManyAttempts]
    assert _call(limiter, RateLimitedAction.SIGN_IN) is None
    clock.now += 1
    assert _call(limiter, RateLimitedAction.CODE_CHALLENGE) is None


def test_codes_at_once_are_no_more_than_are_free() -> None:
    """Pending guesses count as wrong: a sixth concurrent one is refused."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    held = [
        limiter.admit(RateLimitedAction.CODE_CHALLENGE, address=AWAY, account="alice")
        for _ in range(5)
    ]
    for each in held:
        each.__enter__()

    assert _call(limiter, RateLimitedAction.CODE_CHALLENGE) is TooManyAttempts

    for each in held:
        each.__exit__(None, None, None)


def test_right_password_does_not_clear_wrong_codes() -> None:
    """A correct password does not clear the count of wrong codes."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    for _ in range(5):
        assert _call(limiter, RateLimitedAction.SIGN_IN) is None
        assert (
            _call(limiter, RateLimitedAction.CODE_CHALLENGE, outcome=CodeMismatch()) is CodeMismatch
        )

    assert _call(limiter, RateLimitedAction.CODE_CHALLENGE) is TooManyAttempts


def test_answer_that_is_no_sign_in_does_not_clear_wrong_codes() -> None:
    """A code that is followed by another challenge does not change the count."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    for _ in range(4):
        _call(limiter, RateLimitedAction.CODE_CHALLENGE, outcome=CodeMismatch())
    _call(limiter, RateLimitedAction.CODE_CHALLENGE)

    assert _call(limiter, RateLimitedAction.CODE_CHALLENGE, outcome=CodeMismatch()) is CodeMismatch
    assert _call(limiter, RateLimitedAction.CODE_CHALLENGE) is TooManyAttempts


def test_code_that_was_right_once_is_no_guess() -> None:
    """A used or expired code does not count."""
    limiter = RateLimiter(LIMITS, clock=Clock())

    assert (
        _calls(limiter, RateLimitedAction.CODE_CHALLENGE, 10, outcome=CodeExpired())
        == [CodeExpired] * 10
    )


def test_wrong_code_that_is_answered_by_a_challenge_counts() -> None:
    """A custom challenge that is repeated counts as a wrong code."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    for _ in range(5):
        assert _call(limiter, RateLimitedAction.CODE_CHALLENGE) is None
        limiter.wrong_code("alice", AWAY)

    assert _call(limiter, RateLimitedAction.CODE_CHALLENGE) is TooManyAttempts


def test_sign_in_clears_wrong_codes() -> None:
    """A completed sign-in clears the count."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    _calls(limiter, RateLimitedAction.CODE_CHALLENGE, 4, outcome=CodeMismatch())

    limiter.signed_in("Alice ", AWAY)

    refusals = _calls(limiter, RateLimitedAction.CODE_CHALLENGE, 6, outcome=CodeMismatch())
    assert refusals == [CodeMismatch] * 5 + [TooManyAttempts]


def test_password_reset_unlocks_the_name() -> None:
    """A password reset clears the counts of untrusted networks and of its own."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    limiter.signed_in("alice", HOME)
    for address in (HOME, AWAY):
        _calls(limiter, RateLimitedAction.SIGN_IN, 9, outcome=InvalidCredentials(), address=address)
        _calls(
            limiter, RateLimitedAction.CODE_CHALLENGE, 9, outcome=CodeMismatch(), address=address
        )

    limiter.password_reset("ALICE", HOME)

    for address in (HOME, AWAY):
        assert _call(limiter, RateLimitedAction.SIGN_IN, address=address) is None
        assert _call(limiter, RateLimitedAction.CODE_CHALLENGE, address=address) is None


def test_lock_from_elsewhere_spares_a_trusted_network() -> None:
    """A name that is locked elsewhere is not locked for a trusted network."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    limiter.signed_in("alice", HOME)

    locked = _calls(limiter, RateLimitedAction.SIGN_IN, 6, outcome=InvalidCredentials())

    assert locked[-1] is TooManyAttempts
    assert _call(limiter, RateLimitedAction.SIGN_IN, address=HOME) is None


@pytest.mark.parametrize(
    "kind",
    [
        RateLimitedAction.BEGIN,
        RateLimitedAction.BEGIN_CODE,
        RateLimitedAction.CHALLENGE,
        RateLimitedAction.CHOOSE_CODE,
    ],
)
def test_calls_from_elsewhere_spare_a_trusted_network(kind: RateLimitedAction) -> None:
    """Calls from elsewhere do not count against a trusted network."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    limiter.signed_in("alice", HOME)
    while _call(limiter, kind) is None:
        pass

    assert _call(limiter, kind, address=HOME) is None


def test_trusted_network_has_a_lock_of_its_own() -> None:
    """Five wrong guesses lock a trusted network too."""
    clock = Clock()
    limiter = RateLimiter(LIMITS, clock=clock)
    limiter.signed_in("alice", HOME)

    refusals = _calls(
        limiter, RateLimitedAction.SIGN_IN, 6, outcome=InvalidCredentials(), address=HOME
    )

    assert refusals == [InvalidCredentials] * 5 + [TooManyAttempts]
    assert _call(limiter, RateLimitedAction.SIGN_IN) is None


def test_sign_in_at_a_trusted_network_clears_its_own_count_only() -> None:
    """A sign-in from a trusted network does not clear the count of other networks."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    limiter.signed_in("alice", HOME)
    _calls(limiter, RateLimitedAction.SIGN_IN, 5, outcome=InvalidCredentials())

    assert _call(limiter, RateLimitedAction.SIGN_IN, address=HOME) is None
    limiter.signed_in("alice", HOME)

    assert _call(limiter, RateLimitedAction.SIGN_IN) is TooManyAttempts


def test_trust_is_of_one_name_on_one_network() -> None:
    """Trust is limited to one user on one network."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    limiter.signed_in("mallory", HOME)
    limiter.signed_in("alice", ip_address("2001:db8:1:2::1"))
    _calls(limiter, RateLimitedAction.SIGN_IN, 5, outcome=InvalidCredentials())

    assert _call(limiter, RateLimitedAction.SIGN_IN, address=HOME) is TooManyAttempts
    for address, refusal in (("2001:db8:1:2:ffff::9", None), ("2001:db8:1:3::1", TooManyAttempts)):
        assert _call(limiter, RateLimitedAction.SIGN_IN, address=ip_address(address)) is refusal


def test_trust_ends_after_a_week() -> None:
    """Trust ends a week after the last sign-in."""
    clock = Clock()
    trusted = TrustedNetworks(capacity=10, clock=clock)
    trusted.add(b"home")

    clock.now += TRUSTED_FOR_S - 1
    assert b"home" in trusted
    clock.now += 1
    assert b"home" not in trusted
    assert len(trusted) == 0


def test_trust_is_kept_in_bounded_memory() -> None:
    """The most recent sign-ins are kept within the capacity."""
    trusted = TrustedNetworks(capacity=2, clock=Clock())
    for key in (b"first", b"second", b"first", b"third"):
        trusted.add(key)

    assert [key in trusted for key in (b"first", b"second", b"third")] == [True, False, True]


def test_codes_are_sent_ten_times_an_hour() -> None:
    """Sign-ins that begin with a code and choices of one count together by name."""
    clock = Clock()
    limiter = RateLimiter(LIMITS, clock=clock)
    for number in range(5):
        address = AWAY + number
        assert _call(limiter, RateLimitedAction.BEGIN_CODE, address=address) is None
        assert _call(limiter, RateLimitedAction.CHOOSE_CODE, address=address) is None

    assert _call(limiter, RateLimitedAction.BEGIN_CODE) is TooManyAttempts
    assert _call(limiter, RateLimitedAction.CHOOSE_CODE) is TooManyAttempts
    assert _call(limiter, RateLimitedAction.BEGIN) is None
    assert _call(limiter, RateLimitedAction.SIGN_IN) is None
    clock.now += 3_601
    assert _call(limiter, RateLimitedAction.BEGIN_CODE) is None


def test_request_for_a_code_that_is_refused_does_not_count() -> None:
    """A choice in an expired sign-in does not count."""
    limiter = RateLimiter(LIMITS, clock=Clock())

    _calls(limiter, RateLimitedAction.CHOOSE_CODE, 20, outcome=ChallengeExpired())

    assert _call(limiter, RateLimitedAction.CHOOSE_CODE) is None


@pytest.mark.parametrize("kind", [RateLimitedAction.SIGN_IN, RateLimitedAction.PASSWORD_CHALLENGE])
def test_codes_after_a_correct_password_are_limited_invisibly(
    kind: RateLimitedAction,
) -> None:
    """After ten such codes a password is refused as wrong without calling Cognito."""
    clock = Clock()
    limiter = RateLimiter(LIMITS, clock=clock)
    for _ in range(10):
        assert _call(limiter, kind) is None
        limiter.mfa_code_sent("alice")

    made: list[bool] = []
    with (
        pytest.raises(InvalidCredentials),
        limiter.admit(kind, address=AWAY, account="alice"),
    ):
        made.append(True)
    assert made == []
    assert _call(limiter, kind, account="bob") is None
    clock.now += 3_601
    assert _call(limiter, kind) is None


def test_codes_after_a_correct_password_are_refused_for_a_trusted_network() -> None:
    """For a trusted network the limit of MFA codes is TooManyAttempts."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    limiter.signed_in("alice", HOME)
    for _ in range(10):
        limiter.mfa_code_sent("alice")

    assert _call(limiter, RateLimitedAction.SIGN_IN, address=HOME) is TooManyAttempts


def test_recipient_is_limited_over_all_networks_and_names() -> None:
    """One address gets ten messages an hour, from any networks and for any names."""
    clock = Clock()
    limiter = RateLimiter(LIMITS, clock=clock)

    def signed_up(number: int, *recipients: str) -> bool:
        try:
            with limiter.admit(
                RateLimitedAction.SIGN_UP,
                address=AWAY + number,
                account=f"user {number}",
                recipients=recipients,
            ):
                return True
        except TooManyAttempts:
            return False

    sent = [signed_up(number, "Victim@Example.com", "+4915112345678") for number in range(20)]

    assert sent == [True] * 10 + [False] * 10
    assert not signed_up(30, "victim@example.com")
    assert not signed_up(31, "other@example.com", "+4915112345678")
    assert signed_up(32, "other@example.com", "OTHER@example.com")
    clock.now += 3_601
    assert signed_up(33, "victim@example.com")


@pytest.mark.parametrize(
    ("refusal", "counts"), [(InvalidCredentials, True), (TooManyAttempts, False)]
)
def test_recipient_counts_as_the_name_does(
    refusal: Callable[[], ServiceError], *, counts: bool
) -> None:
    """A failed call does not count against the recipient."""
    limiter = RateLimiter(replace(LIMITS, recipient_per_h=1), clock=Clock())
    recipients = ("victim@example.com",)
    with (
        pytest.raises(ServiceError),
        limiter.admit(
            RateLimitedAction.SIGN_UP, address=AWAY, account="alice", recipients=recipients
        ),
    ):
        raise refusal()

    admitted = True
    try:
        limiter.admit(RateLimitedAction.SIGN_UP, address=AWAY, account="bob", recipients=recipients)
    except TooManyAttempts:
        admitted = False
    assert admitted is not counts


def test_one_address_gets_a_tenth_of_the_total_burst() -> None:
    """One client address gets a tenth of the total burst."""
    limiter = RateLimiter(LIMITS, clock=Clock())

    def forgot(address: IPv4Address | IPv6Address) -> int:
        names = (f"{address} {number}" for number in range(1_000))
        calls = [
            _call(limiter, RateLimitedAction.FORGOT, address=address, account=name)
            for name in names
        ]
        return calls.count(None)

    assert forgot(HOME) == 45
    assert [forgot(AWAY + number) for number in range(10)] == [45] * 9 + [0]


def test_address_has_its_own_burst_where_the_total_has_more() -> None:
    """`address-burst` applies if it is less than a tenth of the total, or without a total."""
    for per_s in (60, 0):
        limits = replace(LIMITS, address_burst=7, sign_in_per_s=per_s)
        limiter = RateLimiter(limits, clock=Clock())
        calls = [
            _call(limiter, RateLimitedAction.SIGN_IN, account=f"{number}") for number in range(20)
        ]
        assert calls.count(None) == 7


SECRET = "Corr3ct-horse!"  # noqa: S105 -- of a test account
ASKED = Challenge("EMAIL_OTP", "a session", {})
SIGNED_IN = Tokens("an id", "an id token", "an access token", None, 3_600)


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        (None, True),
        (ChallengeAnswer("PASSWORD", "s", "alice", password=SECRET), True),
        (ChallengeAnswer("NEW_PASSWORD_REQUIRED", "s", "alice", new_password=SECRET), True),
        (ChallengeAnswer("SELECT_CHALLENGE", "s", "alice", choice="EMAIL_OTP"), False),
        (ChallengeAnswer("SELECT_MFA_TYPE", "s", "alice", choice="EMAIL_OTP"), False),
    ],
    ids=lambda each: each if isinstance(each, bool) else getattr(each, "name", "login"),
)
def test_code_that_follows_the_first_factor_is_counted(
    answer: ChallengeAnswer | None, *, counts: bool
) -> None:
    """A code after a correct first factor counts once, and not when its medium is chosen."""
    limiter, client = RateLimiter(LIMITS, clock=Clock()), Client(AWAY)
    for _ in range(10):
        if answer is None:
            sign_in_steps.record_step(limiter, "alice", client, ASKED, completes_first_factor=True)
        else:
            sign_in_steps.record_answer(limiter, answer, client, outcome=ASKED)

    assert (_call(limiter, RateLimitedAction.SIGN_IN) is InvalidCredentials) is counts


def test_choice_that_a_sign_in_begins_with_is_no_code() -> None:
    """A sign-in begun without a password sends no code after a first factor."""
    limiter = RateLimiter(LIMITS, clock=Clock())
    for _ in range(20):
        sign_in_steps.record_step(
            limiter, "alice", Client(AWAY), ASKED, completes_first_factor=False
        )

    assert _call(limiter, RateLimitedAction.SIGN_IN) is None


def test_completed_sign_in_trusts_the_network() -> None:
    """A completed sign-in makes the network trusted, with or without a challenge."""
    answer = ChallengeAnswer("SMS_MFA", "s", "alice", code="123456")
    limiters = [RateLimiter(LIMITS, clock=Clock()) for _ in range(2)]
    sign_in_steps.record_step(
        limiters[0], "alice", Client(HOME), SIGNED_IN, completes_first_factor=True
    )
    sign_in_steps.record_answer(limiters[1], answer, Client(HOME), outcome=SIGNED_IN)

    for limiter in limiters:
        _calls(limiter, RateLimitedAction.SIGN_IN, 5, outcome=InvalidCredentials())
        assert _call(limiter, RateLimitedAction.SIGN_IN, address=HOME) is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ChallengeAnswer("EMAIL_OTP", "s", "alice", code="1"), RateLimitedAction.CODE_CHALLENGE),
        (ChallengeAnswer("MFA_SETUP", "s", "alice", code="1"), RateLimitedAction.CHALLENGE),
        (
            ChallengeAnswer("SELECT_CHALLENGE", "s", "alice", choice="SMS_OTP"),
            RateLimitedAction.CHOOSE_CODE,
        ),
        (
            ChallengeAnswer("SELECT_CHALLENGE", "s", "alice", choice="PASSWORD"),
            RateLimitedAction.CHALLENGE,
        ),
        (
            ChallengeAnswer("PASSWORD", "s", "alice", password=SECRET),
            RateLimitedAction.PASSWORD_CHALLENGE,
        ),
        (ChallengeAnswer("WEB_AUTHN", "s", "alice", credential="{}"), RateLimitedAction.CHALLENGE),
    ],
    ids=str,
)
def test_answer_is_of_its_kind(answer: ChallengeAnswer, kind: RateLimitedAction) -> None:
    """Each answer has the action of a code, a password, a sent choice, or another challenge."""
    assert sign_in_steps.action_of_answer(answer) is kind


def test_counts_that_are_switched_off_refuse_nothing() -> None:
    """With 0 neither wrong codes nor sent codes are limited."""
    off = replace(LIMITS, lockout_after=0, sign_in_code_per_h=0)
    limiter = RateLimiter(off, clock=Clock())
    for _ in range(20):
        limiter.wrong_code("alice", AWAY)
        limiter.mfa_code_sent("alice")

    assert _call(limiter, RateLimitedAction.CODE_CHALLENGE) is None
    assert _call(limiter, RateLimitedAction.SIGN_IN) is None
    assert _call(limiter, RateLimitedAction.BEGIN_CODE) is None
