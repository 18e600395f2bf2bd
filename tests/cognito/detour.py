"""Redirection of a client's attempts to a closed port or to a server without TLS."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

from tests.support.scripted_aws import url_of


@dataclass(slots=True, eq=False)  # botocore keeps it in a set
class Detour:
    """
    Sends the next attempts of a client elsewhere, each to one of *urls* in turn.

    *attempts* are the operations tried, whether they got anywhere or not.
    """

    urls: list[str] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> None:  # noqa: ANN401 -- botocore's
        """Take down an attempt, and turn it away if it is to be."""
        target = request.headers["X-Amz-Target"]
        self.attempts.append(
            (target.decode() if isinstance(target, bytes) else target).split(".")[1]
        )
        if self.urls:
            request.url = self.urls.pop(0)


@contextmanager
def detour(client: CognitoIdentityProviderClient, *urls: str) -> Iterator[Detour]:
    """Turn attempts of *client* away, by an event that botocore offers for it."""
    turning = Detour(list(urls))
    client.meta.events.register("before-send", turning)
    try:
        yield turning
    finally:
        client.meta.events.unregister("before-send", turning)


@contextmanager
def refusing() -> Iterator[str]:
    """Reserve a port of loopback without a listener; return its URL."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"{url_of(bound)}/"


@asynccontextmanager
async def speaking_plainly() -> AsyncIterator[str]:
    """Run a server that answers a TLS handshake in plain text; return its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield url_of(server.sockets[0]).replace("http:", "https:") + "/"
