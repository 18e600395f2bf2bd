"""The client address of a request, which a client cannot spoof."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service.api import keys
from service.api.client_address import client_address, forwarded_address, parse_address
from tests.support.configs import configured

SERVER = configured().server
EDGE = ip_network("198.51.100.0/24")  # public addresses of proxies that an operator lists
BALANCER = "10.0.0.5"

CASES = [
    # peer, X-Forwarded-For, hops, client
    ("203.0.113.7", "", 1, "203.0.113.7"),
    ("203.0.113.7", "6.6.6.6", 1, "203.0.113.7"),
    ("203.0.113.7", "6.6.6.6, 10.0.0.5", 1, "203.0.113.7"),
    ("203.0.113.7", "6.6.6.6", 2, "203.0.113.7"),
    (BALANCER, "", 1, BALANCER),
    (BALANCER, "203.0.113.7", 1, "203.0.113.7"),
    (BALANCER, " 203.0.113.7\t", 1, "203.0.113.7"),
    (BALANCER, "6.6.6.6, 203.0.113.7", 1, "203.0.113.7"),
    (BALANCER, "6.6.6.6,127.0.0.1,203.0.113.7", 1, "203.0.113.7"),
    (BALANCER, "6.6.6.6, 10.0.0.9", 1, "10.0.0.9"),
    (BALANCER, "6.6.6.6, 127.0.0.1", 1, "127.0.0.1"),
    ("127.0.0.1", "6.6.6.6, 127.0.0.1", 1, "127.0.0.1"),
    (BALANCER, "\U0001f600, \\, 203.0.113.7", 1, "203.0.113.7"),
    (BALANCER, "6.6.6.6, unknown", 1, BALANCER),
    (BALANCER, "6.6.6.6,", 1, BALANCER),
    (BALANCER, "6.6.6.6, ", 1, BALANCER),
    (BALANCER, "203.0.113.7 6.6.6.6", 1, BALANCER),
    (BALANCER, "203.0.113.256", 1, BALANCER),
    (BALANCER, "203.0.113.07", 1, BALANCER),
    (BALANCER, "3405803783", 1, BALANCER),
    (BALANCER, '"203.0.113.7"', 1, BALANCER),
    (BALANCER, "for=203.0.113.7", 1, BALANCER),
    (BALANCER, "example.com", 1, BALANCER),
    (BALANCER, "\u0662\u0660\u0663.0.113.7", 1, BALANCER),
    (BALANCER, "203.0.113.7:", 1, BALANCER),
    (BALANCER, "203.0.113.7:http", 1, BALANCER),
    (BALANCER, "203.0.113.7:123456", 1, BALANCER),
    (BALANCER, "203.0.113.7:51234", 1, "203.0.113.7"),
    (BALANCER, "[2001:db8::7]:51234", 1, "2001:db8::7"),
    (BALANCER, "[2001:db8::7]", 1, "2001:db8::7"),
    (BALANCER, "2001:db8::7", 1, "2001:db8::7"),
    (BALANCER, "[2001:db8::7", 1, BALANCER),
    (BALANCER, "fe80::1%eth0", 1, BALANCER),
    (BALANCER, "fe80::1%<script>", 1, BALANCER),
    (BALANCER, "::ffff:203.0.113.7", 1, "203.0.113.7"),
    (BALANCER, "[::ffff:203.0.113.7]:51234", 1, "203.0.113.7"),
    ("::ffff:10.0.0.5", "203.0.113.7", 1, "203.0.113.7"),
    ("fd00::5", "6.6.6.6, 2001:db8::7", 1, "2001:db8::7"),
    (BALANCER, "203.0.113.7", 0, BALANCER),
    (BALANCER, "203.0.113.7, 198.51.100.1", 2, "203.0.113.7"),
    (BALANCER, "6.6.6.6, 203.0.113.7, 198.51.100.1", 2, "203.0.113.7"),
    (BALANCER, "6.6.6.6, 203.0.113.7, 10.0.0.6", 2, "203.0.113.7"),
    (BALANCER, "203.0.113.7", 2, "203.0.113.7"),
    (BALANCER, "6.6.6.6, 203.0.113.7", 2, "203.0.113.7"),
    (BALANCER, "unknown, 198.51.100.1", 2, "198.51.100.1"),
    (BALANCER, "6.6.6.6, 203.0.113.7, 198.51.100.1", 10, "203.0.113.7"),
    (BALANCER, "::ffff:" + "0" * 9_000 + "1", 1, BALANCER),
    ("", "6.6.6.6", 1, None),
    ("/run/service.sock", "6.6.6.6", 1, None),
]  # fmt: skip


@pytest.mark.parametrize(("peer", "forwarded", "hops", "client"), CASES)
def test_client_is_the_peer_of_the_outermost_proxy(
    peer: str, forwarded: str, hops: int, client: str | None
) -> None:
    """The client is that many values from the right, as far as a trusted proxy wrote each of them."""
    server = replace(SERVER, trusted_proxies=(*SERVER.trusted_proxies, EDGE), proxy_hops=hops)

    address = forwarded_address(parse_address(peer), forwarded, server)

    assert address == (None if client is None else ip_address(client))


@pytest.mark.parametrize("client", ["203.0.113.7", "10.0.0.9", "127.0.0.1", "2001:db8::7"])
def test_whatever_the_client_writes_itself_changes_nothing(client: str) -> None:
    """A client that sends the header itself still has the address that the load balancer appended."""
    lies = ("6.6.6.6", "127.0.0.1", "10.0.0.9", "", ",,,", "x" * 9_000, "1.1.1.1, " * 500)

    for lie in lies:
        address = forwarded_address(ip_address(BALANCER), f"{lie}, {client}", SERVER)
        assert address == ip_address(client), lie


def test_nobody_is_believed_without_trusted_proxies() -> None:
    """Where no network is trusted, the peer is the client."""
    server = replace(SERVER, trusted_proxies=())

    assert forwarded_address(ip_address("127.0.0.1"), "6.6.6.6", server) == ip_address("127.0.0.1")


def _app(trusted: str) -> web.Application:
    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=str(client_address(request)))

    app = web.Application()
    app[keys.CONFIG] = configured({"server": {"trusted-proxies": trusted}})
    app.router.add_get("/", tell)
    return app


async def _told(app: web.Application, *headers: tuple[str, str]) -> str:
    """Return the client address."""
    async with TestClient(TestServer(app)) as client:
        return await (await client.get("/", headers=headers)).text()


async def test_header_lines_are_one_list() -> None:
    """Several lines of the header are one list (RFC 9110, section 5.3), of which the end is used."""
    lines = (
        ("X-Forwarded-For", "6.6.6.6"),
        ("x-forwarded-for", "7.7.7.7, 203.0.113.7"),
        ("X_Forwarded_For", "8.8.8.8"),
    )

    assert await _told(_app("127.0.0.1/32"), *lines) == "203.0.113.7"


async def test_proxy_that_writes_nothing_is_the_client() -> None:
    """Without the header the peer is the client, trusted or not."""
    assert await _told(_app("127.0.0.1/32")) == "127.0.0.1"


async def test_peer_that_is_no_proxy_is_the_client() -> None:
    """The header of a peer outside the trusted networks is ignored."""
    assert await _told(_app("10.0.0.0/8"), ("X-Forwarded-For", "6.6.6.6")) == "127.0.0.1"


async def test_transport_without_addresses_has_no_client(tmp_path: Path) -> None:
    """A request by a Unix socket has no address, and cannot claim one."""
    path = str(tmp_path / "service.sock")
    runner = web.AppRunner(_app("127.0.0.1/32"))
    await runner.setup()
    await web.UnixSite(runner, path).start()
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session,
        session.get("http://service/", headers={"X-Forwarded-For": "6.6.6.6"}) as answer,
    ):
        told = await answer.text()
    await runner.cleanup()

    assert told == "None"
