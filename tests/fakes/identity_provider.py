"""An identity provider in memory."""

from service.domain.identity_provider import IdentityProvider
from tests.fakes.factors import MemoryFactors
from tests.fakes.own_account import MemoryOwnAccount
from tests.fakes.passkeys import MemoryPasskeys
from tests.fakes.passwords import MemoryPasswords
from tests.fakes.registrations import MemoryRegistrations
from tests.fakes.sessions import MemorySessions
from tests.fakes.user_pool import MemoryUserPool


def memory_identity_provider(pool: MemoryUserPool) -> IdentityProvider:
    """Return all ports of the accounts on one pool in memory."""
    return IdentityProvider(
        registrations=MemoryRegistrations(pool),
        sessions=MemorySessions(pool),
        passwords=MemoryPasswords(pool),
        own_account=MemoryOwnAccount(pool),
        factors=MemoryFactors(pool),
        passkeys=MemoryPasskeys(pool),
    )
