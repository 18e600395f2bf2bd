"""The Sessions port on Cognito."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from service.aws.errors import required
from service.cognito.answers import outcome_of, tokens_of
from service.cognito.challenge_responses import MFA_SETUP, responses
from service.cognito.devices import DeviceConfirmation
from service.cognito.issuer_check import IssuerCheck
from service.cognito.refusals.errors import CHALLENGE_CODE, CHALLENGE_SESSION
from service.cognito.shared_calls import SharedCalls
from service.cognito.user_pool_client import client_metadata
from service.domain.client import UNKNOWN_CLIENT, Client
from service.domain.errors import CodeMismatch, InvalidFields, TokenInvalid
from service.domain.mfa import TOTP
from service.domain.sessions import CUSTOM, Challenge, ChallengeAnswer, Tokens
from service.domain.values.json_values import drop_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.cognito.user_pool_client import UserPoolClient
    from service.config.settings import CognitoConfig


class CognitoSessions:
    """The Sessions port on a user pool."""

    def __init__(self, user_pool: UserPoolClient, config: CognitoConfig) -> None:
        self._user_pool = user_pool
        self._issuer = IssuerCheck(config)
        self._devices = DeviceConfirmation(user_pool)
        self._refreshes: SharedCalls[Tokens] = SharedCalls()

    async def log_in(self, username: str, password: str, client: Client) -> Tokens | Challenge:
        """Sign in by password."""
        return await self._initiate("USER_PASSWORD_AUTH", username, client, PASSWORD=password)

    async def begin(
        self, username: str, preferred_challenge: str | None, client: Client
    ) -> Tokens | Challenge:
        """Begin a choice-based sign-in, or one by the user pool's Lambda triggers."""
        if preferred_challenge == CUSTOM:
            return await self._initiate("CUSTOM_AUTH", username, client)
        return await self._initiate(
            "USER_AUTH", username, client, PREFERRED_CHALLENGE=preferred_challenge
        )

    async def continue_sign_up(
        self, username: str, session: str, client: Client
    ) -> Tokens | Challenge:
        """Sign in with the session of a confirmation."""
        return await self._initiate("USER_AUTH", username, client, session)

    async def answer(self, answer: ChallengeAnswer, client: Client) -> Tokens | Challenge:
        """
        Answer a challenge.

        MFA_SETUP takes two calls: the choice of TOTP returns a secret, then a code completes it.
        """
        if answer.name == MFA_SETUP:
            if answer.code is None:
                return await self._associate_totp(answer)
            answer = replace(answer, session=await self._verify_totp(answer, answer.code))
        user_pool = self._user_pool
        return await self._confirmed(
            await user_pool.call(
                "RespondToAuthChallenge",
                overrides=None if answer.code is None else CHALLENGE_CODE,
                ClientId=user_pool.client_id,
                UserContextData=user_pool.user_context(client),
                ClientMetadata=client_metadata(client),
                ChallengeName=answer.name,
                Session=answer.session,
                ChallengeResponses=self._for_user(answer.username) | responses(answer),
            )
        )

    async def refresh(
        self, refresh_token: str, device_key: str | None = None, client: Client = UNKNOWN_CLIENT
    ) -> Tokens:
        """
        Return new tokens by GetTokensFromRefreshToken.

        It serves user pools with and without token rotation and takes the client secret; the older
        REFRESH_TOKEN_AUTH requires a SECRET_HASH of the user name, which the caller may not know.
        Concurrent refreshes of one token with the same metadata, as by several tabs, are one call.
        """
        metadata = client_metadata(client)
        sent = json.dumps([refresh_token, device_key, metadata], sort_keys=True)
        return await self._refreshes.result(
            hashlib.sha256(sent.encode()).digest(),
            lambda: self._refresh(refresh_token, device_key, metadata),
        )

    async def _refresh(
        self, refresh_token: str, device_key: str | None, metadata: Mapping[str, str] | None
    ) -> Tokens:
        user_pool = self._user_pool
        tokens = tokens_of(
            await user_pool.call(
                "GetTokensFromRefreshToken",
                ClientId=user_pool.client_id,
                ClientSecret=user_pool.client_secret,
                RefreshToken=refresh_token,
                DeviceKey=device_key,
                ClientMetadata=metadata,
            )
        )
        await self._devices.confirm(tokens)
        return tokens

    async def revoke(self, refresh_token: str) -> None:
        """End the session of a refresh token."""
        user_pool = self._user_pool
        try:
            await user_pool.call(
                "RevokeToken",
                ClientId=user_pool.client_id,
                ClientSecret=user_pool.client_secret,
                Token=refresh_token,
            )
        except TokenInvalid:  # an unknown or malformed token
            return

    async def sign_out_everywhere(self, access_token: str) -> None:
        """End every session of the token's user."""
        await self._user_pool.call("GlobalSignOut", AccessToken=access_token)

    async def _initiate(
        self,
        flow: str,
        username: str,
        client: Client,
        session: str | None = None,
        **parameters: str | None,
    ) -> Tokens | Challenge:
        user_pool = self._user_pool
        return await self._confirmed(
            await user_pool.call(
                "InitiateAuth",
                ClientId=user_pool.client_id,
                UserContextData=user_pool.user_context(client),
                ClientMetadata=client_metadata(client),
                Session=session,
                AuthFlow=flow,
                AuthParameters=self._for_user(username) | drop_none(parameters),
            )
        )

    async def _confirmed(self, response: Mapping[str, Any]) -> Tokens | Challenge:
        """Return the outcome of a sign-in, whose device is confirmed if it has one."""
        outcome = outcome_of(response)
        if isinstance(outcome, Tokens):
            self._issuer.check(outcome)
            await self._devices.confirm(outcome)
        return outcome

    def _for_user(self, username: str) -> dict[str, str]:
        """Return the parameters that identify the user."""
        return drop_none(
            {"USERNAME": username, "SECRET_HASH": self._user_pool.secret_hash(username)}
        )

    async def _associate_totp(self, answer: ChallengeAnswer) -> Challenge:
        """Return the challenge with the TOTP secret; it has a new session."""
        if answer.choice != TOTP:
            raise InvalidFields.of("answer.choice", "Only an authenticator app can be set up.")
        associated = await self._user_pool.call(
            "AssociateSoftwareToken", overrides=CHALLENGE_SESSION, Session=answer.session
        )
        return Challenge(
            name=MFA_SETUP,
            session=required(associated, "Session"),
            parameters={"SECRET_CODE": required(associated, "SecretCode")},
        )

    async def _verify_totp(self, answer: ChallengeAnswer, code: str) -> str:
        """Verify the TOTP secret and return the new session."""
        verified = await self._user_pool.call(
            "VerifySoftwareToken",
            overrides=CHALLENGE_SESSION,
            Session=answer.session,
            UserCode=code,
        )
        if required(verified, "Status") != "SUCCESS":
            raise CodeMismatch
        session: str = required(verified, "Session")
        return session
