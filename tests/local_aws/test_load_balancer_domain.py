"""Browsers sign in at the local load balancer on the pages of the pool's domain."""

import functools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import pytest
from yarl import URL

from local_aws.load_balancer import LocalLoadBalancer, local_load_balancer
from local_aws.load_balancer_domain import SCOPES, SESSION_S, AppClient
from local_aws.load_balancer_sign_ins import UserPool
from local_aws.load_balancer_signer import ARN
from service.app import aws_adapters, create_app
from service.aws.clients import Clients
from service.commands import federation_setup
from service.config.settings import Config
from tests.api.raw_http import serving
from tests.support.accounts import PASSWORD, new_user
from tests.support.browser import Browser, browser
from tests.support.clock import Clock
from tests.support.configs import CREDENTIALS

PROFILE = "/v1/user/profile"


@dataclass(frozen=True)
class Scene:
    """The load balancer in front of the API, a browser, and the name of a user."""

    balancer: LocalLoadBalancer
    browser: Browser
    username: str
    clock: Clock

    async def status(self, path: str) -> int:
        """Return the status of a GET with the browser's cookies."""
        async with self.browser.session.get(self.balancer.url + path) as answer:
            await answer.read()
            return answer.status


@pytest.fixture(name="scene")
async def _scene(config: Config, clients: Clients) -> AsyncIterator[Scene]:
    pool_id, cognito, username = config.cognito.user_pool_id, clients.cognito, new_user()
    await federation_setup.create_domain(cognito, pool_id, "load-balancer")
    await cognito.sign_up(
        ClientId=config.cognito.client_id, Username=username, Password=PASSWORD, UserAttributes=[]
    )
    await cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username=username)
    endpoint_url = config.cognito.endpoint_url or ""
    pool = UserPool(endpoint_url, config.aws.region, pool_id, config.cognito.client_id)
    clock = Clock(time.time())  # noqa: TID251 -- the API reads the machine's clock
    async with AsyncExitStack() as stack:
        balancer = await stack.enter_async_context(local_load_balancer(pool=pool, clock=clock))
        client = AppClient(
            *await federation_setup.create_balancer_client(
                cognito, pool_id, balancer.callback_urls, SCOPES
            )
        )
        balancer.sign_browsers_in(client)
        identity = replace(
            config.identity,
            sources=("alb",),
            alb_arn=(ARN,),
            alb_key_url=balancer.key_url,
            alb_client_id=client.client_id,
        )
        adapters = functools.partial(aws_adapters, credentials=CREDENTIALS)
        app = create_app(replace(config, identity=identity), adapters)
        port = await stack.enter_async_context(serving(app))
        balancer.target = f"http://127.0.0.1:{port}"
        yield Scene(balancer, await stack.enter_async_context(browser()), username, clock)


async def test_browser_signs_in_on_the_page_of_the_pool(scene: Scene) -> None:
    """/login leads to the page and back; then requests have the user's identity and access token."""
    before = await scene.status(PROFILE)
    arrived = await scene.browser.open(f"{scene.balancer.url}/login")
    page = await scene.browser.open(arrived.url)
    returned = await scene.browser.submit(page, username=scene.username, password=PASSWORD)

    landed = await scene.browser.open(returned.url)

    assert before == 401
    assert landed.url == f"{scene.balancer.url}/docs"
    assert await scene.status(PROFILE) == 404
    async with scene.browser.session.get(f"{scene.balancer.url}/api/auth/me") as answer:
        assert (await answer.json())["username"] == scene.username
    scene.clock.advance(SESSION_S)
    assert await scene.status(PROFILE) == 401


async def test_sign_in_of_another_browser_is_refused(scene: Scene) -> None:
    """A browser that did not begin the sign-in, or has no valid code, gets no session."""
    foreign = f"/oauth2/idpresponse?{urlencode({'code': 'x', 'state': 'y'})}"
    assert await scene.status(foreign) == 401
    url = f"{scene.balancer.url}/login"
    async with scene.browser.session.get(url, allow_redirects=False) as answer:
        state = URL(answer.headers["Location"]).query["state"]
    assert await scene.status(foreign) == 401

    invalid = f"/oauth2/idpresponse?{urlencode({'code': 'x', 'state': state})}"

    assert await scene.status(invalid) == 561
    assert await scene.status(PROFILE) == 401
