"""Accounts in an Amazon Cognito user pool, by the calls that an app client may make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from service.aws import required, translated
from service.domain.accounts import (
    Challenge,
    Delivery,
    NewAccount,
    SignedUp,
    Tokens,
)
from service.domain.errors import UpstreamFault
from service.identity_provider import cognito_errors
from service.identity_provider.secret_hash import secret_hash

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient
    from types_aiobotocore_cognito_idp.type_defs import (
        AuthenticationResultTypeTypeDef,
        CodeDeliveryDetailsTypeTypeDef,
    )

    from service.config import CognitoConfig


class CognitoIdentityProvider:
    """The IdentityProvider port on Cognito; the *client* is open and stays its opener's."""

    def __init__(self, client: CognitoIdentityProviderClient, *, config: CognitoConfig) -> None:
        self._client = client
        self._client_id = config.client_id
        self._client_secret = config.client_secret

    async def sign_up(self, account: NewAccount) -> SignedUp:
        """Create an account."""
        with translated(cognito_errors.SIGN_UP):
            answer = await self._client.sign_up(
                ClientId=self._client_id,
                Username=account.username,
                Password=account.password,
                UserAttributes=[
                    {"Name": name, "Value": value} for name, value in account.attributes.items()
                ],
                **self._proof(account.username),
            )
        return SignedUp(
            user_id=required(answer, "UserSub"),
            confirmed=required(answer, "UserConfirmed"),
            delivery=_delivery(answer.get("CodeDeliveryDetails")),
        )

    async def confirm(self, username: str, code: str) -> None:
        """Confirm an account with its code."""
        with translated(cognito_errors.CONFIRM_SIGN_UP):
            await self._client.confirm_sign_up(
                ClientId=self._client_id,
                Username=username,
                ConfirmationCode=code,
                **self._proof(username),
            )

    async def resend_code(self, username: str) -> None:
        """
        Send a new confirmation code, if there is an account that waits for one.

        That there is none is not told: who has an account is nobody's business.
        """
        exceptions = self._client.exceptions
        with translated(cognito_errors.RESEND_CONFIRMATION_CODE):
            try:
                await self._client.resend_confirmation_code(
                    ClientId=self._client_id, Username=username, **self._proof(username)
                )
            except (
                exceptions.UserNotFoundException,
                exceptions.InvalidParameterException,  # confirmed already, or without an address
            ):
                return
            except exceptions.NotAuthorizedException as error:  # disabled, or our secret is wrong
                if cognito_errors.blames_our_secret(error):
                    raise

    async def log_in(self, username: str, password: str) -> Tokens | Challenge:
        """Sign in by password."""
        proof = self._proof(username)
        parameters = {"USERNAME": username, "PASSWORD": password}
        if "SecretHash" in proof:
            parameters["SECRET_HASH"] = proof["SecretHash"]
        with translated(cognito_errors.INITIATE_AUTH):
            answer = await self._client.initiate_auth(
                ClientId=self._client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters=parameters,
            )
        if "ChallengeName" in answer:
            return Challenge(
                name=answer["ChallengeName"],
                session=answer.get("Session"),
                parameters=answer.get("ChallengeParameters", {}),
                available=tuple(answer.get("AvailableChallenges", ())),
            )
        return _tokens(answer.get("AuthenticationResult", {}))

    async def refresh(self, refresh_token: str) -> Tokens:
        """
        Give new tokens by GetTokensFromRefreshToken.

        It serves pools with and without rotation, and takes the secret itself: the older
        REFRESH_TOKEN_AUTH wants a SECRET_HASH over a user name that the caller need not know.
        """
        with translated(cognito_errors.GET_TOKENS_FROM_REFRESH_TOKEN):
            answer = await self._client.get_tokens_from_refresh_token(
                ClientId=self._client_id, RefreshToken=refresh_token, **self._secret()
            )
        return _tokens(answer.get("AuthenticationResult", {}))

    async def revoke(self, refresh_token: str) -> None:
        """End the session of a refresh token."""
        exceptions = self._client.exceptions
        with translated(cognito_errors.REVOKE_TOKEN):
            try:
                await self._client.revoke_token(
                    ClientId=self._client_id, Token=refresh_token, **self._secret()
                )
            except (
                exceptions.UnauthorizedException,
                exceptions.UnsupportedTokenTypeException,
            ):  # another client's token, or none: there is no session here to end
                return

    async def sign_out_everywhere(self, access_token: str) -> None:
        """End every session of the token's user."""
        with translated(cognito_errors.GLOBAL_SIGN_OUT):
            await self._client.global_sign_out(AccessToken=access_token)

    def _proof(self, username: str) -> dict[str, Any]:
        """Return the SecretHash argument, or nothing for a client without a secret."""
        if self._client_secret is None:
            return {}
        return {"SecretHash": secret_hash(self._client_id, self._client_secret, username)}

    def _secret(self) -> dict[str, Any]:
        """Return the ClientSecret argument, or nothing for a client without a secret."""
        return {} if self._client_secret is None else {"ClientSecret": self._client_secret}


def _delivery(details: CodeDeliveryDetailsTypeTypeDef | None) -> Delivery | None:
    if details is None:
        return None
    return Delivery(
        medium=details.get("DeliveryMedium", ""),
        destination=details.get("Destination", ""),
        attribute=details.get("AttributeName", ""),
    )


def _tokens(result: AuthenticationResultTypeTypeDef) -> Tokens:
    id_token: str = required(result, "IdToken")
    return Tokens(
        user_id=_subject(id_token),
        id_token=id_token,
        access_token=required(result, "AccessToken"),
        refresh_token=result.get("RefreshToken"),
        expires_in_s=required(result, "ExpiresIn"),
    )


def _subject(id_token: str) -> str:
    """Read the `sub` of a token that came straight from Cognito; nothing is verified here."""
    try:
        return str(jwt.decode(id_token, options={"verify_signature": False})["sub"])
    except (jwt.InvalidTokenError, KeyError) as error:
        raise UpstreamFault from error
