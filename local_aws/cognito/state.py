"""Hold what Cognito knows and moto does not: codes, sessions, tokens, attempts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.outbox import Delivery

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
class Expected:
    """Remember what the answer to a challenge is compared with."""

    secret: str = field(default="", repr=False)
    """A code that was sent, or a challenge of WebAuthn; empty where the user has the secret."""
    address: str = ""
    """Where the code went, and so what it proves."""
    wrong_answers: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """Tie a challenge to the user and client that it was issued for."""

    pool: Pool
    user: User
    client_id: str
    challenge: str
    expires_at: float
    expected: Expected


@dataclass(slots=True)
class Passkey:
    """Remember a credential of WebAuthn."""

    credential_id: str
    """In base64url, as browsers write it."""
    public_key: bytes
    """A SubjectPublicKeyInfo in DER."""
    sign_count: int
    relying_party_id: str
    transports: list[str]
    attachment: str | None
    created_at: float


@dataclass(frozen=True, slots=True)
class Registration:
    """Remember a passkey's registration that has begun."""

    client_id: str
    challenge: str
    expires_at: float


@dataclass(slots=True)
class PoolFactors:
    """Add to moto's pool what SetUserPoolMfaConfig sets and moto does not keep."""

    email_mfa: dict[str, Any] | None = None
    web_authn: dict[str, Any] | None = None


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
    email_mfa_enabled: bool = False
    passkeys: dict[str, Passkey] = field(default_factory=dict)
    """By credential id, the oldest first."""
    registration: Registration | None = None
    simulated: bool = False
    """No such user exists, and the client must not learn it."""


class Cognito:
    """Keep the state of one local Cognito."""

    def __init__(self, deliver: Callable[[Delivery], None], now: Callable[[], float]) -> None:
        self.deliver = deliver
        self.now = now
        self.sessions: dict[str, Session] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.simulated: dict[tuple[str, str], User] = {}
        """Users who do not exist, by pool id and name: the same one for a name each time."""
        self._accounts: WeakKeyDictionary[User, Account] = WeakKeyDictionary()
        self._pool_factors: WeakKeyDictionary[Pool, PoolFactors] = WeakKeyDictionary()

    def account(self, user: User) -> Account:
        """Give the user's account, an empty one the first time."""
        return self._accounts.setdefault(user, Account())

    def pool_factors(self, pool: Pool) -> PoolFactors:
        """Give what SetUserPoolMfaConfig set, nothing the first time."""
        return self._pool_factors.setdefault(pool, PoolFactors())


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
