"""The client of a request."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address


@dataclass(frozen=True, slots=True)
class Client:
    """The client of a request; *address* is None where the transport has none."""

    address: IPv4Address | IPv6Address | None
