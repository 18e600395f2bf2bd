"""Accounts: the values of signing up and in, and the port of whoever keeps the accounts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a person signs up with; *attributes* are Cognito's, by name."""

    username: str
    password: str = field(repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a code was sent: *medium* is EMAIL or SMS, *destination* is masked."""

    medium: str
    destination: str
    attribute: str


@dataclass(frozen=True, slots=True)
class SignedUp:
    """A new account; *user_id* is its `sub`, *delivery* None where no code was sent."""

    user_id: str
    confirmed: bool
    delivery: Delivery | None


@dataclass(frozen=True, slots=True)
class Tokens:
    """A signed-in user's tokens; *refresh_token* is None where the old one stays in use."""

    user_id: str
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class Challenge:
    """What Cognito asks for before it gives tokens, in Cognito's own names."""

    name: str
    session: str | None = field(repr=False)
    parameters: Mapping[str, str] = field(repr=False)
    available: tuple[str, ...] = ()


class IdentityProvider(Protocol):
    """
    The port of whoever keeps the accounts.

    Besides the errors that each method names, all raise the TryLater and ServiceFault errors.
    """

    async def sign_up(self, account: NewAccount) -> SignedUp:
        """Create an account; raises AccountExists, WeakPassword, InvalidParameter, SignUpDisabled."""

    async def confirm(self, username: str, code: str) -> None:
        """
        Confirm an account with its code; raises CodeMismatch, AliasExists.

        A wrong code, an old one, a user who is confirmed already and an unknown one are all a
        CodeMismatch: the answer must not tell who has an account.
        """

    async def resend_code(self, username: str) -> None:
        """Send a new confirmation code, if there is an account that waits for one."""

    async def log_in(self, username: str, password: str) -> Tokens | Challenge:
        """Sign in; raises InvalidCredentials, AccountNotConfirmed, PasswordResetRequired."""

    async def refresh(self, refresh_token: str) -> Tokens:
        """Give new tokens; raises RefreshTokenInvalid, RefreshTokenReused."""

    async def revoke(self, refresh_token: str) -> None:
        """End the session of a refresh token; a token that is unknown or dead already is no error."""

    async def sign_out_everywhere(self, access_token: str) -> None:
        """End every session of the token's user; raises TokenInvalid."""
