"""`smoke` reaches a deployment through a proxy and with a private authority, by the environment."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from botocore.exceptions import InvalidConfigError
from yarl import URL

from service.deployment_checks.smoke.deployment import Unreachable, open_deployment
from tests.support.forward_proxy import ForwardProxy, forward_proxy
from tests.support.private_authority import PrivateAuthority

HOST: Final = "api.invalid"
USER: Final = "proxy-user:p@ss"
CLOSED: Final = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Network:
    """A deployment whose certificate *authority* has signed, on *port*, and a proxy that leads to it."""

    authority: PrivateAuthority
    proxy: ForwardProxy
    port: int

    @property
    def proxy_url(self) -> str:
        """Return the URL of the proxy with its credentials."""
        return f"http://proxy-user:p%40ss@127.0.0.1:{self.proxy.port}"


@pytest.fixture(name="network")
async def _network(tmp_path: Path) -> AsyncIterator[Network]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({})

    authority = PrivateAuthority(tmp_path, "private")
    app = web.Application()
    app.router.add_get("/health/ready", answer)
    async with AsyncExitStack() as stack:
        server = TestServer(app)
        await server.start_server(ssl=authority.server_context(HOST, "localhost"))
        stack.push_async_callback(server.close)
        port = server.port or 0
        proxy = await stack.enter_async_context(forward_proxy(("127.0.0.1", port), user=USER))
        yield Network(authority, proxy, port)


@pytest.fixture(name="environ", autouse=True)
def _environ(monkeypatch: pytest.MonkeyPatch, network: Network) -> pytest.MonkeyPatch:
    """Set the proxy and the authority, and nothing else."""
    for name in [*os.environ]:
        if name.upper().endswith(("_PROXY", "_CA_BUNDLE")) or name.startswith("SSL_CERT"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", network.proxy_url)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(network.authority.bundle))
    return monkeypatch


async def _status(url: str) -> int:
    async with open_deployment(URL(url)) as deployment:
        return (await deployment.call("GET", "/health/ready")).status


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
async def test_deployment_is_reached_through_the_proxy(
    network: Network, environ: pytest.MonkeyPatch, variable: str
) -> None:
    """The proxy gets its credentials and the deployment's name; the private authority is trusted."""
    environ.delenv("HTTPS_PROXY")
    environ.setenv(variable, network.proxy_url)

    assert await _status(f"https://{HOST}") == 200
    assert network.proxy.hosts == [HOST]


@pytest.mark.parametrize("no_proxy", ["", "localhost"])
async def test_this_machine_is_reached_directly(
    network: Network, environ: pytest.MonkeyPatch, no_proxy: str
) -> None:
    """A deployment on this machine is not behind the proxy, whatever NO_PROXY says."""
    environ.setenv("HTTPS_PROXY", CLOSED)
    environ.setenv("NO_PROXY", no_proxy)

    assert await _status(f"https://localhost:{network.port}") == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NO_PROXY", HOST),
        ("no_proxy", ".invalid"),
        ("HTTPS_PROXY", CLOSED),
        ("HTTPS_PROXY", "http://proxy-user:wrong@127.0.0.1:{port}"),
        ("AWS_CA_BUNDLE", ""),
    ],
)
async def test_deployment_is_unreachable_by_other_settings(
    network: Network, environ: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Without the proxy, its password or the authority there is no answer, and no traceback."""
    environ.setenv(name, value.replace("{port}", str(network.proxy.port)))

    with pytest.raises(Unreachable, match=HOST):
        await _status(f"https://{HOST}:{network.port}")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "AWS_CA_BUNDLE"])
async def test_setting_that_cannot_be_used_is_named(environ: pytest.MonkeyPatch, name: str) -> None:
    """A proxy of another kind, and a file that does not exist, are named instead of every check."""
    environ.setenv(name, "socks5://127.0.0.1:1080")

    with pytest.raises(InvalidConfigError, match=name):
        await _status(f"https://{HOST}")
