"""
The front door of the sign-in API: how much of it goes on to Cognito.

Cognito's quotas are shared by all user pools of an AWS account, so whoever floods one sign-in page shuts
them all. Here calls are refused before Cognito does it: by the client's address, by the account's name,
and in all. See docs/decisions/0010-limits-at-the-front-door.md.
"""

import hmac
import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from itertools import chain
from typing import NamedTuple

from service.config.settings import LimitsConfig
from service.domain.errors import (
    InvalidCredentials,
    ServiceError,
    Throttled,
    TooManyAttempts,
    TryLater,
)
from service.domain.normalization import caseless_form
from service.observability.metrics.catalogue import Metrics
from service.rate_limiting.keyed_limits import Decision, KeyedLimits
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
    counts_against_name,
)
from service.rate_limiting.lockout import Lockout
from service.rate_limiting.trusted_networks import TrustedNetworks


class _Asked(NamedTuple):
    """What a layer says to a call."""

    buckets: KeyedLimits
    key: bytes
    decision: Decision


class RateLimiter:
    """
    Admits calls as far as *limits* allow; *clock* gives seconds and never goes back.

    A call counts in every layer or, refused by one, in none: who floods uses up nobody else's share.
    It counts against the name and the recipients only where it sent something, proved something or was a
    wrong guess: what failed for other reasons is nothing that the name's owner should wait an hour for.
    For the steps of a sign-in, a network that the user signed in from lately is counted apart from all
    others, so that nobody elsewhere can lock the user out. Names and recipients are kept only as HMACs
    under a key that ends with the process.
    """

    def __init__(
        self, limits: LimitsConfig, *, clock: Callable[[], float], metrics: Metrics | None = None
    ) -> None:
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._hash_key = secrets.token_bytes(32)
        capacity = limits.accounts_tracked
        self._in_all = {
            quota: KeyedLimits(rule, capacity=1) for quota, rule in total_rules(limits).items()
        }
        self._of_addresses = {
            quota: KeyedLimits(rule, capacity=capacity)
            for quota, rule in address_rules(limits).items()
        }
        self._of_accounts = {
            kind: KeyedLimits(rule, capacity=capacity)
            for kind, rule in account_rules(limits).items()
        }
        codes = sliding_hour(limits.sign_in_code_per_h)
        if codes is not None:
            self._of_accounts |= dict.fromkeys(CODE_REQUESTS, KeyedLimits(codes, capacity=capacity))
        self._mfa_codes = None if codes is None else KeyedLimits(codes, capacity=capacity)
        recipients = sliding_hour(limits.recipient_per_h)
        self._of_recipients = (
            None if recipients is None else KeyedLimits(recipients, capacity=capacity)
        )
        new_lockout = partial(
            Lockout, free_failures=limits.lockout_after, capacity=capacity, clock=clock
        )
        self._passwords, self._codes = new_lockout(), new_lockout(success_clears=False)
        self._locks = limits.lockout_after > 0
        self._trusted = TrustedNetworks(capacity=capacity, clock=clock)

    def admit(
        self,
        kind: RateLimitedAction,
        *,
        address: IPv4Address | IPv6Address | None,
        account: str | None = None,
        recipients: Sequence[str] = (),
    ) -> AbstractContextManager[None]:
        """
        Admit a call, which is then made inside what this returns: its outcome tells of the guess.

        *account* is the user name as it was typed, *recipients* the e-mail addresses and telephone
        numbers that the call may send a message to. Raises TooManyAttempts where the client's address,
        the account or a recipient has its limit, and Throttled where all callers together have.
        """
        now_ms = int(self._clock() * 1_000)
        quota = QUOTAS[kind]
        key, trusted = self._account_key(kind, address, account)
        layers = {
            "address": _ask(self._of_addresses.get(quota), _network(address), now_ms),
            "account": _ask(self._of_accounts.get(kind), key, now_ms),
            "recipient": self._ask_recipients(recipients, now_ms),
        }
        waits_s = {limit: _wait_s(asked) for limit, asked in layers.items()}
        lockout = self._lockout(kind, key)
        if lockout is not None and key is not None:
            waits_s["lockout"] = lockout.wait_s(key)
        mfa_code_wait_s = self._mfa_code_wait_s(kind, account, now_ms)
        if trusted:  # a stranger must not learn that this user was sent codes
            waits_s["mfa_code"] = mfa_code_wait_s
        self._refuse_longest(kind, waits_s, TooManyAttempts)
        in_all = _ask(self._in_all.get(quota), b"", now_ms)
        self._refuse_longest(kind, {"all": _wait_s(in_all)}, Throttled)
        for asked in (*chain.from_iterable(layers.values()), *in_all):
            asked.buckets.count(asked.key, asked.decision, now_ms)
        if mfa_code_wait_s > 0:
            self._metrics.limit_refused("mfa_code", kind.name.lower())
        return _made(
            kind,
            (*layers["account"], *layers["recipient"]),
            nullcontext() if lockout is None or key is None else lockout.guess(key),
            refusal=InvalidCredentials() if mfa_code_wait_s > 0 else None,
        )

    def check_address(
        self, kind: RateLimitedAction, address: IPv4Address | IPv6Address | None
    ) -> None:
        """
        Refuse a call by its client's address alone, before its body is read; nothing is counted.

        Raises TooManyAttempts.
        """
        now_ms = int(self._clock() * 1_000)
        asked = _ask(self._of_addresses.get(QUOTAS[kind]), _network(address), now_ms)
        self._refuse_longest(kind, {"address": _wait_s(asked)}, TooManyAttempts)

    def count_refused_body(
        self, kind: RateLimitedAction, address: IPv4Address | IPv6Address | None
    ) -> None:
        """Count a call whose body was refused against the address that sent it, and nothing else."""
        now_ms = int(self._clock() * 1_000)
        for asked in _ask(self._of_addresses.get(QUOTAS[kind]), _network(address), now_ms):
            asked.buckets.count(asked.key, asked.decision, now_ms)

    def signed_in(self, account: str, address: IPv4Address | IPv6Address | None) -> None:
        """Note that a sign-in was completed: the wrong guesses before it count no more."""
        name = self._hashed(account)
        on_network = self._on_network(name, address)
        counted = on_network if on_network in self._trusted else name
        self._passwords.clear(counted)
        self._codes.clear(counted)
        self._trusted.add(on_network)

    def password_reset(self, account: str, address: IPv4Address | IPv6Address | None) -> None:
        """Note that a password was reset by its owner: nobody has guessed wrong at the new one yet."""
        name = self._hashed(account)
        for key in (name, self._on_network(name, address)):
            self._passwords.clear(key)
            self._codes.clear(key)

    def wrong_code(self, account: str, address: IPv4Address | IPv6Address | None) -> None:
        """Count a wrong code that was answered by the same challenge again, and not by an error."""
        key, _ = self._account_key(RateLimitedAction.CODE_CHALLENGE, address, account)
        if self._locks and key is not None:
            self._codes.count_failure(key)

    def mfa_code_sent(self, account: str) -> None:
        """Count a code that was sent, or may be chosen to be sent, after a right password."""
        now_ms = int(self._clock() * 1_000)
        for asked in _ask(self._mfa_codes, self._hashed(account), now_ms):
            asked.buckets.count(asked.key, asked.decision, now_ms)

    def _account_key(
        self,
        kind: RateLimitedAction,
        address: IPv4Address | IPv6Address | None,
        account: str | None,
    ) -> tuple[bytes | None, bool]:
        """Return what a name is counted under, and whether that is one of a trusted network."""
        if account is None:
            return None, False
        name = self._hashed(account)
        on_network = self._on_network(name, address)
        if kind in SIGN_IN_STEPS and on_network in self._trusted:
            return on_network, True
        return name, False

    def _on_network(self, name: bytes, address: IPv4Address | IPv6Address | None) -> bytes:
        return hmac.digest(self._hash_key, name + _network(address), "sha256")

    def _lockout(self, kind: RateLimitedAction, key: bytes | None) -> Lockout | None:
        if not self._locks or key is None:
            return None
        if kind in PASSWORD_GUESSES:
            return self._passwords
        return self._codes if kind in CODE_GUESSES else None

    def _ask_recipients(self, recipients: Sequence[str], now_ms: int) -> list[_Asked]:
        hashed = dict.fromkeys(map(self._hashed, recipients))
        return [asked for key in hashed for asked in _ask(self._of_recipients, key, now_ms)]

    def _mfa_code_wait_s(self, kind: RateLimitedAction, account: str | None, now_ms: int) -> float:
        if kind not in PASSWORD_GUESSES or account is None:
            return 0
        return _wait_s(_ask(self._mfa_codes, self._hashed(account), now_ms))

    def _refuse_longest(
        self, kind: RateLimitedAction, waits_s: Mapping[str, float], refusal: type[TryLater]
    ) -> None:
        """Raise *refusal* with the longest wait, if there is one."""
        longest = max(waits_s, key=waits_s.__getitem__)
        if waits_s[longest] > 0:
            self._metrics.limit_refused(longest, kind.name.lower())
            raise refusal(retry_after_s=math.ceil(waits_s[longest]))

    def _hashed(self, account: str) -> bytes:
        """Return what stands for a name, however it is written: Cognito's may ignore case too."""
        name = caseless_form(account).strip()
        return hmac.digest(self._hash_key, name.encode("utf-8", "surrogatepass"), "sha256")


@contextmanager
def _made(
    kind: RateLimitedAction,
    counted: Sequence[_Asked],
    guess: AbstractContextManager[None],
    *,
    refusal: ServiceError | None,
) -> Iterator[None]:
    """Hold a call, or raise *refusal* in its place; what is no wrong guess does not count."""
    try:
        with guess:
            if refusal is not None:
                raise refusal
            yield
    except ServiceError as error:
        if not counts_against_name(kind, error):
            for asked in counted:
                asked.buckets.refund(asked.key, asked.decision)
        raise


def _ask(buckets: KeyedLimits | None, key: bytes | None, now_ms: int) -> list[_Asked]:
    """Return what a layer says, if there is such a layer and it concerns the call."""
    if buckets is None or key is None:
        return []
    return [_Asked(buckets, key, buckets.decide(key, now_ms))]


def _wait_s(asked: Sequence[_Asked]) -> float:
    """Return how long what was asked wants a call to wait."""
    return max((each.decision.wait_ms for each in asked), default=0) / 1_000


def _network(address: IPv4Address | IPv6Address | None) -> bytes:
    """Return what counts as one client: of IPv6 its /64, within which a host takes any address."""
    if address is None:
        return b""
    return address.packed if isinstance(address, IPv4Address) else address.packed[:8]
