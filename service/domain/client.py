"""The client of a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Final


@dataclass(frozen=True, slots=True)
class Client:
    """
    The client of a request; *address* is None where the transport has none.

    *metadata* is what the request passes to the user pool's Lambda triggers.
    """

    address: IPv4Address | IPv6Address | None
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)


UNKNOWN_CLIENT: Final = Client(None)
