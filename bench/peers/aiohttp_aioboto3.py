"""aiohttp on uvloop with aioboto3's Table, created once."""

import json
import os
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aioboto3
import uvloop
from aiobotocore.config import AioConfig
from aiohttp import web
from boto3.dynamodb.conditions import Key

CONNECTIONS = 256  # as many as the benchmark opens; aiobotocore's default is 10
TABLE = web.AppKey("table", Any)


async def opened(app: web.Application) -> AsyncIterator[None]:
    """Keep the table open while the application runs."""
    async with aioboto3.Session().resource(
        "dynamodb",
        endpoint_url=os.environ["DYNAMODB_ENDPOINT_URL"],
        config=AioConfig(max_pool_connections=CONNECTIONS),
    ) as dynamodb:
        app[TABLE] = await dynamodb.Table(os.environ["TABLE"])
        yield


async def show(request: web.Request) -> web.Response:
    """Return the caller's profile."""
    answer = await request.app[TABLE].query(
        KeyConditionExpression=Key("userId").eq(request.headers["x-amzn-oidc-identity"]),
        ConsistentRead=True,
    )
    if not answer["Items"]:
        raise web.HTTPNotFound
    return web.json_response(text=json.dumps(answer["Items"][0], default=_number))


def _number(value: object) -> int | float:
    """Return a number of boto3's as the json module can write it."""
    if not isinstance(value, Decimal):
        raise TypeError
    return int(value) if value == value.to_integral_value() else float(value)


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
