"""What an administrator of a user pool does, outside of the ports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from service.config import CognitoConfig
from service.domain.sessions import Challenge
from service.identity_provider.cognito.answers import outcome_of
from service.identity_provider.cognito.secret_hash import secret_hash
from tests.fakes import challenges
from tests.fakes.user_pool import MemoryUserPool

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient


class Administrator(Protocol):
    """Acts on a pool."""

    async def invite(self, username: str, password: str, attributes: Mapping[str, str]) -> None:
        """Create a user, who must choose another password."""

    async def require_reset(self, username: str) -> None:
        """Void a user's password, and send a code for a new one."""

    async def begin_custom(self, username: str) -> Challenge:
        """Begin a sign-in by a custom challenge, as another client of the pool would."""


@dataclass(frozen=True, slots=True)
class MemoryAdministrator:
    """Acts on a pool in memory."""

    pool: MemoryUserPool

    async def invite(self, username: str, password: str, attributes: Mapping[str, str]) -> None:
        """Create a user, who must choose another password."""
        self.pool.invite(username, password, dict(attributes))

    async def require_reset(self, username: str) -> None:
        """Void a user's password, and send a code for a new one."""
        self.pool.require_reset(username)

    async def begin_custom(self, username: str) -> Challenge:
        """Begin a sign-in by a custom challenge."""
        return challenges.ask_for_custom(self.pool, self.pool.find_or_invent(username))


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

    async def begin_custom(self, username: str) -> Challenge:
        """Begin a sign-in by a custom challenge."""
        client_id, secret = self.config.client_id, self.config.client_secret
        proof: dict[str, Any] = {}
        if secret is not None:
            proof = {"SECRET_HASH": secret_hash(client_id, secret, username)}
        begun = outcome_of(
            await self.cognito.initiate_auth(
                ClientId=client_id,
                AuthFlow="CUSTOM_AUTH",
                AuthParameters={"USERNAME": username, **proof},
            )
        )
        assert isinstance(begun, Challenge)
        return begun
