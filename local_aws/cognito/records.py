"""What Cognito keeps of users and pools, and moto does not: codes, sessions, tokens, attempts."""

from dataclasses import dataclass, field
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

ADMIN_SCOPE = "aws.cognito.signin.user.admin"  # of the tokens of the API, and for its calls
CodeKey = tuple[str, str | None]  # purpose and, for a verification, the attribute


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was sent."""

    value: str
    expires_at: float
    address: str
    """Where it was sent, and so what it verifies; empty for a user without an address."""


@dataclass(slots=True)
class TrackedSession:
    """The record of a sign-in in a pool that tracks sessions."""

    id: str
    created_at: float
    last_active_at: float
    """When tokens were issued last."""
    address: str | None
    """Of the caller to whom they were issued."""


@dataclass(slots=True)
class SessionConfiguration:
    """Settings of SetUserPoolSessionConfiguration."""

    tracking: bool = False
    max_per_user: int = 20


@dataclass(slots=True)
class Grant:
    """One sign-in; its tokens are revoked together."""

    pool: Pool
    user: User
    client_id: str
    origin_jti: str
    auth_time: int
    expires_at: float
    device_key: str | None = None
    """The device without which the refresh token is not valid; None where the pool remembers none."""
    scopes: tuple[str, ...] = (ADMIN_SCOPE,)
    has_id_token: bool = True
    session: TrackedSession | None = None
    """None where the pool did not track sessions at the sign-in."""
    revoked: bool = False


@dataclass(slots=True)
class RefreshToken:
    """A refresh token, and until when rotation lets it be reused."""

    grant: Grant
    reusable_until: float | None = None
    """None while it is the newest one."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token."""

    grant: Grant
    expires_at: float


@dataclass(frozen=True, slots=True)
class SrpExchange:
    """A user or a device whose proof by SRP is expected."""

    private: int = field(repr=False)
    """The server's random value b."""
    client_public: int
    """A."""
    secret_block: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What the response to a challenge is compared with."""

    secret: str = field(default="", repr=False)
    """A code that was sent, or a WebAuthn challenge; empty for passwords and TOTP."""
    address: str = ""
    """Where the code was sent, and so what it verifies."""
    wrong_answers: int = 0
    srp: SrpExchange | None = None
    device_key: str = ""
    """The device that is to be proved."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open challenge, and the user and client that it was issued for."""

    pool: Pool
    user: User
    client_id: str
    challenge: str
    expires_at: float
    expected: Expected


@dataclass(slots=True)
class Passkey:
    """A WebAuthn credential."""

    credential_id: str
    """In base64url."""
    public_key: bytes
    """A SubjectPublicKeyInfo in DER."""
    sign_count: int
    relying_party_id: str
    transports: list[str]
    attachment: str | None
    created_at: float


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration of a passkey in progress."""

    client_id: str
    challenge: str
    expires_at: float


@dataclass(slots=True)
class Device:
    """A device that a sign-in was issued, which ConfirmDevice begins to track."""

    key: str
    authenticated_at: float
    created_at: float | None = None
    """None until it is confirmed."""
    modified_at: float = 0.0
    name: str | None = None
    remembered: bool = False
    confirmable: bool = True
    salt: str = ""
    """Of its password, in hexadecimal; empty until it is confirmed."""
    verifier: str = field(default="", repr=False)
    """Of its password, likewise."""


@dataclass(slots=True)
class PoolFactors:
    """Settings of SetUserPoolMfaConfig that moto's pool does not keep."""

    email_mfa: dict[str, Any] | None = None
    web_authn: dict[str, Any] | None = None


@dataclass(slots=True)
class PoolKeys:
    """The private keys that sign a pool's tokens, in PEM; empty until they are needed."""

    access: str = field(default="", repr=False)
    identity: str = field(default="", repr=False)


@dataclass(slots=True)
class Account:
    """Data of a user that moto does not keep."""

    typed_name: str = ""
    """As entered at sign-up; empty for a user whom an administrator created."""
    codes: dict[CodeKey, Code] = field(default_factory=dict)
    attempts: dict[str, list[float]] = field(default_factory=dict)
    """Times of the calls with an hourly limit, by operation."""
    grants: list[Grant] = field(default_factory=list)
    failed_sign_ins: int = 0
    last_sign_in_at: float = 0.0
    locked_until: float = 0.0
    totp_secret: str | None = None
    totp_device_name: str = ""
    """The FriendlyDeviceName of the authenticator app."""
    new_totp_secret: str | None = None
    """Associated, but not verified yet."""
    used_totp_steps: set[int] = field(default_factory=set)
    email_mfa_enabled: bool = False
    passkey_mfa_enabled: bool = False
    passkeys: dict[str, Passkey] = field(default_factory=dict)
    """By credential id, the oldest first."""
    registration: Registration | None = None
    devices: dict[str, Device] = field(default_factory=dict)
    """By device key, the oldest first."""
    srp_salt: str = ""
    """In hexadecimal; empty until a sign-in by SRP."""
    simulated: bool = False
    """Whether the user does not exist, which responses hide."""
