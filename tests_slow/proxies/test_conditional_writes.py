"""Conditional requests behind proxies that compress, and so change entity tags."""

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiohttp import hdrs, web

from service.app import aws_adapters, create_app
from service.config.settings import Config
from tests.api.raw_http import serving
from tests.support.configs import CREDENTIALS
from tests_slow.proxies.compressing_proxies import PROXIES, Proxy, running_proxy

PROFILE: Final = "/v1/user/profile"
ALICE: Final = {"x-amzn-oidc-identity": "alice", "Accept-Encoding": "gzip"}
ROUNDS: Final = 10
EACH_PROXY: Final = pytest.mark.parametrize(
    "proxy",
    [
        pytest.param(
            proxy,
            id=proxy.name,
            marks=pytest.mark.skipif(
                proxy.executable is None, reason=f"{proxy.program} is not installed"
            ),
        )
        for proxy in PROXIES
    ],
)


async def _allow_transformation(_: web.Request, response: web.StreamResponse) -> None:
    """Remove `no-transform`, which haproxy respects."""
    allowed = response.headers[hdrs.CACHE_CONTROL].replace(", no-transform", "")
    response.headers[hdrs.CACHE_CONTROL] = allowed


@asynccontextmanager
async def _behind(
    proxy: Proxy, config: Config, folder: Path, *, transforming: bool
) -> AsyncIterator[aiohttp.ClientSession]:
    """Serve, and yield a client behind *proxy*."""
    app = create_app(config, functools.partial(aws_adapters, credentials=CREDENTIALS))
    if transforming:
        app.on_response_prepare.append(_allow_transformation)
    async with (
        serving(app) as upstream,
        running_proxy(proxy, upstream, folder) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=ALICE) as client,
    ):
        yield client


async def _call(
    client: aiohttp.ClientSession, method: str, *, city: str | None = None, **conditions: str
) -> aiohttp.ClientResponse:
    """Make a request on the profile; conditions are header names with underscores."""
    headers = {name.replace("_", "-"): value for name, value in conditions.items()}
    body = None if city is None else {"city": city}
    async with client.request(method, PROFILE, json=body, headers=headers) as response:
        await response.read()
        return response


@EACH_PROXY
@pytest.mark.parametrize("transforming", [True, False], ids=["any proxy", "no-transform"])
async def test_conditional_requests_work_behind_a_proxy(
    config: Config, tmp_path: Path, proxy: Proxy, *, transforming: bool
) -> None:
    """The tag that a client receives is current until the next write, and of no use after it."""
    async with _behind(proxy, config, tmp_path, transforming=transforming) as client:
        created = await _call(client, "PUT", city="Mumbai", If_None_Match="*")
        read = await _call(client, "GET")
        tag = read.headers[hdrs.ETAG]
        unchanged = await _call(client, "GET", If_None_Match=tag)
        written = await _call(client, "PATCH", city="Pune", If_Match=tag)
        stale = [
            await _call(client, method, city="Delhi", If_Match=tag)
            for method in ("PATCH", "PUT", "POST")
        ]
        changed = await _call(client, "GET", If_None_Match=tag)
        listed = await _call(
            client, "PATCH", city="Goa", If_Match=f'"other", {written.headers[hdrs.ETAG]}'
        )
        removed = await _call(client, "DELETE", If_Match=listed.headers[hdrs.ETAG])

    assert [created.status, read.status, unchanged.status] == [201, 200, 304]
    if transforming:
        assert read.headers[hdrs.CONTENT_ENCODING] == "gzip"
    assert [written.status, *(response.status for response in stale)] == [200, 412, 412, 412]
    assert [changed.status, listed.status, removed.status] == [200, 200, 204]


@EACH_PROXY
async def test_one_of_two_writers_behind_a_proxy_wins(
    config: Config, tmp_path: Path, proxy: Proxy
) -> None:
    """Of two writers with the same tag one succeeds, its update is kept, and the other is 412."""
    async with _behind(proxy, config, tmp_path, transforming=True) as client:
        await _call(client, "PUT", city="Mumbai")
        for number in range(ROUNDS):
            tag = (await _call(client, "GET")).headers[hdrs.ETAG]
            cities = [f"Mumbai {number}", f"Pune {number}"]
            responses = await asyncio.gather(
                *(_call(client, "PATCH", city=city, If_Match=tag) for city in cities)
            )
            statuses = [response.status for response in responses]
            kept = await (await _call(client, "GET")).json()

            assert sorted(statuses) == [200, 412]
            assert kept["city"] == cities[statuses.index(200)]
