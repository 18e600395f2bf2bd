"""Multi-factor authentication: the factors, and the port of the signed-in user's factors."""

from dataclasses import dataclass
from typing import Final, Protocol

SMS: Final = "SMS_MFA"
TOTP: Final = "SOFTWARE_TOKEN_MFA"
EMAIL: Final = "EMAIL_OTP"
FACTORS: Final = (SMS, TOTP, EMAIL)  # a sign-in by password asks for one of them
PASSKEY: Final = "WEB_AUTHN_MFA"  # a sign-in by passkey asks for no further factor
PASSKEY_ALONE: Final = f"{PASSKEY} needs another factor beside it."


@dataclass(frozen=True, slots=True)
class MfaPreferences:
    """
    The enabled factors, out of FACTORS and PASSKEY; *preferred* is one of FACTORS, or None.

    PASSKEY can be enabled beside another factor only.
    """

    enabled: tuple[str, ...]
    preferred: str | None


class Factors(Protocol):
    """
    The port of the signed-in user's second factors.

    All methods raise TokenInvalid, AccountNotConfirmed, PasswordResetRequired, TryLater and
    ServiceFault errors.
    """

    async def preferences(self, access_token: str) -> MfaPreferences:
        """Return the preferences."""

    async def prefer(self, access_token: str, preferences: MfaPreferences) -> None:
        """Enable exactly these factors; raises MfaNotConfigured, or InvalidFields if one is required."""

    async def associate_totp(self, access_token: str) -> str:
        """
        Return a new TOTP secret in Base32; it takes effect once it is verified.

        Raises MfaNotConfigured, AccountChanged.
        """

    async def verify_totp(self, access_token: str, code: str, device_name: str | None) -> None:
        """Verify the secret that was associated last; raises CodeMismatch, MfaNotConfigured."""
