"""Signing in and out: the Sessions port on Cognito."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from service.aws.errors import required
from service.cognito.answers import outcome_of, tokens_of
from service.cognito.challenge_responses import MFA_SETUP, responses
from service.cognito.errors import BY_CODE, BY_SESSION
from service.domain.errors import CodeMismatch, InvalidParameter, TokenInvalid
from service.domain.mfa import TOTP
from service.domain.sessions import CUSTOM, Answer, Challenge, Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.cognito.user_pool_client import UserPoolClient
    from service.domain.client import Client


class CognitoSessions:
    """The Sessions port on a user pool."""

    def __init__(self, user_pool: UserPoolClient) -> None:
        self._user_pool = user_pool

    async def log_in(self, username: str, password: str, client: Client) -> Tokens | Challenge:
        """Sign in by password."""
        return await self._initiate("USER_PASSWORD_AUTH", username, client, {"PASSWORD": password})

    async def begin(
        self, username: str, preferred_challenge: str | None, client: Client
    ) -> Tokens | Challenge:
        """Begin a sign-in in which the user chooses how to prove who it is, or the triggers do."""
        if preferred_challenge == CUSTOM:
            return await self._initiate("CUSTOM_AUTH", username, client, {})
        preference = (
            {} if preferred_challenge is None else {"PREFERRED_CHALLENGE": preferred_challenge}
        )
        return await self._initiate("USER_AUTH", username, client, preference)

    async def answer(self, answer: Answer, client: Client) -> Tokens | Challenge:
        """
        Answer a challenge.

        MFA_SETUP takes two answers: the choice of an app, which is answered with its secret, and a
        code of that app.
        """
        if answer.name == MFA_SETUP:
            if answer.code is None:
                return await self._set_up_app(answer)
            answer = replace(answer, session=await self._verified(answer, answer.code))
        user_pool = self._user_pool
        return outcome_of(
            await user_pool.call(
                "RespondToAuthChallenge",
                meanings=None if answer.code is None else BY_CODE,
                **user_pool.client_id,
                **user_pool.context(client),
                ChallengeName=answer.name,
                Session=answer.session,
                ChallengeResponses={
                    "USERNAME": answer.username,
                    **user_pool.secret_hash("SECRET_HASH", answer.username),
                    **responses(answer),
                },
            )
        )

    async def refresh(self, refresh_token: str) -> Tokens:
        """
        Give new tokens by GetTokensFromRefreshToken.

        It serves pools with and without rotation, and takes the secret itself: the older
        REFRESH_TOKEN_AUTH wants a SECRET_HASH over a user name that the caller need not know.
        """
        user_pool = self._user_pool
        return tokens_of(
            await user_pool.call(
                "GetTokensFromRefreshToken",
                **user_pool.client_id,
                **user_pool.secret,
                RefreshToken=refresh_token,
            )
        )

    async def revoke(self, refresh_token: str) -> None:
        """End the session of a refresh token."""
        user_pool = self._user_pool
        try:
            await user_pool.call(
                "RevokeToken", **user_pool.client_id, **user_pool.secret, Token=refresh_token
            )
        except TokenInvalid:  # another client's token, or none: there is no session here to end
            return

    async def sign_out_everywhere(self, access_token: str) -> None:
        """End every session of the token's user."""
        await self._user_pool.call("GlobalSignOut", AccessToken=access_token)

    async def _initiate(
        self, flow: str, username: str, client: Client, parameters: Mapping[str, str]
    ) -> Tokens | Challenge:
        user_pool = self._user_pool
        return outcome_of(
            await user_pool.call(
                "InitiateAuth",
                **user_pool.client_id,
                **user_pool.context(client),
                AuthFlow=flow,
                AuthParameters={
                    "USERNAME": username,
                    **user_pool.secret_hash("SECRET_HASH", username),
                    **parameters,
                },
            )
        )

    async def _set_up_app(self, answer: Answer) -> Challenge:
        """Ask for the secret of an authenticator app; the challenge goes on under a new session."""
        if answer.choice != TOTP:
            raise InvalidParameter
        associated = await self._user_pool.call(
            "AssociateSoftwareToken", meanings=BY_SESSION, Session=answer.session
        )
        return Challenge(
            name=MFA_SETUP,
            session=required(associated, "Session"),
            parameters={"SECRET_CODE": required(associated, "SecretCode")},
        )

    async def _verified(self, answer: Answer, code: str) -> str:
        """Prove that the app has the secret; return the session that goes on."""
        verified = await self._user_pool.call(
            "VerifySoftwareToken", meanings=BY_SESSION, Session=answer.session, UserCode=code
        )
        if required(verified, "Status") != "SUCCESS":
            raise CodeMismatch
        session: str = required(verified, "Session")
        return session
