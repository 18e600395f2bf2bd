"""The OwnAccount port on Cognito."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from service.aws.errors import required
from service.aws.failure_advice import code_of
from service.cognito.answers import delivery_of
from service.cognito.user_pool_client import client_metadata
from service.domain.accounts import Account, Delivery
from service.domain.client import UNKNOWN_CLIENT, Client
from service.domain.errors import TokenInvalid, UpstreamFault, UpstreamUnavailable
from service.domain.values.json_values import drop_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.cognito.user_pool_client import UserPoolClient


class CognitoOwnAccount:
    """The OwnAccount port on a user pool."""

    def __init__(self, user_pool: UserPoolClient) -> None:
        self._user_pool = user_pool

    async def describe(self, access_token: str) -> Account:
        """Return the account of the token's user."""
        response = await self._user_pool.call("GetUser", AccessToken=access_token)
        attributes = {
            required(entry, "Name"): entry.get("Value", "")
            for entry in required(response, "UserAttributes")
        }
        if "sub" not in attributes:
            raise UpstreamFault
        return Account(attributes["sub"], required(response, "Username"), attributes)

    async def change_attributes(
        self,
        access_token: str,
        changes: Mapping[str, str | None],
        client: Client = UNKNOWN_CLIENT,
    ) -> tuple[Delivery, ...]:
        """
        Set attributes and remove those that are None, by two calls.

        If the second call fails, the first has taken effect; repeating the changes is safe.
        """
        changed = drop_none(changes)
        removed = [name for name, value in changes.items() if value is None]
        deliveries: tuple[Delivery, ...] = ()
        if changed:
            response = await self._user_pool.call(
                "UpdateUserAttributes",
                AccessToken=access_token,
                UserAttributes=[{"Name": name, "Value": value} for name, value in changed.items()],
                ClientMetadata=client_metadata(client),
            )
            deliveries = tuple(map(delivery_of, response.get("CodeDeliveryDetailsList", ())))
        if removed:
            await self._user_pool.call(
                "DeleteUserAttributes", AccessToken=access_token, UserAttributeNames=removed
            )
        return deliveries

    async def send_verification(
        self, access_token: str, attribute: str, client: Client = UNKNOWN_CLIENT
    ) -> Delivery:
        """Send a verification code to the user's e-mail address or telephone number."""
        response = await self._user_pool.call(
            "GetUserAttributeVerificationCode",
            AccessToken=access_token,
            AttributeName=attribute,
            ClientMetadata=client_metadata(client),
        )
        return delivery_of(required(response, "CodeDeliveryDetails"))

    async def verify(self, access_token: str, attribute: str, code: str) -> None:
        """Verify an attribute with its code."""
        await self._user_pool.call(
            "VerifyUserAttribute", AccessToken=access_token, AttributeName=attribute, Code=code
        )

    async def delete(self, access_token: str) -> None:
        """Delete the account; after a lost response, UserNotFoundException of the retry is a success."""
        try:
            await self._user_pool.call("DeleteUser", AccessToken=access_token)
        except UpstreamUnavailable:
            await self._delete_again(access_token)

    async def _delete_again(self, access_token: str) -> None:
        try:
            await self._user_pool.call("DeleteUser", AccessToken=access_token)
        except TokenInvalid as refusal:
            cause = refusal.__cause__
            if not isinstance(cause, ClientError) or code_of(cause) != "UserNotFoundException":
                raise
