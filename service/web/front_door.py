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
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

from service.config import LimitsConfig
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
from service.metrics.metrics import Metrics
from service.web.buckets import Buckets, Decision, Hourly, Refilled, Rule
from service.web.lockout import Lockout
from service.web.schemas.unicode_text import caseless_form


class Kind(Enum):
    """What a call is for."""

    SIGN_UP = auto()
    CONFIRM = auto()
    RESEND = auto()
    SIGN_IN = auto()  # with a password
    BEGIN = auto()  # a sign-in that brings no password
    CHALLENGE = auto()
    PASSWORD_CHALLENGE = auto()  # a challenge that is answered with the password
    FORGOT = auto()
    RESET = auto()
    TOKEN = auto()  # refreshing, logging out
    READ = auto()  # signed in, as the following
    UPDATE = auto()
    CHANGE_PASSWORD = auto()


class Quota(Enum):
    """Cognito's categories of calls, each with a quota of its own."""

    SIGN_IN = auto()  # UserAuthentication
    CHALLENGE = auto()  # RespondToAuthChallenge, with three times the quota of the former
    SIGN_UP = auto()  # UserCreation
    RECOVERY = auto()  # UserAccountRecovery
    TOKEN = auto()  # UserToken
    READ = auto()  # UserRead
    UPDATE = auto()  # UserUpdate and UserResourceUpdate


QUOTAS: Final[Mapping[Kind, Quota]] = {
    Kind.SIGN_UP: Quota.SIGN_UP,
    Kind.CONFIRM: Quota.SIGN_UP,
    Kind.RESEND: Quota.UPDATE,
    Kind.SIGN_IN: Quota.SIGN_IN,
    Kind.BEGIN: Quota.SIGN_IN,
    Kind.CHALLENGE: Quota.CHALLENGE,
    Kind.PASSWORD_CHALLENGE: Quota.CHALLENGE,
    Kind.FORGOT: Quota.RECOVERY,
    Kind.RESET: Quota.RECOVERY,
    Kind.TOKEN: Quota.TOKEN,
    Kind.READ: Quota.READ,
    Kind.UPDATE: Quota.UPDATE,
    Kind.CHANGE_PASSWORD: Quota.RECOVERY,
}
GUESSES: Final = frozenset({Kind.SIGN_IN, Kind.PASSWORD_CHALLENGE})
SIGNED_IN: Final = frozenset({Kind.READ, Kind.UPDATE, Kind.CHANGE_PASSWORD})
# What is said of a wrong guess. Any other refusal says nothing of a secret, and nothing was sent.
WRONG_GUESS: Final = (
    AccountExists,
    ChallengeExpired,
    CodeExpired,
    CodeMismatch,
    InvalidCredentials,
)


class _Asked(NamedTuple):
    """What a layer says to a call."""

    buckets: Buckets
    key: bytes
    decision: Decision


class FrontDoor:
    """
    Admits calls as far as *limits* allow; *clock* gives seconds and never goes back.

    A call counts in every layer or, refused by one, in none: who floods uses up nobody else's share.
    It counts against the name only where it sent something, proved something or was a wrong guess: what
    failed for other reasons is nothing that the name's owner should wait an hour for.
    Names are kept only as HMACs under a key that ends with the process.
    """

    def __init__(
        self, limits: LimitsConfig, *, clock: Callable[[], float], metrics: Metrics | None = None
    ) -> None:
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._hash_key = secrets.token_bytes(32)
        capacity = limits.accounts_remembered
        per_address = _refilled(limits.address_burst, limits.address_per_s)
        self._in_all = {
            quota: Buckets(rule, capacity=1) for quota, rule in _rules_in_all(limits).items()
        }
        self._of_addresses = {
            quota: Buckets(per_address, capacity=capacity)
            for quota in Quota
            if per_address is not None
        }
        self._of_accounts = {
            kind: Buckets(rule, capacity=capacity)
            for kind, rule in _rules_of_accounts(limits).items()
        }
        self._lockout = Lockout(free_failures=limits.lockout_after, capacity=capacity, clock=clock)
        self._locks = limits.lockout_after > 0

    def admit(
        self, kind: Kind, *, address: IPv4Address | IPv6Address | None, account: str | None = None
    ) -> AbstractContextManager[None]:
        """
        Admit a call, which is then made inside what this returns: its outcome tells of the password.

        *account* is the user name as it was typed. Raises TooManyAttempts where the client's address or
        the account has its limit, and Throttled where all callers together have.
        """
        now_ms = int(self._clock() * 1_000)
        quota = QUOTAS[kind]
        name = None if account is None else self._hashed(account)
        guessed = name if self._locks and kind in GUESSES else None

        of_address = _ask(self._of_addresses.get(quota), _network(address), now_ms)
        of_account = _ask(self._of_accounts.get(kind), name, now_ms)
        waits_s = {"address": _wait_s(of_address), "account": _wait_s(of_account)}
        if guessed is not None:
            waits_s["lockout"] = self._lockout.wait_s(guessed)
        longest = max(waits_s, key=waits_s.__getitem__)
        if waits_s[longest] > 0:
            self._metrics.limit_refused(longest, kind.name.lower())
            raise TooManyAttempts(retry_after_s=math.ceil(waits_s[longest]))
        in_all = _ask(self._in_all.get(quota), b"", now_ms)
        if _wait_s(in_all) > 0:
            self._metrics.limit_refused("all", kind.name.lower())
            raise Throttled(retry_after_s=math.ceil(_wait_s(in_all)))
        for asked in (*of_address, *of_account, *in_all):
            asked.buckets.count(asked.key, asked.decision, now_ms)
        return self._made(of_account, guessed)

    def check_address(self, kind: Kind, address: IPv4Address | IPv6Address | None) -> None:
        """
        Refuse a call by its client's address alone, before its body is read; nothing is counted.

        Raises TooManyAttempts.
        """
        now_ms = int(self._clock() * 1_000)
        wait_s = _wait_s(_ask(self._of_addresses.get(QUOTAS[kind]), _network(address), now_ms))
        if wait_s > 0:
            self._metrics.limit_refused("address", kind.name.lower())
            raise TooManyAttempts(retry_after_s=math.ceil(wait_s))

    def count_refused_body(self, kind: Kind, address: IPv4Address | IPv6Address | None) -> None:
        """Count a call whose body was refused against the address that sent it, and nothing else."""
        now_ms = int(self._clock() * 1_000)
        for asked in _ask(self._of_addresses.get(QUOTAS[kind]), _network(address), now_ms):
            asked.buckets.count(asked.key, asked.decision, now_ms)

    @contextmanager
    def _made(self, of_account: Sequence[_Asked], guessed: bytes | None) -> Iterator[None]:
        """Hold a call; a refusal that is no wrong guess does not count against its name."""
        try:
            with nullcontext() if guessed is None else self._lockout.guess(guessed):
                yield
        except WRONG_GUESS:
            raise
        except ServiceError:
            for asked in of_account:
                asked.buckets.give_back(asked.key, asked.decision)
            raise

    def _hashed(self, account: str) -> bytes:
        """Return what stands for a name, however it is written: Cognito's may ignore case too."""
        name = caseless_form(account).strip()
        return hmac.digest(self._hash_key, name.encode("utf-8", "surrogatepass"), "sha256")


def _ask(buckets: Buckets | None, key: bytes | None, now_ms: int) -> list[_Asked]:
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


def _rules_in_all(limits: LimitsConfig) -> Mapping[Quota, Rule]:
    """Return the limits of all calls together."""
    per_s = {
        Quota.SIGN_IN: limits.sign_in_per_s,
        Quota.CHALLENGE: limits.sign_in_per_s * 3,
        Quota.SIGN_UP: limits.sign_up_per_s,
        Quota.RECOVERY: limits.recovery_per_s,
        Quota.TOKEN: limits.token_per_s,
        Quota.READ: limits.read_per_s,
        Quota.UPDATE: limits.update_per_s,
    }
    rules = {
        quota: _refilled(math.ceil(rate * limits.burst_s), rate) for quota, rate in per_s.items()
    }
    return {quota: rule for quota, rule in rules.items() if rule is not None}


def _rules_of_accounts(limits: LimitsConfig) -> Mapping[Kind, Rule]:
    """Return the limits of each account name."""
    tries = _refilled(limits.account_burst, limits.account_per_min / 60)
    rules = {
        Kind.SIGN_UP: tries,
        Kind.SIGN_IN: tries,
        Kind.BEGIN: tries,
        Kind.CHALLENGE: tries,
        Kind.PASSWORD_CHALLENGE: tries,
        Kind.CONFIRM: _hourly(limits.confirm_per_h),
        Kind.RESEND: _hourly(limits.resend_per_h),
        Kind.FORGOT: _hourly(limits.forgot_per_h),
        Kind.RESET: _hourly(limits.reset_per_h),
    }
    return {kind: rule for kind, rule in rules.items() if rule is not None}


def _refilled(burst: int, per_s: float) -> Rule | None:
    return Refilled(burst=burst, per_s=per_s) if burst > 0 and per_s > 0 else None


def _hourly(most: int) -> Rule | None:
    return Hourly(most) if most > 0 else None
