"""aiohttp on uvloop with aiodynamo, a DynamoDB client for asyncio without botocore."""

import json
import os
from collections.abc import AsyncIterator

import uvloop
from aiodynamo.client import Client, Table
from aiodynamo.credentials import Credentials
from aiodynamo.expressions import HashKey
from aiodynamo.http.aiohttp import AIOHTTP
from aiohttp import ClientSession, TCPConnector, web
from yarl import URL

CONNECTIONS = 256  # as many as the benchmark opens; aiohttp's default is 100
TABLE = web.AppKey("table", Table)


async def opened(app: web.Application) -> AsyncIterator[None]:
    """Keep the client open while the application runs."""
    async with ClientSession(connector=TCPConnector(limit=CONNECTIONS)) as session:
        client = Client(
            AIOHTTP(session),
            Credentials.auto(),
            os.environ["AWS_DEFAULT_REGION"],
            endpoint=URL(os.environ["DYNAMODB_ENDPOINT_URL"]),
        )
        app[TABLE] = client.table(os.environ["TABLE"])
        yield


async def show(request: web.Request) -> web.Response:
    """Return the caller's profile."""
    sub = request.headers["x-amzn-oidc-identity"]
    async for item in request.app[TABLE].query(HashKey("userId", sub), consistent_read=True):
        return web.json_response(text=json.dumps(item))
    raise web.HTTPNotFound


def main() -> None:
    """Serve until a signal ends it."""
    app = web.Application()
    app.cleanup_ctx.append(opened)
    app.router.add_get("/v1/user/profile", show)
    web.run_app(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main()
