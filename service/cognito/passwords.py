"""The Passwords port on Cognito."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.errors import InvalidParameter

if TYPE_CHECKING:
    from service.cognito.user_pool_client import UserPoolClient
    from service.domain.client import Client


class CognitoPasswords:
    """The Passwords port on a user pool."""

    def __init__(self, user_pool: UserPoolClient) -> None:
        self._user_pool = user_pool

    async def forgot(self, username: str, client: Client) -> None:
        """Send a password reset code if the account exists and can receive one."""
        try:
            await self._user_pool.call_for_user("ForgotPassword", username, client)
        except InvalidParameter:  # would reveal whether the account exists
            return

    async def reset(self, username: str, code: str, password: str, client: Client) -> None:
        """Set a new password with a code."""
        await self._user_pool.call_for_user(
            "ConfirmForgotPassword", username, client, ConfirmationCode=code, Password=password
        )

    async def change(self, access_token: str, current: str, new: str) -> None:
        """Replace the current password."""
        await self._user_pool.call(
            "ChangePassword",
            AccessToken=access_token,
            PreviousPassword=current,
            ProposedPassword=new,
        )
