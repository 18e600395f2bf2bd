"""Authentication by the header `x-amzn-oidc-identity` of a trusted peer, without verification."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from service.config.settings import Network
from service.domain.errors import NotAuthenticated
from service.domain.identity import Identity, RequestCredentials, is_subject

MAX_PEERS: Final = 4_096


class TrustedHeaderAuthenticator:
    """The Authenticator that accepts the plain header from peers in *header_peers*."""

    name = "header"

    def __init__(self, *, header_peers: tuple[Network, ...]) -> None:
        self._header_peers = header_peers
        # Each network takes a microsecond, and there are few peers.
        self._is_trusted = lru_cache(maxsize=MAX_PEERS)(self._is_in_network)

    async def identify(self, credentials: RequestCredentials) -> Identity | None:
        """Return the user in the header, or None without one; raises NotAuthenticated."""
        if not credentials.oidc_identity:
            return None
        if credentials.peer is None or not self._is_trusted(credentials.peer):
            raise NotAuthenticated
        sub = credentials.oidc_identity[0]
        if len(credentials.oidc_identity) > 1 or not is_subject(sub):
            raise NotAuthenticated
        return Identity(sub, self.name)

    def _is_in_network(self, peer: IPv4Address | IPv6Address) -> bool:
        return any(peer in network for network in self._header_peers)
