"""Second factors: the Factors port on Cognito."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.aws.errors import required
from service.domain.errors import CodeMismatch
from service.domain.mfa import EMAIL, FACTORS, SMS, TOTP, MfaPreferences

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
        """Return what is enabled."""
        answer = await self._user_pool.call("GetUserAuthFactors", AccessToken=access_token)
        enabled = answer.get("UserMFASettingList", ())
        preferred = answer.get("PreferredMfaSetting")
        return MfaPreferences(
            tuple(factor for factor in FACTORS if factor in enabled),
            preferred if preferred in FACTORS else None,
        )

    async def prefer(self, access_token: str, preferences: MfaPreferences) -> None:
        """
        Enable exactly these factors.

        Only those that change are named: Cognito refuses to switch off what the pool never had.
        """
        present = await self.preferences(access_token)
        named = {*preferences.enabled, *present.enabled, preferences.preferred}
        settings: dict[str, Any] = {
            _SETTINGS[factor]: {
                "Enabled": factor in preferences.enabled,
                "PreferredMfa": factor == preferences.preferred,
            }
            for factor in FACTORS
            if factor in named
        }
        if settings:
            await self._user_pool.call("SetUserMFAPreference", AccessToken=access_token, **settings)

    async def associate_totp(self, access_token: str) -> str:
        """Return a new secret for an authenticator app, in Base32."""
        answer = await self._user_pool.call("AssociateSoftwareToken", AccessToken=access_token)
        secret: str = required(answer, "SecretCode")
        return secret

    async def verify_totp(self, access_token: str, code: str, device_name: str | None) -> None:
        """Verify the secret that was associated last."""
        named: dict[str, Any] = {} if device_name is None else {"FriendlyDeviceName": device_name}
        answer = await self._user_pool.call(
            "VerifySoftwareToken", AccessToken=access_token, UserCode=code, **named
        )
        if required(answer, "Status") != "SUCCESS":
            raise CodeMismatch
