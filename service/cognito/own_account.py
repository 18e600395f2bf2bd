"""A signed-in user's own account: the OwnAccount port on Cognito."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from service.aws.errors import required
from service.cognito.answers import delivery_of
from service.domain.accounts import Account, Delivery
from service.domain.errors import TokenInvalid, UpstreamFault, UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.cognito.user_pool_client import UserPoolClient


class CognitoOwnAccount:
    """The OwnAccount port on a user pool."""

    def __init__(self, user_pool: UserPoolClient) -> None:
        self._user_pool = user_pool

    async def describe(self, access_token: str) -> Account:
        """Return the account of the token's user."""
        answer = await self._user_pool.call("GetUser", AccessToken=access_token)
        attributes = {
            required(entry, "Name"): entry.get("Value", "")
            for entry in required(answer, "UserAttributes")
        }
        if "sub" not in attributes:
            raise UpstreamFault
        return Account(attributes["sub"], required(answer, "Username"), attributes)

    async def change_attributes(
        self, access_token: str, changes: Mapping[str, str | None]
    ) -> tuple[Delivery, ...]:
        """
        Set attributes, and remove those that are None, by two calls.

        Where the second fails the first has had its effect; the same changes may be sent again.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        removed = [name for name, value in changes.items() if value is None]
        deliveries: tuple[Delivery, ...] = ()
        if given:
            answer = await self._user_pool.call(
                "UpdateUserAttributes",
                AccessToken=access_token,
                UserAttributes=[{"Name": name, "Value": value} for name, value in given.items()],
            )
            deliveries = tuple(map(delivery_of, answer.get("CodeDeliveryDetailsList", ())))
        if removed:
            await self._user_pool.call(
                "DeleteUserAttributes", AccessToken=access_token, UserAttributeNames=removed
            )
        return deliveries

    async def send_verification(self, access_token: str, attribute: str) -> Delivery:
        """Send a code that proves the user's e-mail address or telephone number."""
        answer = await self._user_pool.call(
            "GetUserAttributeVerificationCode", AccessToken=access_token, AttributeName=attribute
        )
        return delivery_of(required(answer, "CodeDeliveryDetails"))

    async def verify(self, access_token: str, attribute: str, code: str) -> None:
        """Prove an attribute with its code."""
        await self._user_pool.call(
            "VerifyUserAttribute", AccessToken=access_token, AttributeName=attribute, Code=code
        )

    async def delete(self, access_token: str) -> None:
        """Delete the account; where the first answer was lost, "no such user" is the second's success."""
        try:
            await self._user_pool.call("DeleteUser", AccessToken=access_token)
        except UpstreamUnavailable:
            await self._delete_again(access_token)

    async def _delete_again(self, access_token: str) -> None:
        try:
            await self._user_pool.call("DeleteUser", AccessToken=access_token)
        except TokenInvalid as refused:
            cause = refused.__cause__
            if not (
                isinstance(cause, ClientError)
                and cause.response["Error"].get("Code") == "UserNotFoundException"
            ):
                raise
