"""Passwords: the port of resetting and changing one."""

from typing import Protocol

from service.domain.client import Client


class Passwords(Protocol):
    """
    The port of resetting and changing a password.

    Besides the errors that each method names, all raise the TryLater and ServiceFault errors.
    """

    async def forgot(self, username: str, client: Client) -> None:
        """Send a code to set a new password, if there is an account that can be sent one."""

    async def reset(self, username: str, code: str, password: str, client: Client) -> None:
        """
        Set a new password with a code; raises CodeMismatch, WeakPassword, PasswordReused.

        A wrong code, an old one, none asked for, an account that is not confirmed and an unknown user
        are all a CodeMismatch: the answer must not tell who has an account.
        """

    async def change(self, access_token: str, current: str, new: str) -> None:
        """
        Set a new password in place of the current one.

        Raises InvalidCredentials where *current* is wrong, TokenInvalid, WeakPassword, PasswordReused.
        """
