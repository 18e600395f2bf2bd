"""A forward proxy, as companies have them: CONNECT, and requests with an absolute URL."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

PART: Final = 65_536


@dataclass(slots=True)
class ForwardProxy:
    """
    A proxy that sends everything to *target*, whatever host is requested.

    With *user*, "name:password", it refuses requests without these credentials. With *refusal* it answers
    every request with these bytes. *hosts* are the hosts that were requested.
    """

    target: tuple[str, int]
    user: str | None = None
    refusal: bytes | None = None
    port: int = 0
    hosts: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            if self.refusal is not None:
                writer.write(self.refusal)
                return
            method, url, _ = head.split(" ", 2)
            proof = base64.b64encode((self.user or "").encode()).decode()
            if self.user is not None and f"Proxy-Authorization: Basic {proof}\r\n" not in head:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                await writer.drain()
                return
            is_tunnel = method == "CONNECT"
            self.hosts.append(url.partition(":")[0] if is_tunnel else urlsplit(url).hostname or "")
            upstream_reader, upstream = await asyncio.open_connection(*self.target)
            if is_tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                parts = urlsplit(url)
                upstream.write(head.replace(url, parts.path or "/", 1).encode("latin-1"))
            await asyncio.gather(_copied(reader, upstream), _copied(upstream_reader, writer))


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while part := await reader.read(PART):
            writer.write(part)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def forward_proxy(
    target: tuple[str, int], *, user: str | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ForwardProxy]:
    """Serve on a free port of loopback until the block ends, over TLS if *tls* is set."""
    proxy = ForwardProxy(target, user)
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def serve() -> None:
            try:
                await proxy.serve(reader, writer)
            finally:
                writer.close()

        task = asyncio.create_task(serve())
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()
