"""Sessions: tokens, sign-in challenges, and the port of signing in and out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from service.domain.client import UNKNOWN_CLIENT, Client

CUSTOM: Final = "CUSTOM_CHALLENGE"  # of the user pool's Lambda triggers


@dataclass(frozen=True, slots=True)
class Tokens:
    """
    The tokens of a sign-in.

    *refresh_token* is None where the existing one stays valid. *device_key* is that of a new device in a
    pool that remembers devices: the refresh token is valid together with it only.
    """

    user_id: str
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in_s: int
    device_key: str | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge that Cognito requires before it issues tokens, in Cognito's names."""

    name: str
    session: str | None = field(repr=False)
    parameters: Mapping[str, str] = field(repr=False)
    available: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChallengeAnswer:
    """The answer to a challenge; values that the challenge does not take are None or empty."""

    name: str
    session: str = field(repr=False)
    username: str
    code: str | None = field(default=None, repr=False)
    new_password: str | None = field(default=None, repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    choice: str | None = None
    password: str | None = field(default=None, repr=False)
    credential: str | None = field(default=None, repr=False)  # a browser's credential as JSON

    @property
    def is_choice_only(self) -> bool:
        """Return whether the answer selects a challenge without any secret."""
        return self.choice is not None and self.password is None and self.credential is None


class Sessions(Protocol):
    """
    The session port.

    In addition to the errors of each method, all raise TryLater and ServiceFault errors.
    """

    async def log_in(self, username: str, password: str, client: Client) -> Tokens | Challenge:
        """
        Sign in by password.

        Raises InvalidCredentials, AccountNotConfirmed, PasswordResetRequired, TemporaryPasswordExpired.
        """

    async def begin(
        self, username: str, preferred_challenge: str | None, client: Client
    ) -> Tokens | Challenge:
        """
        Begin a sign-in without a password; CUSTOM uses the user pool's Lambda triggers.

        Raises as `log_in`, and InvalidParameter.
        """

    async def continue_sign_up(
        self, username: str, session: str, client: Client
    ) -> Tokens | Challenge:
        """
        Sign in with the session of a confirmation, whose code is the first factor.

        Raises as `log_in`, and ChallengeExpired.
        """

    async def answer(self, answer: ChallengeAnswer, client: Client) -> Tokens | Challenge:
        """
        Answer a challenge.

        Raises ChallengeExpired, CodeMismatch, CodeExpired, InvalidCredentials, WeakPassword,
        PasswordReused, MfaNotConfigured, AliasExists, InvalidFields, InvalidParameter.
        """

    async def refresh(
        self, refresh_token: str, device_key: str | None = None, client: Client = UNKNOWN_CLIENT
    ) -> Tokens:
        """
        Return new tokens.

        Raises RefreshTokenInvalid, also without the *device_key* that came with the token, and
        RefreshTokenReused.
        """

    async def revoke(self, refresh_token: str) -> None:
        """
        End the session of a refresh token; an unknown, malformed or expired token is no error.

        Raises UnsupportedTokenType, and RefreshTokenInvalid for a token of another app client.
        """

    async def sign_out_everywhere(self, access_token: str) -> None:
        """End every session of the token's user; raises TokenInvalid."""
