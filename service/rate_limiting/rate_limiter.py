"""
The rate limiter of all calls to Cognito.

Cognito's quotas are shared by all user pools of an AWS account, so a flood of one sign-in page would make
all of them fail. Calls are refused here first: by client address, by account name, and in total. See
docs/decisions/0010-rate-limits.md.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import chain

from service.config.settings import LimitsConfig
from service.domain.errors import (
    InvalidCredentials,
    ServiceError,
    Throttled,
    TooManyAttempts,
    TryLater,
)
from service.observability.metrics.catalogue import Metrics
from service.rate_limiting.account_keys import AccountKeys, Address, network_key
from service.rate_limiting.keyed_limits import KeyedLimits, LimitCheck, Rule
from service.rate_limiting.limit_rules import (
    account_rules,
    address_rules,
    sliding_hour,
    total_rules,
)
from service.rate_limiting.limited_actions import (
    CODE_GUESSES,
    CODE_REQUESTS,
    PASSWORD_GUESSES,
    QUOTAS,
    SIGN_IN_STEPS,
    RateLimitedAction,
    counts_against_account,
)
from service.rate_limiting.lockout import Lockout
from service.rate_limiting.trusted_networks import TrustedNetworks


class RateLimiter:
    """
    Admits calls within *limits*; *clock* returns monotonic seconds.

    A call counts against all limits or, if one refuses it, against none. It counts against the account
    and the recipients only if it sent a code, succeeded, or failed with wrong credentials. In the steps
    of a sign-in, networks that the user recently signed in from are counted separately, so that attempts
    from elsewhere cannot lock the user out. Names and recipients are stored only as HMACs under a random
    key of the process.
    """

    def __init__(
        self, limits: LimitsConfig, *, clock: Callable[[], float], metrics: Metrics | None = None
    ) -> None:
        capacity = limits.accounts_tracked
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._keys = AccountKeys()

        def keyed(rule: Rule | None) -> KeyedLimits | None:
            return None if rule is None else KeyedLimits(rule, capacity=capacity)

        self._total = {
            quota: KeyedLimits(rule, capacity=1) for quota, rule in total_rules(limits).items()
        }
        self._by_address = {quota: keyed(rule) for quota, rule in address_rules(limits).items()}
        codes = sliding_hour(limits.sign_in_code_per_h)
        self._by_account = {
            **{action: keyed(rule) for action, rule in account_rules(limits).items()},
            **dict.fromkeys(CODE_REQUESTS, keyed(codes)),
        }
        self._mfa_codes = keyed(codes)
        self._by_recipient = keyed(sliding_hour(limits.recipient_per_h))
        new_lockout = partial(
            Lockout, free_failures=limits.lockout_after, capacity=capacity, clock=clock
        )
        self._passwords, self._codes = new_lockout(), new_lockout(success_clears=False)
        self._locks = limits.lockout_after > 0
        self._trusted = TrustedNetworks(capacity=capacity, clock=clock)

    def admit(
        self,
        action: RateLimitedAction,
        *,
        address: Address | None,
        account: str | None = None,
        recipients: Sequence[str] = (),
    ) -> AbstractContextManager[None]:
        """
        Admit a call, and return the context manager to make it in, which observes its outcome.

        *account* is the user name as typed, *recipients* the e-mail addresses and telephone numbers that
        a message may be sent to. Raises TooManyAttempts if a limit of the address, the account or a
        recipient is reached, and Throttled if a total limit is.
        """
        now_ms = self._now_ms()
        quota = QUOTAS[action]
        key, trusted = self._account_key(action, address, account)
        by_address = _check(self._by_address.get(quota), [network_key(address)], now_ms)
        by_account = _check(self._by_account.get(action), [key], now_ms)
        hashed = dict.fromkeys(map(self._keys.of_name, recipients))
        by_recipient = _check(self._by_recipient, hashed, now_ms)
        lockout = self._lockout(action)
        mfa_code_wait_s = self._mfa_code_wait_s(action, account, now_ms)
        waits_s = {
            "address": _wait_s(by_address),
            "account": _wait_s(by_account),
            "recipient": _wait_s(by_recipient),
            "lockout": 0 if lockout is None or key is None else lockout.wait_s(key),
            # callers elsewhere must not learn that codes were sent to this user
            "mfa_code": mfa_code_wait_s if trusted else 0,
        }
        self._refuse_longest(action, waits_s, TooManyAttempts)
        total = _check(self._total.get(quota), [b""], now_ms)
        self._refuse_longest(action, {"all": _wait_s(total)}, Throttled)
        _count(chain(by_address, by_account, by_recipient, total))
        if mfa_code_wait_s > 0:
            self._metrics.limit_refused("mfa_code", action.name.lower())
        return _admitted(
            action,
            (*by_account, *by_recipient),
            nullcontext() if lockout is None or key is None else lockout.guess(key),
            refusal=InvalidCredentials() if mfa_code_wait_s > 0 else None,
        )

    def check_address(self, action: RateLimitedAction, address: Address | None) -> None:
        """Raise TooManyAttempts if the limit of the client address is reached; count nothing."""
        checks = self._check_address(action, address)
        self._refuse_longest(action, {"address": _wait_s(checks)}, TooManyAttempts)

    def count_refused_body(self, action: RateLimitedAction, address: Address | None) -> None:
        """Count a call with an invalid body against the client address only."""
        _count(self._check_address(action, address))

    def signed_in(self, account: str, address: Address | None) -> None:
        """Record a completed sign-in: clear the failures before it, and trust the network."""
        on_network = self._keys.on_network(account, address)
        counted = on_network if on_network in self._trusted else self._keys.of_name(account)
        self._passwords.clear(counted)
        self._codes.clear(counted)
        self._trusted.add(on_network)

    def password_reset(self, account: str, address: Address | None) -> None:
        """Record a password reset by the account's owner: clear all failures."""
        for key in (self._keys.of_name(account), self._keys.on_network(account, address)):
            self._passwords.clear(key)
            self._codes.clear(key)

    def wrong_code(self, account: str, address: Address | None) -> None:
        """Count a wrong code to which Cognito responded with another challenge, not an error."""
        key, _ = self._account_key(RateLimitedAction.CODE_CHALLENGE, address, account)
        if self._locks and key is not None:
            self._codes.count_failure(key)

    def mfa_code_sent(self, account: str) -> None:
        """Count a code that was sent, or can be chosen to be sent, after a correct password."""
        _count(_check(self._mfa_codes, [self._keys.of_name(account)], self._now_ms()))

    def _now_ms(self) -> int:
        return int(self._clock() * 1_000)

    def _check_address(
        self, action: RateLimitedAction, address: Address | None
    ) -> list[LimitCheck]:
        limits = self._by_address.get(QUOTAS[action])
        return _check(limits, [network_key(address)], self._now_ms())

    def _account_key(
        self, action: RateLimitedAction, address: Address | None, account: str | None
    ) -> tuple[bytes | None, bool]:
        """Return the key of an account, and whether it is that of a trusted network."""
        if account is None:
            return None, False
        if action in SIGN_IN_STEPS:
            on_network = self._keys.on_network(account, address)
            if on_network in self._trusted:
                return on_network, True
        return self._keys.of_name(account), False

    def _lockout(self, action: RateLimitedAction) -> Lockout | None:
        if self._locks and action in PASSWORD_GUESSES:
            return self._passwords
        return self._codes if self._locks and action in CODE_GUESSES else None

    def _mfa_code_wait_s(
        self, action: RateLimitedAction, account: str | None, now_ms: int
    ) -> float:
        if action not in PASSWORD_GUESSES or account is None:
            return 0
        return _wait_s(_check(self._mfa_codes, [self._keys.of_name(account)], now_ms))

    def _refuse_longest(
        self, action: RateLimitedAction, waits_s: Mapping[str, float], refusal: type[TryLater]
    ) -> None:
        """Raise *refusal* with the longest wait, if any."""
        longest = max(waits_s, key=waits_s.__getitem__)
        if waits_s[longest] > 0:
            self._metrics.limit_refused(longest, action.name.lower())
            raise refusal(retry_after_s=math.ceil(waits_s[longest]))


@contextmanager
def _admitted(
    action: RateLimitedAction,
    counted: Sequence[LimitCheck],
    guess: AbstractContextManager[None],
    *,
    refusal: ServiceError | None,
) -> Iterator[None]:
    """Run a call, or raise *refusal* instead; refund what does not count against the account."""
    try:
        with guess:
            if refusal is not None:
                raise refusal
            yield
    except ServiceError as error:
        if not counts_against_account(action, error):
            for check in counted:
                check.limits.refund(check)
        raise


def _check(
    limits: KeyedLimits | None, keys: Iterable[bytes | None], now_ms: int
) -> list[LimitCheck]:
    """Return the checks of *keys* with *limits*, if there are such limits."""
    if limits is None:
        return []
    return [limits.check(key, now_ms) for key in keys if key is not None]


def _count(checks: Iterable[LimitCheck]) -> None:
    for check in checks:
        check.limits.count(check)


def _wait_s(checks: Sequence[LimitCheck]) -> float:
    """Return the longest wait of *checks*."""
    return max((check.decision.wait_ms for check in checks), default=0) / 1_000
