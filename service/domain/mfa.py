"""Second factors: the values, and the port of a signed-in user's own."""

from dataclasses import dataclass
from typing import Final, Protocol

SMS: Final = "SMS_MFA"
TOTP: Final = "SOFTWARE_TOKEN_MFA"
EMAIL: Final = "EMAIL_OTP"
FACTORS: Final = (SMS, TOTP, EMAIL)


@dataclass(frozen=True, slots=True)
class MfaPreferences:
    """The factors, out of FACTORS, that sign-in asks for; *preferred* is one of them, or None."""

    enabled: tuple[str, ...]
    preferred: str | None


class Factors(Protocol):
    """
    The port of a signed-in user's second factors.

    All raise TokenInvalid, AccountNotConfirmed, PasswordResetRequired, and the TryLater and
    ServiceFault errors.
    """

    async def preferences(self, access_token: str) -> MfaPreferences:
        """Return what is enabled."""

    async def prefer(self, access_token: str, preferences: MfaPreferences) -> None:
        """Enable exactly these factors; raises InvalidParameter for one that is not set up."""

    async def associate_totp(self, access_token: str) -> str:
        """
        Return a new secret for an authenticator app, in Base32; it counts once it is verified.

        Raises MfaNotConfigured, AccountChanged.
        """

    async def verify_totp(self, access_token: str, code: str, device_name: str | None) -> None:
        """Verify the secret that was associated last; raises CodeMismatch, MfaNotConfigured."""
