"""Hold what Cognito knows and moto does not: codes, sessions, tokens, attempts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from service.local.outbox import Delivery

CodeKey = tuple[str, str | None]  # purpose and, for a verification, the attribute


@dataclass(frozen=True, slots=True)
class Code:
    """Remember a code that was sent."""

    value: str
    expires_at: float
    address: str
    """Where it went, and so what it proves; empty for a user without an address."""


@dataclass(slots=True)
class Grant:
    """Follow one sign-in: all its tokens live and die together."""

    pool: Pool
    user: User
    client_id: str
    origin_jti: str
    auth_time: int
    expires_at: float
    revoked: bool = False


@dataclass(slots=True)
class RefreshToken:
    """Remember a refresh token and when rotation replaced it."""

    grant: Grant
    reusable_until: float | None = None
    """None as long as it is the newest one."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Remember an access token."""

    grant: Grant
    expires_at: float


@dataclass(frozen=True, slots=True)
class Session:
    """Tie a challenge to the user and client that it was issued for."""

    pool: Pool
    user: User
    client_id: str
    challenge: str
    expires_at: float


@dataclass(slots=True)
class Account:
    """Add to moto's user what moto does not keep."""

    typed_name: str = ""
    """As it was typed at sign-up; empty for a user whom an administrator created."""
    codes: dict[CodeKey, Code] = field(default_factory=dict)
    attempts: dict[str, list[float]] = field(default_factory=dict)
    """Times of the calls that are counted by the hour, by operation."""
    grants: list[Grant] = field(default_factory=list)
    failed_sign_ins: int = 0
    last_sign_in_at: float = 0.0
    locked_until: float = 0.0
    totp_secret: str | None = None
    new_totp_secret: str | None = None
    """Associated, not verified yet."""
    used_totp_steps: set[int] = field(default_factory=set)


class Cognito:
    """Keep the state of one local Cognito."""

    def __init__(self, deliver: Callable[[Delivery], None], now: Callable[[], float]) -> None:
        self.deliver = deliver
        self.now = now
        self.sessions: dict[str, Session] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self._accounts: WeakKeyDictionary[User, Account] = WeakKeyDictionary()

    def account(self, user: User) -> Account:
        """Give the user's account, an empty one the first time."""
        return self._accounts.setdefault(user, Account())


@dataclass(frozen=True, slots=True)
class Call:
    """Carry one request to the function that answers it."""

    operation: str
    parameters: dict[str, Any]
    """Checked against the operation's input shape; an absent member is absent."""
    cognito: Cognito

    @property
    def now(self) -> float:
        """Tell the time, in seconds since the epoch."""
        return self.cognito.now()
