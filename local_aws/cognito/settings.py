"""Settings of pools and app clients, with AWS's defaults."""

from dataclasses import dataclass
from typing import Any

from moto.cognitoidp.models import CognitoIdpUserPool as Pool
from moto.cognitoidp.models import CognitoIdpUserPoolClient as Client

# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html
DEFAULT_FLOWS = ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")
SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86400


@dataclass(frozen=True, slots=True)
class App:
    """An app client with its pool."""

    pool: Pool
    client: Client

    @property
    def hides_users(self) -> bool:
        """Whether responses hide that a user does not exist."""
        return bool(setting(self.client, "PreventUserExistenceErrors", "LEGACY") == "ENABLED")

    @property
    def flows(self) -> tuple[str, ...]:
        """The flows that the client may use."""
        return tuple(setting(self.client, "ExplicitAuthFlows", DEFAULT_FLOWS))

    @property
    def access_token_s(self) -> int:
        """The lifetime of an access token."""
        return self._validity("AccessToken", "hours", HOUR_S)

    @property
    def id_token_s(self) -> int:
        """The lifetime of an id token."""
        return self._validity("IdToken", "hours", HOUR_S)

    @property
    def refresh_token_s(self) -> int:
        """The lifetime of a refresh token."""
        return self._validity("RefreshToken", "days", 30 * DAY_S)

    @property
    def session_s(self) -> int:
        """The time to respond to a challenge."""
        return int(setting(self.client, "AuthSessionValidity", 3)) * MINUTE_S

    @property
    def rotation_grace_s(self) -> int | None:
        """How long a rotated refresh token stays valid; None without rotation."""
        rotation = setting(self.client, "RefreshTokenRotation", {})
        if rotation.get("Feature") != "ENABLED":
            return None
        return int(rotation.get("RetryGracePeriodSeconds", 0))

    def _validity(self, token: str, unit: str, default_s: int) -> int:
        units = setting(self.client, "TokenValidityUnits", {})
        amount = int(setting(self.client, f"{token}Validity", 0))
        return amount * SECONDS[units.get(token, unit)] or default_s


def setting(holder: Pool | Client, name: str, default: Any) -> Any:  # noqa: ANN401 -- any JSON
    """Return a setting; an empty one counts as missing."""
    return holder.extended_config.get(name) or default


def username_attributes(pool: Pool) -> list[str]:
    """Return the attributes that serve as user name ("email", "phone_number")."""
    return list(setting(pool, "UsernameAttributes", []))


def auto_verified(pool: Pool) -> list[str]:
    """Return the attributes that Cognito verifies automatically."""
    return list(setting(pool, "AutoVerifiedAttributes", []))


def distinguishes_case(pool: Pool) -> bool:
    """Return whether "Alice" and "alice" are two users."""
    return bool(setting(pool, "UsernameConfiguration", {}).get("CaseSensitive", False))


def verified_before_update(pool: Pool) -> list[str]:
    """Return the attributes that keep their old value until the new one is verified."""
    settings = setting(pool, "UserAttributeUpdateSettings", {})
    return list(settings.get("AttributesRequireVerificationBeforeUpdate", []))
