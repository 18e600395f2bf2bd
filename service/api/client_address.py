"""Where a request comes from: the peer, or the client that trusted proxies in front of it saw."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, TypeAlias

from aiohttp import hdrs, web

from service.api import keys
from service.config.settings import IdentityConfig

Address: TypeAlias = IPv4Address | IPv6Address

# Where the balancer preserves the client's port, it writes 192.0.2.1:1024 and [2001:db8::1]:1024:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
_WITH_PORT: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?", re.ASCII)

MAX_CHARACTERS: Final = 64  # an IPv6 address that ends in an IPv4 one has 45, brackets and port 8


def client_address(request: web.Request) -> Address | None:
    """Return the address of the client; None where the transport has none."""
    forwarded = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, ()))  # RFC 9110, section 5.3
    identity = request.app[keys.CONFIG].identity
    return believed_address(parse_address(request.remote or ""), forwarded, identity)


@lru_cache(maxsize=4_096)  # the same peers come again and again, and parsing costs 5 us
def parse_address(text: str) -> Address | None:
    """Return an address, an IPv4 one that came over an IPv6 socket as IPv4; None for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id is not None:  # any text may stand behind the %
        return None
    return address.ipv4_mapped or address


def believed_address(
    peer: Address | None, forwarded: str, identity: IdentityConfig
) -> Address | None:
    """
    Return the address that the outermost trusted proxy saw.

    Each proxy appends the address of its own peer. So at most as many values are believed as there are
    proxies, from the right, and each only because a trusted proxy wrote it: what a client wrote itself
    stands further left.
    """
    believed = peer
    for value in _last(forwarded, identity.proxy_hops):
        if believed is None or not any(believed in net for net in identity.trusted_proxies):
            break
        seen = _forwarded_address(value.strip())
        if seen is None:
            break
        believed = seen
    return believed


def _last(forwarded: str, hops: int) -> Sequence[str]:
    """Return up to *hops* values, the last one first."""
    return list(reversed(forwarded.rsplit(",", maxsplit=hops)))[:hops]


def _forwarded_address(value: str) -> Address | None:
    if len(value) > MAX_CHARACTERS:  # nor is it remembered
        return None
    with_port = _WITH_PORT.fullmatch(value)
    return parse_address((with_port[1] or with_port[2]) if with_port else value)
