"""Passwords: the rules of a user pool, and the port of resetting and changing a password."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from service.domain.client import Client


class Passwords(Protocol):
    """
    The password port.

    In addition to the errors of each method, all raise TryLater and ServiceFault errors.
    """

    async def forgot(self, username: str, client: Client) -> None:
        """Send a password reset code if the account exists and can receive one."""

    async def reset(self, username: str, code: str, password: str, client: Client) -> None:
        """
        Set a new password with a code; raises CodeMismatch, WeakPassword, PasswordReused.

        A wrong code, an expired code, no requested code, an unconfirmed account and an unknown user all
        raise CodeMismatch, so that the response does not reveal whether the account exists.
        """

    async def change(self, access_token: str, current: str, new: str) -> None:
        """
        Replace the current password.

        Raises InvalidCredentials where *current* is wrong, TokenInvalid, WeakPassword, PasswordReused.
        """


# Amazon Cognito developer guide, "Adding user pool password requirements".
SYMBOLS: Final = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- "
CHARACTERS: Final[Mapping[str, str]] = {
    "lowercase": string.ascii_lowercase,
    "uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "symbols": SYMBOLS,
}


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """The minimum length, and the classes in CHARACTERS of which a password needs one character each."""

    min_length: int
    requires: tuple[str, ...]

    def allow(self, password: str) -> bool:
        """Return whether *password* satisfies the rules."""
        return len(password) >= self.min_length and all(
            any(character in CHARACTERS[kind] for character in password) for kind in self.requires
        )
