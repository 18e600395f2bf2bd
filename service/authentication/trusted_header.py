"""Identity by `x-amzn-oidc-identity` alone: the word of a proxy, as in the seed; nothing is verified."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from service.config.settings import Network
from service.domain.errors import NotAuthenticated
from service.domain.identity import Identity, RequestCredentials, is_subject

PEERS_REMEMBERED: Final = 4_096


class TrustedHeaderAuthenticator:
    """The Authenticator that believes the plain header, from peers inside *header_peers* only."""

    name = "header"

    def __init__(self, *, header_peers: tuple[Network, ...]) -> None:
        self._header_peers = header_peers
        # The same peers come again and again, and each network costs a microsecond.
        self._believes = lru_cache(maxsize=PEERS_REMEMBERED)(self._is_trusted)

    async def identify(self, evidence: RequestCredentials) -> Identity | None:
        """Return whom the header names, None without one; raises NotAuthenticated."""
        if not evidence.oidc_identity:
            return None
        if evidence.peer is None or not self._believes(evidence.peer):
            raise NotAuthenticated
        if len(evidence.oidc_identity) > 1 or not is_subject(evidence.oidc_identity[0]):
            raise NotAuthenticated
        return Identity(sub=evidence.oidc_identity[0], source=self.name)

    def _is_trusted(self, peer: IPv4Address | IPv6Address) -> bool:
        return any(peer in network for network in self._header_peers)
