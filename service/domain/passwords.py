"""Passwords: the port of resetting and changing a password."""

from typing import Protocol

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
