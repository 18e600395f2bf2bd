"""Passkeys: the Passkeys port on Cognito."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.aws.errors import required
from service.domain.passkeys import Passkey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.cognito.user_pool_client import UserPoolClient


class CognitoPasskeys:
    """The Passkeys port on a user pool."""

    def __init__(self, user_pool: UserPoolClient) -> None:
        self._user_pool = user_pool

    async def registration_options(self, access_token: str) -> Mapping[str, Any]:
        """Return what a browser needs to make a passkey."""
        answer = await self._user_pool.call("StartWebAuthnRegistration", AccessToken=access_token)
        options: Mapping[str, Any] = required(answer, "CredentialCreationOptions")
        return options

    async def register(self, access_token: str, credential: Mapping[str, Any]) -> None:
        """Keep the passkey that a browser made."""
        await self._user_pool.call(
            "CompleteWebAuthnRegistration", AccessToken=access_token, Credential=credential
        )

    async def registered(self, access_token: str) -> tuple[Passkey, ...]:
        """Return all passkeys, page by page."""
        found: list[Passkey] = []
        more: dict[str, Any] = {}
        while True:
            page = await self._user_pool.call(
                "ListWebAuthnCredentials", AccessToken=access_token, **more
            )
            found += map(_passkey, required(page, "Credentials"))
            if not page.get("NextToken"):
                return tuple(found)
            more = {"NextToken": page["NextToken"]}

    async def remove(self, access_token: str, credential_id: str) -> None:
        """Delete a passkey."""
        await self._user_pool.call(
            "DeleteWebAuthnCredential", AccessToken=access_token, CredentialId=credential_id
        )


def _passkey(told: Mapping[str, Any]) -> Passkey:
    return Passkey(
        credential_id=required(told, "CredentialId"),
        name=required(told, "FriendlyCredentialName"),
        relying_party_id=required(told, "RelyingPartyId"),
        attachment=told.get("AuthenticatorAttachment"),
        transports=tuple(told.get("AuthenticatorTransports", ())),
        created_at=required(told, "CreatedAt"),
    )
