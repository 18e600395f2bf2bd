"""The Registrations port on Cognito."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.aws.errors import required
from service.cognito.answers import delivery_of
from service.cognito.user_pool_client import is_unanswered
from service.domain.accounts import NewAccount, SignedUp
from service.domain.errors import (
    AccountNotConfirmed,
    InvalidParameter,
    ServiceError,
    UpstreamUnavailable,
)
from service.domain.sessions import Sessions, Tokens

if TYPE_CHECKING:
    from service.cognito.user_pool_client import UserPoolClient
    from service.domain.client import Client


class CognitoRegistrations:
    """The Registrations port on a user pool."""

    def __init__(self, user_pool: UserPoolClient, sessions: Sessions) -> None:
        self._user_pool = user_pool
        self._sessions = sessions

    async def sign_up(self, account: NewAccount, client: Client) -> SignedUp:
        """
        Create an account.

        The call is sent once, as a repetition would fail because the first one succeeded. If its
        response is lost, a sign-in with the password establishes whether the account was created.
        """
        try:
            response = await self._user_pool.call_for_user(
                "SignUp",
                account.username,
                client,
                Password=account.password,
                UserAttributes=[
                    {"Name": name, "Value": value} for name, value in account.attributes.items()
                ],
            )
        except UpstreamUnavailable as unavailable:
            if not is_unanswered(unavailable.__cause__):
                raise
            return await self._created(account, client, unavailable)
        details = response.get("CodeDeliveryDetails")
        return SignedUp(
            user_id=required(response, "UserSub"),
            confirmed=required(response, "UserConfirmed"),
            delivery=None if details is None else delivery_of(details),
        )

    async def confirm(self, username: str, code: str, client: Client) -> None:
        """Confirm an account with its code."""
        await self._user_pool.call_for_user(
            "ConfirmSignUp", username, client, ConfirmationCode=code
        )

    async def resend_code(self, username: str, client: Client) -> None:
        """Send a new confirmation code if an unconfirmed account exists."""
        try:
            await self._user_pool.call_for_user("ResendConfirmationCode", username, client)
        except InvalidParameter:  # would reveal whether the account exists
            return

    async def _created(
        self, account: NewAccount, client: Client, lost: UpstreamUnavailable
    ) -> SignedUp:
        """Return the account if its password is valid; otherwise raise *lost*."""
        try:
            outcome = await self._sessions.log_in(account.username, account.password, client)
        except AccountNotConfirmed:  # which Cognito returns only with the right password
            return SignedUp(user_id=None, confirmed=False, delivery=None)
        except ServiceError:
            raise lost from None
        user_id = outcome.user_id if isinstance(outcome, Tokens) else None
        return SignedUp(user_id, confirmed=True, delivery=None)
