"""Operations of a user pool's administrator, outside of the ports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from service.config.settings import CognitoConfig
from tests.support.fakes.user_pool import MemoryUserPool

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient


class Administrator(Protocol):
    """Acts on a pool."""

    async def invite(self, username: str, password: str, attributes: Mapping[str, str]) -> None:
        """Create a user, who must choose another password."""

    async def require_reset(self, username: str) -> None:
        """Void a user's password, and send a code for a new one."""


@dataclass(frozen=True, slots=True)
class MemoryAdministrator:
    """The administrator of a fake user pool."""

    pool: MemoryUserPool

    async def invite(self, username: str, password: str, attributes: Mapping[str, str]) -> None:
        """Create a user, who must choose another password."""
        self.pool.invite(username, password, dict(attributes))

    async def require_reset(self, username: str) -> None:
        """Void a user's password, and send a code for a new one."""
        self.pool.require_reset(username)


@dataclass(frozen=True, slots=True)
class CognitoAdministrator:
    """Acts on a pool of Cognito."""

    cognito: "CognitoIdentityProviderClient"
    config: CognitoConfig

    async def invite(self, username: str, password: str, attributes: Mapping[str, str]) -> None:
        """Create a user, who must choose another password."""
        await self.cognito.admin_create_user(
            UserPoolId=self.config.user_pool_id,
            Username=username,
            TemporaryPassword=password,
            UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
            MessageAction="SUPPRESS",
        )

    async def require_reset(self, username: str) -> None:
        """Void a user's password, and send a code for a new one."""
        await self.cognito.admin_reset_user_password(
            UserPoolId=self.config.user_pool_id, Username=username
        )
