"""Passkeys: the value, and the port of the signed-in user's passkeys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey; *attachment* is `platform`, `cross-platform`, or None where it is unknown."""

    credential_id: str
    name: str
    relying_party_id: str
    attachment: str | None
    transports: tuple[str, ...]
    created_at: datetime


class Passkeys(Protocol):
    """
    The port of the signed-in user's passkeys.

    All methods raise TokenInvalid, PasswordResetRequired, TooManyAttempts, TryLater and ServiceFault
    errors.
    """

    async def registration_options(self, access_token: str) -> Mapping[str, Any]:
        """Return the options for a browser (WebAuthn, PublicKeyCredentialCreationOptions)."""

    async def register(self, access_token: str, credential: Mapping[str, Any]) -> None:
        """
        Register the passkey that a browser created.

        Raises PasskeyRejected, PasskeyChallengeExpired, InvalidFields.
        """

    async def registered(self, access_token: str) -> tuple[Passkey, ...]:
        """Return all passkeys."""

    async def remove(self, access_token: str, credential_id: str) -> None:
        """Delete a passkey; raises PasskeyNotFound."""
