"""The service as a whole, over sockets: in this process, or where the environment says."""

import functools
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from service.app import aws_adapters, create_app
from service.config.settings import Config
from tests.end_to_end.calls import call
from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests.support.configs import CREDENTIALS
from tests.support.serving import served


@pytest.fixture
async def service(config: Config) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session with the service: TEST_SERVICE_URL, or one started for this test."""
    given = os.environ.get("TEST_SERVICE_URL")
    if given is not None:
        async with aiohttp.ClientSession(given) as session:
            yield session
        return
    at_once = replace(  # no test is about time; the rest is as docker-compose.yml has it
        config,
        auth=replace(config.auth, answer_floor_ms=0, client_metadata=("locale",)),
        auth_config=replace(config.auth_config, first_factors=("PASSWORD", "EMAIL_OTP")),
    )
    app = create_app(at_once, functools.partial(aws_adapters, credentials=CREDENTIALS))
    deadline_s = config.server.request_deadline_s
    async with (
        served(app, config.server, finish_within_s=deadline_s) as url,
        aiohttp.ClientSession(url) as session,
    ):
        yield session


@pytest.fixture
async def user(service: aiohttp.ClientSession, mailbox: Mailbox) -> str:
    """Return a user who has signed up and confirmed."""
    username = new_user()
    account = {"username": username, "password": PASSWORD, "attributes": {"email": username}}
    signed_up = await call(service, "POST", "/api/auth/signup", account)
    right = {"username": username, "code": await mailbox.code(username)}
    confirmed = await call(service, "POST", "/api/auth/confirm", right)
    assert (signed_up.status, confirmed.status) == (201, 200)
    return username
