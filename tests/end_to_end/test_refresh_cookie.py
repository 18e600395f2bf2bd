"""A page's session with its refresh token in a cookie, over plain HTTP."""

import functools
from collections.abc import AsyncIterator
from dataclasses import replace
from http.cookies import SimpleCookie

import aiohttp
import pytest

from service.app import aws_adapters, create_app
from service.aws.clients import Clients
from service.commands import provisioning
from service.config.settings import Config
from tests.end_to_end.calls import call
from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests.support.configs import CREDENTIALS
from tests.support.serving import served

NAME = "__Secure-refresh"
REFRESH = "/api/auth/refresh"
LOGOUT = "/api/auth/logout"
PAGE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(name="service")
async def _service(config: Config, clients: Clients) -> AsyncIterator[aiohttp.ClientSession]:
    """Start the service with the cookie, and with an app client as `setup` creates it then."""
    client_id = await provisioning.create_client(
        clients.cognito, config.cognito.user_pool_id, "refresh cookie", rotates=True
    )
    with_cookie = replace(
        config,
        cognito=replace(config.cognito, client_id=client_id),
        auth=replace(config.auth, answer_floor_ms=0, refresh_cookie="true"),
    )
    app = create_app(with_cookie, functools.partial(aws_adapters, credentials=CREDENTIALS))
    async with served(app, with_cookie.server) as url, aiohttp.ClientSession(url) as session:
        yield session


def _cookie(answer: aiohttp.ClientResponse) -> str | None:
    """Return the value of the refresh cookie that a response sets, None without one."""
    found = SimpleCookie("".join(answer.headers.getall("Set-Cookie", [])))
    return found[NAME].value if NAME in found else None


async def test_page_stays_signed_in_until_it_logs_out(
    service: aiohttp.ClientSession, mailbox: Mailbox
) -> None:
    """Sign-up, log-in, three refreshes and log-out: no response body has a refresh token."""
    username = new_user()
    account = {"username": username, "password": PASSWORD, "attributes": {"email": username}}
    await call(service, "POST", "/api/auth/signup", account)
    code = {"username": username, "code": await mailbox.code(username)}
    await call(service, "POST", "/api/auth/confirm", code)
    bodies, cookies = [], []

    body = {"username": username, "password": PASSWORD}
    async with service.post("/api/auth/login", json=body) as answer:
        cookies.append(_cookie(answer))
        bodies.append(await answer.json())
    for _ in range(3):
        headers = {"Cookie": f"{NAME}={cookies[-1]}", **PAGE}
        async with service.post(REFRESH, headers=headers) as answer:
            cookies.append(_cookie(answer))
            bodies.append(await answer.json())
    me = await call(
        service,
        "GET",
        "/api/auth/me",
        headers={"Authorization": f"Bearer {bodies[-1]['accessToken']}"},
    )
    headers = {"Cookie": f"{NAME}={cookies[-1]}", **PAGE}
    async with service.post(LOGOUT, headers=headers) as answer:
        ended = (answer.status, _cookie(answer))
    async with service.post(REFRESH, headers=headers) as answer:
        refused = (answer.status, _cookie(answer))

    assert (me.status, me.body["userId"]) == (200, bodies[0]["userId"])
    assert None not in cookies
    assert len({*cookies}) == 4
    assert [body for body in bodies if "refreshToken" in body or "deviceKey" in body] == []
    assert ended == (204, "")
    assert refused == (401, "")
