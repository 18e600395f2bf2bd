"""An identity provider in memory."""

from service.domain.identity_provider import IdentityProvider
from tests.support.fakes.devices import MemoryDevices
from tests.support.fakes.factors import MemoryFactors
from tests.support.fakes.own_account import MemoryOwnAccount
from tests.support.fakes.passkeys import MemoryPasskeys
from tests.support.fakes.passwords import MemoryPasswords
from tests.support.fakes.registrations import MemoryRegistrations
from tests.support.fakes.sessions import MemorySessions
from tests.support.fakes.user_pool import MemoryUserPool
from tests.support.fakes.user_sessions import MemoryUserSessions


def memory_identity_provider(pool: MemoryUserPool) -> IdentityProvider:
    """Return all ports of the accounts on one pool in memory."""
    return IdentityProvider(
        registrations=MemoryRegistrations(pool),
        sessions=MemorySessions(pool),
        passwords=MemoryPasswords(pool),
        own_account=MemoryOwnAccount(pool),
        factors=MemoryFactors(pool),
        passkeys=MemoryPasskeys(pool),
        user_sessions=MemoryUserSessions(pool),
        devices=MemoryDevices(pool),
    )
