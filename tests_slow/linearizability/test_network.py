"""The network tracks the calls in flight."""

import asyncio
import random

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests_slow.linearizability.network import NO_FAULTS, network


async def test_abandoned_call_is_waited_for() -> None:
    """A call can take effect after its caller disconnected, and counts until it cannot."""
    arrived, released = asyncio.Event(), asyncio.Event()

    async def slow(_: web.BaseRequest) -> web.Response:
        arrived.set()
        await released.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/", slow)
    async with (
        TestServer(app) as upstream,
        network(str(upstream.make_url("/")), NO_FAULTS, random.Random(1), late_s=0) as way,  # noqa: S311 -- chooses faults
        aiohttp.ClientSession() as process,
    ):
        await way.settled()  # nothing was sent
        call = asyncio.create_task(process.post(way.url, headers={"X-Amz-Target": "x.PutItem"}))
        await arrived.wait()
        call.cancel()
        settled = asyncio.create_task(way.settled())
        await _turns(100)
        assert not settled.done()
        released.set()
        await settled


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
