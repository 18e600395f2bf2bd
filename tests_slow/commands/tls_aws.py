"""AWS over TLS, and a deployment behind it, under their real host names."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web

DYNAMODB_PREFIX: Final = "DynamoDB_"
ALB_KEYS: Final = "public-keys.auth.elb.us-east-1.amazonaws.com"
PER_HOP: Final = frozenset({"connection", "content-length", "host", "transfer-encoding"})


@dataclass(slots=True)
class TlsAws:
    """
    A server on *port* of loopback that relays calls to a local AWS.

    *urls* are the relayed URLs: those of the hosts that it names, of DynamoDB, and "" of all others.
    *pems* are the public keys of load balancers, by id. *hosts* are those that requests named.
    """

    urls: dict[str, str]
    pems: dict[str, bytes] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    port: int = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with a load balancer's key, or as the relayed URL does."""
        host = request.url.host or ""
        self.hosts.append(host)
        if host == ALB_KEYS:
            pem = self.pems.get(request.path.strip("/"))
            return web.Response(body=pem, status=404 if pem is None else 200)
        is_dynamodb = request.headers.get("X-Amz-Target", "").startswith(DYNAMODB_PREFIX)
        url = self.urls.get(DYNAMODB_PREFIX if is_dynamodb else host, self.urls[""])
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                url.rstrip("/") + request.path_qs,
                headers=_end_to_end(request.headers),
                data=await request.read(),
                allow_redirects=False,
            ) as answer,
        ):
            body = await answer.read()
            return web.Response(
                body=body, status=answer.status, headers=_end_to_end(answer.headers)
            )


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in PER_HOP}


@asynccontextmanager
async def tls_aws(tls: ssl.SSLContext, urls: Mapping[str, str]) -> AsyncIterator[TlsAws]:
    """Serve on a free port of loopback until the block ends."""
    aws = TlsAws({**urls})
    runner = web.ServerRunner(web.Server(aws.answer), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        aws.port = runner.addresses[0][1]
        yield aws
    finally:
        await runner.cleanup()
