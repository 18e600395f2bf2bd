"""The keys under which user names and networks are counted."""

import hmac
import secrets
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

from service.domain.values.normalization import caseless_form

Address: TypeAlias = IPv4Address | IPv6Address


class AccountKeys:
    """HMACs of user names and recipients under a random key of the process."""

    def __init__(self) -> None:
        self._hash_key = secrets.token_bytes(32)

    def of_name(self, name: str) -> bytes:
        """Return the key of a name, which does not depend on case: Cognito may ignore it too."""
        text = caseless_form(name).strip()
        return hmac.digest(self._hash_key, text.encode("utf-8", "surrogatepass"), "sha256")

    def on_network(self, name: str, address: Address | None) -> bytes:
        """Return the key of a name on the network of a client address."""
        return hmac.digest(self._hash_key, self.of_name(name) + network_key(address), "sha256")


def network_key(address: Address | None) -> bytes:
    """Return the key of a client network: an IPv4 address, or the /64 that an IPv6 host can use."""
    if address is None:
        return b""
    return address.packed if isinstance(address, IPv4Address) else address.packed[:8]
