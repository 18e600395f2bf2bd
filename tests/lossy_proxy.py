"""A proxy in front of an AWS endpoint that loses replies after the upstream has acted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

PASSED_ON = ("Content-Type", "X-Amz-Target", "Authorization", "X-Amz-Date")


@dataclass(slots=True)
class LossyProxy:
    """Passes requests on; *losing* names operations of which the next replies are lost, and how many."""

    url: str = ""
    losing: dict[str, int] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)  # the operations that came, in order


@asynccontextmanager
async def lossy_proxy(upstream: str) -> AsyncIterator[LossyProxy]:
    """Run a proxy in front of *upstream* on a free port of loopback."""
    proxy = LossyProxy()
    session = aiohttp.ClientSession()

    async def passed_on(request: web.BaseRequest) -> web.StreamResponse:
        operation = request.headers["X-Amz-Target"].split(".")[1]
        proxy.seen.append(operation)
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        async with session.post(upstream, data=await request.read(), headers=headers) as answer:
            body = await answer.read()
        if proxy.losing.get(operation, 0):
            proxy.losing[operation] -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.Response(body=body, status=answer.status, content_type=answer.content_type)

    runner = web.ServerRunner(web.Server(passed_on))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    proxy.url = f"http://{host}:{port}"
    try:
        yield proxy
    finally:
        await runner.cleanup()
        await session.close()
