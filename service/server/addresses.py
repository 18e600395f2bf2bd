"""The sockets of the addresses on which the service listens."""

import errno
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.startup_errors import AddressUnavailable

ANY_IPV4: Final = "0.0.0.0"  # noqa: S104 -- what a container listens on
ANY_IPV6: Final = "::"
FREE_PORT_TRIES: Final = 5
_ABSENT: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

Sockets = dict[tuple[Any, ...], socket.socket]  # by address without the port


def bound_sockets(  # noqa: PLR0913 -- all but two named
    hosts: Sequence[str],
    port: int,
    *,
    advice: str,
    backlog: int | None,
    shared: bool = False,
    purpose: str = "",
) -> list[socket.socket]:
    """
    Return sockets bound to *port* at every address of *hosts*; they listen if *backlog* is not None.

    `::` includes 0.0.0.0, and each of them the other addresses of its family. Of a name with several
    addresses those are used that the machine has. Port 0 is a free one, the same at all addresses. Other
    processes may bind to the port of *shared* sockets.
    Raises AddressUnavailable, whose message has *purpose* and ends with *advice*.
    """
    if ANY_IPV6 in hosts and ANY_IPV4 not in hosts:
        hosts = (*hosts, ANY_IPV4)  # on one socket for both, IPv4 peers would have IPv6 addresses
    # A port that is free at the first address may be taken at the next.
    tries = FREE_PORT_TRIES if port == 0 else 1
    while True:
        tries -= 1
        found: Sockets = {}
        try:
            for host in hosts:
                _bind_host(host, port, found, _whole(hosts), backlog=backlog, shared=shared)
        except (OSError, UnicodeError) as error:  # UnicodeError: no host can have such a name
            for bound in found.values():
                bound.close()
            if tries and isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                continue
            raise AddressUnavailable(
                f"Cannot listen on {f'[{host}]' if ':' in host else host}:{port}{purpose}: "
                f"{_reason(host, error)}. {advice}"
            ) from None
        return [*found.values()]


def _whole(hosts: Sequence[str]) -> dict[socket.AddressFamily, str]:
    """Return the address of each family that includes all others, if it is among *hosts*."""
    families = {(socket.AF_INET, ANY_IPV4), (socket.AF_INET6, ANY_IPV6)}
    return {family: address for family, address in families if address in hosts}


def _bind_host(  # noqa: PLR0913 -- as of its caller
    host: str,
    port: int,
    found: Sockets,
    whole: Mapping[socket.AddressFamily, str],
    *,
    backlog: int | None,
    shared: bool,
) -> None:
    """
    Add a socket for each address of *host* to *found*; raises OSError and UnicodeError.

    Of the families of *whole*, only the address that includes all others is bound.
    """
    resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    absent: OSError | None = None
    for family, _, _, _, (address, _, *scope) in resolved:
        key = (address, *scope)
        if key in found or whole.get(family, address) != address:
            continue
        chosen = next(iter(found.values())).getsockname()[1] if found else port
        try:
            bound = _bind(family, (address, chosen, *scope), backlog=backlog, shared=shared)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise
            absent = error
        else:
            found[key] = bound
    if absent is not None and not any((each[4][0], *each[4][2:]) in found for each in resolved):
        raise absent


def _bind(
    family: int, address: tuple[Any, ...], *, backlog: int | None, shared: bool
) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        if backlog is not None:
            bound.listen(backlog)
    except OSError:
        bound.close()
        raise
    return bound


def _reason(host: str, error: OSError | UnicodeError) -> str:
    reason = f"{getattr(error, 'strerror', None) or error}"
    if ":" in host and isinstance(error, OSError) and error.errno in _ABSENT:
        return f"{reason} (the machine has no such IPv6 address, or no IPv6)"
    return reason
