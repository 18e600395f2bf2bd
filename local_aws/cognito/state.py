"""The state of one local Cognito, and the request that it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito.records import (
    AccessToken,
    Account,
    PoolFactors,
    PoolKeys,
    RefreshToken,
    Session,
    SessionConfiguration,
)
from local_aws.outbox import Delivery


class Cognito:
    """The state of one local Cognito."""

    def __init__(
        self,
        deliver: Callable[[Delivery], None],
        now: Callable[[], float],
        issuer_url: str | None = None,
    ) -> None:
        self.deliver = deliver
        self.now = now
        self.issuer_url = issuer_url
        """The issuer of tokens without the id of the pool, None for that of AWS."""
        self.caller_address: str | None = None
        """The client address of the current call: its UserContextData, or that of its connection."""
        self.sessions: dict[str, Session] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.simulated: dict[tuple[str, str], User] = {}
        """Simulated users by pool id and name."""
        self.accounts: WeakKeyDictionary[User, Account] = WeakKeyDictionary()
        self.factors: WeakKeyDictionary[Pool, PoolFactors] = WeakKeyDictionary()
        self.session_configurations: WeakKeyDictionary[Pool, SessionConfiguration] = (
            WeakKeyDictionary()
        )
        self.keys: WeakKeyDictionary[Pool, PoolKeys] = WeakKeyDictionary()

    def account(self, user: User) -> Account:
        """Return the user's account, initially empty."""
        return self.accounts.setdefault(user, Account())

    def pool_factors(self, pool: Pool) -> PoolFactors:
        """Return what SetUserPoolMfaConfig set, initially nothing."""
        return self.factors.setdefault(pool, PoolFactors())

    def session_configuration(self, pool: Pool) -> SessionConfiguration:
        """Return what SetUserPoolSessionConfiguration set, initially AWS's defaults."""
        return self.session_configurations.setdefault(pool, SessionConfiguration())

    def pool_keys(self, pool: Pool) -> PoolKeys:
        """Return the pool's keys, initially empty."""
        return self.keys.setdefault(pool, PoolKeys())

    def issuer(self, pool: Pool) -> str:
        """Return the issuer of the pool's tokens."""
        suffix = ".cn" if pool.region.startswith("cn-") else ""
        host = f"https://cognito-idp.{pool.region}.amazonaws.com{suffix}"
        return f"{self.issuer_url or host}/{pool.id}"


@dataclass(frozen=True, slots=True)
class Call:
    """One request to Cognito."""

    operation: str
    parameters: dict[str, Any]
    """Validated against the operation's input shape, without nulls."""
    cognito: Cognito

    @property
    def now(self) -> float:
        """The time in seconds since 1970."""
        return self.cognito.now()

    @property
    def metadata(self) -> dict[str, str]:
        """The ClientMetadata."""
        return dict(self.parameters.get("ClientMetadata", {}))
