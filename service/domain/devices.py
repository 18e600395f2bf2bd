"""Remembered devices: the value, and the port of the signed-in user's devices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Device:
    """A device that the user pool remembers; *attributes* are Cognito's, such as its last address."""

    device_key: str
    created_at: datetime
    last_modified_at: datetime
    last_authenticated_at: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)


class Devices(Protocol):
    """The port of the signed-in user's devices."""

    async def remembered(self, access_token: str) -> tuple[Device, ...]:
        """
        Return all devices.

        Raises FeatureUnavailable where the user pool remembers none, TokenInvalid, PasswordResetRequired,
        TryLater and ServiceFault errors.
        """
