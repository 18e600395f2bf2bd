"""A proxy in front of an AWS endpoint that loses replies after the upstream has acted."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import aiohttp
from aiohttp import web

PASSED_ON = ("Content-Type", "X-Amz-Target", "Authorization", "X-Amz-Date")

Deed: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class LossyProxy:
    """
    Passes requests on, and does what a test says to the next requests of an operation.

    *losing* tells how many replies are lost, *emptying* how many come without their content. The
    others are taken from in turn, one entry a request: *refusing* names the exceptions answered in
    place of passing on, None passes on; the deeds *before* are done before a request is passed on,
    those *after* once the upstream has acted.
    """

    url: str = ""
    losing: dict[str, int] = field(default_factory=dict)
    emptying: dict[str, int] = field(default_factory=dict)
    refusing: dict[str, list[str | None]] = field(default_factory=dict)
    before: dict[str, list[Deed]] = field(default_factory=dict)
    after: dict[str, list[Deed]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)  # the operations that came, in order


@asynccontextmanager
async def lossy_proxy(upstream: str) -> AsyncIterator[LossyProxy]:
    """Run a proxy in front of *upstream* on a free port of loopback."""
    proxy = LossyProxy()
    session = aiohttp.ClientSession()

    async def passed_on(request: web.BaseRequest) -> web.StreamResponse:
        operation = request.headers["X-Amz-Target"].split(".")[1]
        proxy.seen.append(operation)
        content = await request.read()  # now: whoever gives up during a deed takes it along
        refusals = proxy.refusing.get(operation)
        refusal = refusals.pop(0) if refusals else None
        if refusal is not None:
            return web.json_response({"__type": refusal}, status=400)
        await _done(proxy.before, operation)
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        async with session.post(upstream, data=content, headers=headers) as answer:
            body = await answer.read()
        await _done(proxy.after, operation)
        if proxy.losing.get(operation, 0):
            proxy.losing[operation] -= 1
            assert request.transport is not None
            request.transport.abort()
        if proxy.emptying.get(operation, 0):
            proxy.emptying[operation] -= 1
            body = b"{}"
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


async def _done(deeds: dict[str, list[Deed]], operation: str) -> None:
    """Do the next of the deeds that wait for *operation*, if there is one."""
    waiting = deeds.get(operation)
    if waiting:
        await waiting.pop(0)()
