"""The client that a request comes from."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from; *address* is None where the transport has none."""

    address: IPv4Address | IPv6Address | None
