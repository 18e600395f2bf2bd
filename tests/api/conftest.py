"""The HTTP layer in front of fakes."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import StrOrURL
from aiohttp.web_runner import BaseRunner
from pytest_aiohttp.plugin import AiohttpClient

from service.api import keys
from service.app import Adapters, create_app
from service.config.loader import Settings
from tests.api.openapi_check import answer_check
from tests.support.configs import configured, opening

Api: TypeAlias = TestClient[web.Request, web.Application]
Start: TypeAlias = Callable[..., Awaitable[Api]]

AT_ONCE: Settings = {"auth": {"answer-floor-ms": "0"}}  # how long refusals wait is tested elsewhere
ALICE = {"x-amzn-oidc-identity": "alice"}


class CheckedClient(TestClient[web.Request, web.Application]):
    """A client that checks every response against the service's API document."""

    async def _request(
        self,
        method: str,
        path: StrOrURL,
        **kwargs: Any,  # noqa: ANN401 -- aiohttp's signature
    ) -> ClientResponse:
        answer = await super()._request(method, path, **kwargs)
        answer_check(self.app[keys.OPENAPI]).check(
            method,
            answer.url.raw_path,
            status=answer.status,
            headers=answer.headers,
            body=await answer.read(),
        )
        return answer


class ServiceServer(TestServer):
    """A server that does not decompress bodies, like the service's own."""

    async def _make_runner(self, **options: Any) -> BaseRunner:  # noqa: ANN401 -- aiohttp's signature
        return await super()._make_runner(auto_decompress=False, **options)


@pytest.fixture
def aiohttp_client_cls() -> type[CheckedClient]:
    """Return the client that pytest-aiohttp makes."""
    return CheckedClient


@pytest.fixture
def start(aiohttp_client: AiohttpClient, memory: Adapters) -> Start:
    """Return a function that starts the service with other settings or adapters."""

    async def started(*settings: Settings, adapters: Adapters = memory) -> Api:
        config = configured(AT_ONCE, *settings)
        server = ServiceServer(create_app(config, opening(adapters)))
        return cast("Api", await aiohttp_client(server))

    return started


@pytest.fixture
async def api(start: Start) -> Api:
    """Start the service with its defaults."""
    return await start()
