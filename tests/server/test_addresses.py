"""The service listens on every address of a list, on one port."""

import errno
import socket
from collections.abc import Callable
from typing import Any

import pytest

from service.server.addresses import bound_sockets
from service.startup_errors import AddressUnavailable

ADVICE = "Choose another."
ANY = "0.0.0.0"  # noqa: S104 -- compared
NO_IPV6 = "Address family not supported|no IPv6"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


HAS_IPV6 = _has_ipv6()


def _open(*hosts: str, port: int = 0, shared: bool = False) -> list[socket.socket]:
    return bound_sockets(hosts, port, advice=ADVICE, backlog=8, shared=shared)


@pytest.fixture(name="bound")
def _bound(request: pytest.FixtureRequest) -> Callable[..., list[socket.socket]]:
    """Return `_open`, whose sockets are closed after the test."""

    def opened(*hosts: str, port: int = 0, shared: bool = False) -> list[socket.socket]:
        sockets = _open(*hosts, port=port, shared=shared)
        for each in sockets:
            request.addfinalizer(each.close)
        return sockets

    return opened


@pytest.mark.parametrize(
    ("hosts", "addresses"),
    [
        (["127.0.0.1"], ["127.0.0.1"]),
        (["127.0.0.1", "127.0.0.2"], ["127.0.0.1", "127.0.0.2"]),
        (["::1"], ["::1"]),
        (["127.0.0.1", "::1"], ["127.0.0.1", "::1"]),
        ([ANY, "::1"], [ANY, "::1"]),
        (["::"], ["::", ANY]),
        ([ANY, "::"], [ANY, "::"]),
        (["127.0.0.1", "127.0.0.1"], ["127.0.0.1"]),
        (["127.0.0.1", ANY, "127.0.0.3", "127.0.0.2"], [ANY]),
        (["::1", "::", "127.0.0.1"], ["::", ANY]),
    ],
    ids=" ".join,
)
def test_every_address_has_the_same_port(
    bound: Callable[..., list[socket.socket]], hosts: list[str], addresses: list[str]
) -> None:
    """A socket listens on each address, and :: includes IPv4; without IPv6, its addresses are refused."""
    if not HAS_IPV6 and ":" in "".join(hosts):
        with pytest.raises(AddressUnavailable, match=NO_IPV6):
            bound(*hosts)
        return
    sockets = bound(*hosts)

    assert [each.getsockname()[0] for each in sockets] == addresses
    (port,) = {each.getsockname()[1] for each in sockets}
    for address in addresses:
        reached = {ANY: "127.0.0.1", "::": "::1"}.get(address, address)
        socket.create_connection((reached, port), timeout=5).close()


def test_free_port_is_free_at_every_address(
    bound: Callable[..., list[socket.socket]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that is taken at the second address is not the one that is chosen."""
    taken: list[int] = []

    class Socket(socket.socket):
        """A socket whose first port is taken at 127.0.0.2."""

        def bind(self, address: Any) -> None:  # noqa: ANN401 -- as typed in the library
            if address[0] == "127.0.0.2" and not taken:
                taken.append(address[1])
                raise OSError(errno.EADDRINUSE, "Address already in use")
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Socket)

    ports = {each.getsockname()[1] for each in bound("127.0.0.1", "127.0.0.2")}

    assert len(ports) == 1
    assert ports.isdisjoint(taken)


def test_ipv4_peer_of_a_dual_stack_has_its_own_address(
    bound: Callable[..., list[socket.socket]],
) -> None:
    """An IPv4 client of :: is seen with its IPv4 address, not with one that is mapped to IPv6."""
    ipv4 = bound("::" if HAS_IPV6 else ANY)[-1]
    with socket.create_connection(("127.0.0.1", ipv4.getsockname()[1]), timeout=5):
        accepted, peer = ipv4.accept()
        accepted.close()

    assert peer[0] == "127.0.0.1"


def test_name_is_bound_where_the_machine_has_its_addresses(
    bound: Callable[..., list[socket.socket]],
) -> None:
    """A name with several addresses is bound at each; one that another host of the list names, once."""
    found = [each.getsockname()[0] for each in bound("localhost", "127.0.0.1")]

    assert "127.0.0.1" in found
    assert len(found) == len({*found})


def test_taken_address_is_named_and_the_others_are_closed(
    bound: Callable[..., list[socket.socket]],
) -> None:
    """An address that is taken ends the start, with its name and the advice; nothing stays bound."""
    host, shown = ("::1", "[::1]") if HAS_IPV6 else ("127.0.0.2", "127.0.0.2")
    (taken,) = bound(host)
    port = taken.getsockname()[1]

    with pytest.raises(AddressUnavailable) as refused:
        _open("127.0.0.1", host, port=port)

    assert (
        str(refused.value) == f"Cannot listen on {shown}:{port}: Address already in use. {ADVICE}"
    )
    bound("127.0.0.1", port=port)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("198.51.100.1", r"Cannot listen on 198\.51\.100\.1:0: Cannot assign requested address\. "),
        ("2001:db8::1", r"Cannot listen on \[2001:db8::1\]:0: .* or no IPv6\)\. "),
    ],
)
def test_address_of_another_machine_is_refused(host: str, reason: str) -> None:
    """An address that the machine does not have is named; of IPv6, that it may be missing at all."""
    with pytest.raises(AddressUnavailable, match=reason):
        _open(host)


def test_shared_port_is_bound_again(bound: Callable[..., list[socket.socket]]) -> None:
    """Shared sockets of several processes listen on the same port of both families."""
    host = "::" if HAS_IPV6 else ANY
    first = bound(host, shared=True)
    port = first[0].getsockname()[1]

    assert len(bound(host, port=port, shared=True)) == len(first)
    with pytest.raises(AddressUnavailable, match="already in use"):
        _open(host, port=port)
