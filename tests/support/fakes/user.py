"""A user of the pool in memory."""

from dataclasses import dataclass, field
from enum import Enum, auto

from service.domain.passkeys import Passkey


class Status(Enum):
    """Where an account stands."""

    UNCONFIRMED = auto()
    CONFIRMED = auto()
    NEW_PASSWORD_REQUIRED = auto()  # an administrator chose the password
    RESET_REQUIRED = auto()


@dataclass(slots=True)
class StoredPasskey:
    """A passkey with its key, a SubjectPublicKeyInfo in DER."""

    passkey: Passkey
    public_key: bytes


@dataclass(slots=True, eq=False)
class MemoryUser:
    """
    A user, and all that belongs to one.

    A phantom is made up for a name that nobody has: its password and its codes are known to nobody.
    """

    user_id: str
    username: str
    password: str | None = field(repr=False)
    attributes: dict[str, str] = field(repr=False)
    status: Status = Status.UNCONFIRMED
    phantom: bool = False
    codes: dict[str, str] = field(default_factory=dict)  # purpose -> the code that is right now
    failures: int = 0  # passwords that were wrong, one after the other
    locked_until: float = 0.0
    totp_secret: str | None = None
    new_totp_secret: str | None = None  # associated, not verified yet
    used_totp_steps: set[int] = field(default_factory=set)
    enabled_factors: tuple[str, ...] = ()
    preferred_factor: str | None = None
    passkey_challenge: str | None = None  # of a registration that has begun
    passkeys: dict[str, StoredPasskey] = field(default_factory=dict)  # by credential id
