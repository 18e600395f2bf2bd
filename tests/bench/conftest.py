"""A stub DynamoDB on loopback."""

import asyncio
import functools
from collections.abc import AsyncIterator

import pytest

from bench.stubs import dynamodb, http


@pytest.fixture
async def dynamodb_port() -> AsyncIterator[int]:
    """Serve the stub, and give its port."""
    server = await asyncio.get_running_loop().create_server(
        functools.partial(http.Stub, dynamodb.respond), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]
