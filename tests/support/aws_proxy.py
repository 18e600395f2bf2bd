"""An HTTP proxy in front of an AWS endpoint; its handler decides what happens to each call."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

import aiohttp
from aiohttp import web

from tests.support.serving import listening

FORWARDED: Final = ("Content-Type", "X-Amz-Target", "Authorization", "X-Amz-Date")


@dataclass(frozen=True, slots=True)
class ProxiedCall:
    """A call of a client to *upstream*."""

    request: web.BaseRequest
    upstream: str
    session: aiohttp.ClientSession

    @property
    def operation(self) -> str:
        """The operation that the call names, such as "GetItem"."""
        return self.request.headers["X-Amz-Target"].partition(".")[2]

    async def forward(self) -> web.Response:
        """Send the call to the upstream, and return its reply."""
        names = [name for name in FORWARDED if name in self.request.headers]
        async with self.session.post(
            self.upstream,
            data=await self.request.read(),
            headers={name: self.request.headers[name] for name in names},
        ) as reply:
            return web.Response(
                body=await reply.read(), status=reply.status, content_type=reply.content_type
            )

    def drop(self) -> web.Response:
        """Close the client's connection without a reply."""
        if self.request.transport is not None:
            self.request.transport.abort()
        return web.Response()


Handler: TypeAlias = Callable[[ProxiedCall], Awaitable[web.StreamResponse]]


def aws_error(name: str, status: int = 400, **members: object) -> web.Response:
    """Return an exception of AWS's JSON protocol."""
    return web.json_response({"__type": name, **members}, status=status)


@asynccontextmanager
async def aws_proxy(upstream: str, handle: Handler) -> AsyncIterator[str]:
    """Serve on a free port of loopback until the block ends; yields the URL."""
    # No limit and no timeout: the proxy itself never delays or fails a call.
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout()
    )

    async def respond(request: web.BaseRequest) -> web.StreamResponse:
        return await handle(ProxiedCall(request, upstream, session))

    async with session, listening(web.ServerRunner(web.Server(respond), shutdown_timeout=1)) as url:
        yield url
