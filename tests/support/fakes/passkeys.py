"""The Passkeys port in memory."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service.domain.errors import FeatureUnavailable, PasskeyChallengeExpired, PasskeyNotFound
from service.domain.mfa import PASSKEY
from service.domain.passkeys import Passkey
from tests.support.fakes import web_authn
from tests.support.fakes.user import MemoryUser, StoredPasskey
from tests.support.fakes.user_pool import MemoryUserPool


class MemoryPasskeys:
    """The Passkeys port on a pool in memory."""

    def __init__(self, pool: MemoryUserPool) -> None:
        self._pool = pool

    async def registration_options(self, access_token: str) -> Mapping[str, Any]:
        """Return what a browser needs to make a passkey."""
        user, party = self._holder(access_token)
        user.passkey_challenge = web_authn.challenge(self._pool.number())
        return {
            "rp": {"id": party, "name": party},
            "user": {
                "id": web_authn.encoded(user.user_id.encode()),
                "name": user.username,
                "displayName": user.username,
            },
            "challenge": user.passkey_challenge,
            "pubKeyCredParams": [{"type": "public-key", "alg": web_authn.ES256}],
            "excludeCredentials": web_authn.descriptors(user),
            "authenticatorSelection": {
                "residentKey": "required",
                "userVerification": self._verification(),
            },
        }

    async def register(self, access_token: str, credential: Mapping[str, Any]) -> None:
        """Keep the passkey that a browser made."""
        user, party = self._holder(access_token)
        if user.passkey_challenge is None:
            raise PasskeyChallengeExpired
        response = web_authn.member(credential, "response")
        web_authn.check_page(response, web_authn.CREATE, user.passkey_challenge, party)
        user.passkey_challenge = None
        if self._verification() == "required":
            web_authn.check_user_verified(response)
        user.passkeys[credential["id"]] = StoredPasskey(
            Passkey(
                credential_id=credential["id"],
                name="Passkey",
                relying_party_id=party,
                attachment=credential.get("authenticatorAttachment"),
                transports=tuple(response.get("transports", ())),
                created_at=datetime.fromtimestamp(self._pool.clock(), UTC),
            ),
            web_authn.decoded(response["publicKey"]),
        )

    async def registered(self, access_token: str) -> tuple[Passkey, ...]:
        """Return all passkeys."""
        user = self._pool.bearer(access_token)
        return tuple(stored.passkey for stored in user.passkeys.values())

    async def remove(self, access_token: str, credential_id: str) -> None:
        """Delete a passkey."""
        user = self._pool.bearer(access_token)
        if user.passkeys.pop(credential_id, None) is None:
            raise PasskeyNotFound
        if not user.passkeys:
            user.enabled_factors = tuple(name for name in user.enabled_factors if name != PASSKEY)

    def _verification(self) -> str:
        return "required" if self._pool.rules.passkeys_are_both_factors else "preferred"

    def _holder(self, access_token: str) -> tuple[MemoryUser, str]:
        user, party = self._pool.bearer(access_token), self._pool.rules.relying_party
        if party is None:
            raise FeatureUnavailable
        return user, party


def request_options(user: MemoryUser, party: str, challenge: str) -> str:
    """Return what a browser needs to sign in with one of the user's passkeys, as JSON."""
    options = {
        "challenge": challenge,
        "rpId": party,
        "allowCredentials": web_authn.descriptors(user),
        "userVerification": "preferred",
    }
    return json.dumps(options)
