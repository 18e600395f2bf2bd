"""Passkeys: the value, and the port of a signed-in user's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey that is registered; *attachment* is `platform` or `cross-platform`, None if not told."""

    credential_id: str
    name: str
    relying_party_id: str
    attachment: str | None
    transports: tuple[str, ...]
    created_at: datetime


class Passkeys(Protocol):
    """
    The port of a signed-in user's passkeys.

    All raise TokenInvalid, PasswordResetRequired, TooManyAttempts, and the TryLater and ServiceFault
    errors.
    """

    async def registration_options(self, access_token: str) -> Mapping[str, Any]:
        """Return what a browser needs to make one (WebAuthn, PublicKeyCredentialCreationOptions)."""

    async def register(self, access_token: str, credential: Mapping[str, Any]) -> None:
        """
        Keep the passkey that a browser made.

        Raises PasskeyRejected, PasskeyChallengeExpired, InvalidParameter.
        """

    async def registered(self, access_token: str) -> tuple[Passkey, ...]:
        """Return all passkeys."""

    async def remove(self, access_token: str, credential_id: str) -> None:
        """Delete a passkey; raises PasskeyNotFound."""
