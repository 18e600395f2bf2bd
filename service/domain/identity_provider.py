"""The identity provider: all of its ports."""

from dataclasses import dataclass

from service.domain.accounts import OwnAccount, Registrations
from service.domain.devices import Devices
from service.domain.federation import FederatedSignIn
from service.domain.mfa import Factors
from service.domain.passkeys import Passkeys
from service.domain.passwords import Passwords
from service.domain.sessions import Sessions
from service.domain.user_sessions import UserSessions


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """The ports of the identity provider; *federation* is None without a domain."""

    registrations: Registrations
    sessions: Sessions
    passwords: Passwords
    own_account: OwnAccount
    factors: Factors
    passkeys: Passkeys
    user_sessions: UserSessions
    devices: Devices
    federation: FederatedSignIn | None = None
