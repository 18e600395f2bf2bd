"""The Factors port on Cognito."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.aws.errors import required
from service.domain.errors import CodeMismatch
from service.domain.mfa import EMAIL, FACTORS, PASSKEY, SMS, TOTP, MfaPreferences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.cognito.user_pool_client import UserPoolClient

_SETTINGS: Final[Mapping[str, str]] = {  # factor -> its argument of SetUserMFAPreference
    SMS: "SMSMfaSettings",
    TOTP: "SoftwareTokenMfaSettings",
    EMAIL: "EmailMfaSettings",
}


class CognitoFactors:
    """The Factors port on a user pool."""

    def __init__(self, user_pool: UserPoolClient) -> None:
        self._user_pool = user_pool

    async def preferences(self, access_token: str) -> MfaPreferences:
        """Return the preferences."""
        response = await self._user_pool.call("GetUserAuthFactors", AccessToken=access_token)
        enabled = response.get("UserMFASettingList", ())
        preferred = response.get("PreferredMfaSetting")
        return MfaPreferences(
            tuple(factor for factor in (*FACTORS, PASSKEY) if factor in enabled),
            preferred if preferred in FACTORS else None,
        )

    async def prefer(self, access_token: str, preferences: MfaPreferences) -> None:
        """
        Enable exactly these factors.

        Factors that are and stay disabled are not sent: Cognito rejects disabling one that the user pool
        lacks. Those that stay enabled are: Cognito takes the passkey beside another one only.
        """
        present = await self.preferences(access_token)
        changed = {*preferences.enabled, *present.enabled, preferences.preferred}
        settings: dict[str, Any] = {
            _SETTINGS[factor]: {
                "Enabled": factor in preferences.enabled,
                "PreferredMfa": factor == preferences.preferred,
            }
            for factor in FACTORS
            if factor in changed
        }
        if PASSKEY in changed:
            settings["WebAuthnMfaSettings"] = {"Enabled": PASSKEY in preferences.enabled}
        if settings:
            await self._user_pool.call("SetUserMFAPreference", AccessToken=access_token, **settings)

    async def associate_totp(self, access_token: str) -> str:
        """Return a new TOTP secret in Base32."""
        response = await self._user_pool.call("AssociateSoftwareToken", AccessToken=access_token)
        secret: str = required(response, "SecretCode")
        return secret

    async def verify_totp(self, access_token: str, code: str, device_name: str | None) -> None:
        """Verify the secret that was associated last."""
        response = await self._user_pool.call(
            "VerifySoftwareToken",
            AccessToken=access_token,
            UserCode=code,
            FriendlyDeviceName=device_name,
        )
        if required(response, "Status") != "SUCCESS":
            raise CodeMismatch
