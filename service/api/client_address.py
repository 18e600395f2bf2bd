"""The client address of a request: the peer, or the client as previous by trusted proxies."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, TypeAlias

from aiohttp import hdrs, web

from service.api import keys
from service.config.settings import ServerConfig

Address: TypeAlias = IPv4Address | IPv6Address

# With client port preservation the load balancer writes 192.0.2.1:1024 and [2001:db8::1]:1024:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
_WITH_PORT: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?", re.ASCII)

MAX_CHARACTERS: Final = 64  # IPv6 with an embedded IPv4 address has 45, brackets and port 8


def client_address(request: web.Request) -> Address | None:
    """Return the client address, or None if the transport has none."""
    forwarded = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, ()))  # RFC 9110, section 5.3
    server = request.app[keys.CONFIG].server
    return forwarded_address(parse_address(request.remote or ""), forwarded, server)


@lru_cache(maxsize=4_096)  # parsing takes 5 us, and peers repeat
def parse_address(text: str) -> Address | None:
    """Return an address, an IPv4-mapped IPv6 one as IPv4; None if *text* is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id is not None:  # a zone can be any text
        return None
    return address.ipv4_mapped or address


def forwarded_address(peer: Address | None, forwarded: str, server: ServerConfig) -> Address | None:
    """
    Return the peer address that the outermost trusted proxy appended to X-Forwarded-For.

    Each proxy appends the address of its peer. From the right, at most `proxy-hops` values are used, each
    only if a trusted proxy appended it; values that the client sent are further left.
    """
    address = peer
    for value in _last(forwarded, server.proxy_hops):
        if address is None or not any(address in net for net in server.trusted_proxies):
            break
        previous = _parse_forwarded(value.strip())
        if previous is None:
            break
        address = previous
    return address


def _last(forwarded: str, hops: int) -> Sequence[str]:
    """Return up to *hops* values, last first."""
    return list(reversed(forwarded.rsplit(",", maxsplit=hops)))[:hops]


def _parse_forwarded(value: str) -> Address | None:
    if len(value) > MAX_CHARACTERS:  # keeps long texts out of the cache
        return None
    with_port = _WITH_PORT.fullmatch(value)
    return parse_address((with_port[1] or with_port[2]) if with_port else value)
