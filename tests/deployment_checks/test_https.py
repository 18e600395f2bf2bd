"""Passwords and tokens travel by HTTPS alone."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from service.deployment_checks.results import CheckResult, Status
from service.deployment_checks.smoke.deployment import open_deployment
from service.deployment_checks.smoke.endpoints import check_https


async def _checked(url: str, http_port: int = 80) -> CheckResult:
    async with open_deployment(URL(url)) as deployment:
        return await check_https(deployment, http_port=http_port)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]/", "http://localhost:8080"])
async def test_plain_http_is_for_this_machine(url: str) -> None:
    """A service on the same machine needs no encryption."""
    assert (await _checked(url)).status is Status.OK


@pytest.mark.parametrize("url", ["http://api.example.com", "http://10.0.0.7:8080"])
async def test_plain_http_over_a_network_is_wrong(url: str) -> None:
    """What is sent by HTTP can be read on the way."""
    assert (await _checked(url)).status is Status.WRONG


async def test_other_port_has_no_redirect_to_look_for() -> None:
    """A redirect is expected from port 80 to port 443 only."""
    result = await _checked("https://127.0.0.1:8443")

    assert (result.status, result.optional) == (Status.UNKNOWN, True)


async def test_nothing_that_answers_by_http_is_ok() -> None:
    """A closed port is as good as a redirect."""
    assert (await _checked("https://127.0.0.1", http_port=9)).status is Status.OK


@pytest.mark.parametrize(
    ("status", "location", "expected"),
    [
        (301, "https://127.0.0.1/health/live", Status.OK),
        (308, "https://127.0.0.1/", Status.OK),
        (301, "http://127.0.0.1/elsewhere", Status.WRONG),
        (200, "", Status.WRONG),
    ],
)
async def test_http_redirects_to_https(status: int, location: str, expected: Status) -> None:
    """Only a redirect to HTTPS is right; an answer is not."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": location})

    app = web.Application()
    app.router.add_get("/health/live", answer)
    async with TestServer(app) as server:
        result = await _checked("https://127.0.0.1", http_port=server.port or 0)

    assert result.status is expected
