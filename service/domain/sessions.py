"""Sessions: tokens, the challenges before them, and the port of signing in and out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from service.domain.client import Client

CUSTOM: Final = "CUSTOM_CHALLENGE"  # of the user pool's own triggers


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


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a challenge; what the challenge does not take is None, or empty."""

    name: str
    session: str = field(repr=False)
    username: str
    code: str | None = field(default=None, repr=False)
    new_password: str | None = field(default=None, repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    choice: str | None = None
    password: str | None = field(default=None, repr=False)
    credential: str | None = field(
        default=None, repr=False
    )  # JSON, as a browser's authenticator made it

    @property
    def proves_nothing(self) -> bool:
        """Tell whether the answer is a mere choice, which a stranger may make as well."""
        return self.choice is not None and self.password is None and self.credential is None


class Sessions(Protocol):
    """
    The port of signing in and out.

    Besides the errors that each method names, all raise the TryLater and ServiceFault errors.
    """

    async def log_in(self, username: str, password: str, client: Client) -> Tokens | Challenge:
        """Sign in; raises InvalidCredentials, AccountNotConfirmed, PasswordResetRequired."""

    async def begin(
        self, username: str, preferred_challenge: str | None, client: Client
    ) -> Tokens | Challenge:
        """
        Begin a sign-in without a password; CUSTOM leaves it to the user pool's own triggers.

        Raises as `log_in`, and InvalidParameter.
        """

    async def answer(self, answer: Answer, client: Client) -> Tokens | Challenge:
        """
        Answer a challenge.

        Raises ChallengeExpired, CodeMismatch, CodeExpired, InvalidCredentials, WeakPassword,
        PasswordReused, MfaNotConfigured, AliasExists, InvalidParameter.
        """

    async def refresh(self, refresh_token: str) -> Tokens:
        """Give new tokens; raises RefreshTokenInvalid, RefreshTokenReused."""

    async def revoke(self, refresh_token: str) -> None:
        """
        End the session of a refresh token; one that is unknown or dead already is no error.

        Raises UnsupportedTokenType.
        """

    async def sign_out_everywhere(self, access_token: str) -> None:
        """End every session of the token's user; raises TokenInvalid."""
