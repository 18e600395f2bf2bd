"""The HTTP layer with fakes behind it."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from service.app import Adapters, create_app
from service.config_file import Settings
from tests.stage import configured, opening

Api: TypeAlias = TestClient[web.Request, web.Application]
Start: TypeAlias = Callable[..., Awaitable[Api]]

ALICE = {"x-amzn-oidc-identity": "alice"}


@pytest.fixture
def start(aiohttp_client: AiohttpClient, memory: Adapters) -> Start:
    """Return what starts the service with other settings, or with other adapters."""

    async def started(*settings: Settings, adapters: Adapters = memory) -> Api:
        return await aiohttp_client(create_app(configured(*settings), opening(adapters)))

    return started


@pytest.fixture
async def api(start: Start) -> Api:
    """Start the service with its defaults."""
    return await start()
