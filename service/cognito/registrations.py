"""The Registrations port on Cognito."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from service.aws.errors import required
from service.cognito.answers import delivery_of
from service.cognito.refusals.errors import SIGN_UP_SESSION
from service.cognito.user_pool_client import is_unanswered
from service.domain.accounts import NewAccount, SignedUp
from service.domain.errors import (
    AccountNotConfirmed,
    ChallengeExpired,
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
        response is lost, a sign-in with the password, if there is one, establishes whether the account
        was created.
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
            if account.password is None or not is_unanswered(unavailable.__cause__):
                raise
            return await self._created(account.username, account.password, client, unavailable)
        details = response.get("CodeDeliveryDetails")
        confirmed = required(response, "UserConfirmed")
        return SignedUp(
            user_id=required(response, "UserSub"),
            confirmed=confirmed,
            delivery=None if details is None else delivery_of(details),
            session=None if confirmed else response.get("Session"),
        )

    async def confirm(
        self, username: str, code: str, client: Client, session: str | None = None
    ) -> str | None:
        """
        Confirm an account with its code, and with the session of its sign-up as long as that is valid.

        A session ends after minutes, a code after a day. Cognito may refuse a session of existing users
        only, so the code is then sent again alone: its response is the same for all users.
        """
        if session is not None:
            with suppress(ChallengeExpired):
                return await self._confirm(username, code, client, session)
        return await self._confirm(username, code, client)

    async def _confirm(
        self, username: str, code: str, client: Client, session: str | None = None
    ) -> str | None:
        response = await self._user_pool.call_for_user(
            "ConfirmSignUp",
            username,
            client,
            overrides=None if session is None else SIGN_UP_SESSION,
            ConfirmationCode=code,
            Session=session,
        )
        return response.get("Session")

    async def resend_code(self, username: str, client: Client) -> None:
        """Send a new confirmation code if an unconfirmed account exists."""
        try:
            await self._user_pool.call_for_user("ResendConfirmationCode", username, client)
        except InvalidParameter:  # would reveal whether the account exists
            return

    async def _created(
        self, username: str, password: str, client: Client, lost: UpstreamUnavailable
    ) -> SignedUp:
        """Return the account if its password is valid; otherwise raise *lost*."""
        try:
            outcome = await self._sessions.log_in(username, password, client)
        except AccountNotConfirmed:  # which Cognito returns only with the right password
            return SignedUp(user_id=None, confirmed=False, delivery=None)
        except ServiceError:
            raise lost from None
        user_id = outcome.user_id if isinstance(outcome, Tokens) else None
        return SignedUp(user_id, confirmed=True, delivery=None)
