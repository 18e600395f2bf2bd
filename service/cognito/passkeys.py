"""The Passkeys port on Cognito."""

from __future__ import annotations

import json
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
        """Return the options for a browser."""
        response = await self._user_pool.call("StartWebAuthnRegistration", AccessToken=access_token)
        options: Mapping[str, Any] = required(response, "CredentialCreationOptions")
        return options

    async def register(self, access_token: str, credential: Mapping[str, Any]) -> None:
        """Register the passkey that a browser created."""
        # botocore accepts no Decimal in a document; a credential holds none that matters.
        document = json.loads(json.dumps(credential, default=float))
        await self._user_pool.call(
            "CompleteWebAuthnRegistration", AccessToken=access_token, Credential=document
        )

    async def registered(self, access_token: str) -> tuple[Passkey, ...]:
        """Return all passkeys."""
        found = await self._user_pool.pages(
            "ListWebAuthnCredentials", "Credentials", AccessToken=access_token
        )
        return tuple(map(_passkey, found))

    async def remove(self, access_token: str, credential_id: str) -> None:
        """Delete a passkey."""
        await self._user_pool.call(
            "DeleteWebAuthnCredential", AccessToken=access_token, CredentialId=credential_id
        )


def _passkey(description: Mapping[str, Any]) -> Passkey:
    return Passkey(
        credential_id=required(description, "CredentialId"),
        name=required(description, "FriendlyCredentialName"),
        relying_party_id=required(description, "RelyingPartyId"),
        attachment=description.get("AuthenticatorAttachment"),
        transports=tuple(description.get("AuthenticatorTransports", ())),
        created_at=required(description, "CreatedAt"),
    )
