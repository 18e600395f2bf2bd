"""Federated sign-in, from the page of an application to its profile, with a browser over plain HTTP."""

import functools
import io
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest

from local_aws.outbox import Delivery
from local_aws.server import local_aws
from service.app import aws_adapters, create_app
from service.aws.clients import open_clients
from service.commands import federation_setup, provisioning
from service.config.settings import Config, LogConfig
from service.observability import logs
from tests.end_to_end.calls import PROFILE, Answer, bearer, call, log_in
from tests.support.accounts import PASSWORD
from tests.support.browser import Browser, Page, Proof, browser
from tests.support.configs import CREDENTIALS
from tests.support.process_state import restored
from tests.support.serving import served

CALLBACK = "https://app.example.com/in"
OTHER_CALLBACK = "http://localhost:3000/"
FEDERATED = "/api/auth/federated"


@dataclass(frozen=True)
class Deployment:
    """A running service whose user pool has a domain, a browser, a user, and the service's log."""

    service: aiohttp.ClientSession
    browser: Browser
    username: str
    other_client_id: str
    log: io.StringIO

    @property
    def email(self) -> str:
        """The address at the provider: of this test alone, since it decides the sub."""
        return f"{self.username}@example.com"

    async def begin(self, proof: Proof, **more: str) -> str:
        """Return the URL of a sign-in."""
        body = {"codeChallenge": proof.challenge, "state": proof.state, "redirectUri": CALLBACK}
        begun = await call(self.service, "POST", FEDERATED, {**body, **more})
        assert begun.status == 200, begun
        url: str = begun.body["url"]
        return url

    async def arrive(self, proof: Proof, **more: str) -> Page:
        """Sign in with the external provider, and return where the browser arrived."""
        page = await self.browser.open(await self.begin(proof, provider="LocalIdP", **more))
        return await self.browser.submit(page, email=self.email)

    async def complete(self, code: str, proof: Proof, **changes: Any) -> Answer:  # noqa: ANN401 -- JSON
        """Exchange a code, with changes of the body."""
        body = {"code": code, "redirectUri": CALLBACK, "codeVerifier": proof.verifier}
        return await call(self.service, "POST", f"{FEDERATED}/tokens", {**body, **changes})


def _ignore(_: Delivery) -> None:
    """Announce a code to nobody."""


async def _with_domain(
    config: Config, url: str, username: str, *, with_secret: bool
) -> tuple[Config, str]:
    """Create a pool with a domain, a user and app clients; return settings, and another client's id."""
    federation = replace(
        config.federation,
        domain=url,
        providers=("COGNITO", "LocalIdP"),
        redirect_uris=(CALLBACK, OTHER_CALLBACK),
    )
    pages = federation_setup.SignInPages(
        federation.redirect_uris, federation.scopes, federation.providers
    )
    async with open_clients(config, CREDENTIALS) as clients:
        cognito = clients.cognito
        pool_id = await provisioning.create_user_pool(cognito, "federated")
        await federation_setup.create_domain(cognito, pool_id, "federated")
        await federation_setup.create_stand_ins(cognito, pool_id, ["LocalIdP"])
        own_id = await provisioning.create_client(cognito, pool_id, "own", sign_in_pages=pages)
        other = await provisioning.create_client(cognito, pool_id, "other", sign_in_pages=pages)
        client_id, secret = own_id, None
        if with_secret:
            made = await cognito.create_user_pool_client(
                UserPoolId=pool_id,
                ClientName="confidential",
                GenerateSecret=True,
                ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
                **pages.client_settings(),
            )
            client_id = made["UserPoolClient"]["ClientId"]
            secret = made["UserPoolClient"]["ClientSecret"]
        await cognito.sign_up(
            ClientId=own_id, Username=username, Password=PASSWORD, UserAttributes=[]
        )
        await cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username=username)
    cognito_config = replace(
        config.cognito, user_pool_id=pool_id, client_id=client_id, client_secret=secret
    )
    return replace(config, cognito=cognito_config, federation=federation), other


@pytest.fixture(name="deployment", params=["public", "confidential"])
async def _deployment(request: pytest.FixtureRequest, config: Config) -> AsyncIterator[Deployment]:
    log, username = io.StringIO(), f"alice-{uuid.uuid4()}"
    async with AsyncExitStack() as stack:
        stack.enter_context(restored())
        local = stack.enter_context(local_aws(announce=_ignore))
        own = replace(
            config,
            cognito=replace(config.cognito, endpoint_url=local.endpoint_url),
            auth=replace(config.auth, answer_floor_ms=0),
        )
        own, other = await _with_domain(
            own, local.endpoint_url, username, with_secret=request.param == "confidential"
        )
        logs.configure(LogConfig("debug", "json"), log)
        app = create_app(own, functools.partial(aws_adapters, credentials=CREDENTIALS))
        url = await stack.enter_async_context(served(app, own.server))
        service = await stack.enter_async_context(aiohttp.ClientSession(url))
        opened = await stack.enter_async_context(browser())
        yield Deployment(service, opened, username, other, log)


async def test_journey_of_a_user_of_another_provider(deployment: Deployment) -> None:
    """A user signs in at a provider, has an account and a profile, and signs out."""
    service, proof = deployment.service, Proof()
    offered = await call(service, "GET", "/api/auth/config")
    arrived = await deployment.arrive(proof, nonce="n1")
    code = arrived.query["code"]

    tokens = await deployment.complete(code, proof, nonce="n1")
    me = await call(service, "GET", "/api/auth/me", headers=bearer(tokens))
    made = await call(service, "POST", PROFILE, {"city": "Mumbai"}, bearer(tokens))
    refreshed = await call(
        service, "POST", "/api/auth/refresh", {"refreshToken": tokens.body["refreshToken"]}
    )
    logout = {"refreshToken": tokens.body["refreshToken"]}
    logged_out = await call(service, "POST", "/api/auth/logout", logout)
    end = await call(service, "POST", f"{FEDERATED}/logout", {"redirectUri": OTHER_CALLBACK})
    still = await deployment.browser.open(await deployment.begin(Proof()))
    left = await deployment.browser.open(end.body["url"])
    after = await deployment.browser.open(await deployment.begin(Proof()))

    assert offered.body["federation"] == {
        "providers": ["COGNITO", "LocalIdP"],
        "redirectUris": [CALLBACK, OTHER_CALLBACK],
    }
    assert arrived.url.startswith(f"{CALLBACK}?")
    assert arrived.query["state"] == proof.state
    assert tokens.status == 200
    assert me.body["username"].startswith("LocalIdP_")
    assert me.body["attributes"]["email"] == deployment.email
    assert (made.status, made.body["userId"]) == (201, tokens.body["userId"])
    assert (refreshed.status, refreshed.body["userId"]) == (200, tokens.body["userId"])
    assert logged_out.status == 204
    assert "code" in still.query
    assert left.url == OTHER_CALLBACK
    assert "password" in after.text
    log = deployment.log.getvalue()
    secrets = (code, proof.verifier, *(tokens.body[name] for name in ("idToken", "accessToken")))
    assert "signed_in" in log
    assert [secret for secret in secrets if secret in log] == []


async def test_user_of_the_pool_signs_in_on_its_page(deployment: Deployment) -> None:
    """The sign-in page is for the pool's own users too, and leads to the same account as a login."""
    proof = Proof()
    page = await deployment.browser.open(await deployment.begin(proof, provider="COGNITO"))
    name = deployment.username
    refused = await deployment.browser.submit(page, username=name, password=f"{PASSWORD}x")
    arrived = await deployment.browser.submit(page, username=name, password=PASSWORD)
    tokens = await deployment.complete(arrived.query["code"], proof)
    by_password = await log_in(deployment.service, name)

    assert refused.alert is not None
    assert tokens.status == 200
    assert tokens.body["userId"] == by_password.body["userId"]


async def test_code_is_of_one_sign_in_only(deployment: Deployment) -> None:
    """A used code, another verifier or redirect URI, and another client's code are refused alike."""
    proof = Proof()
    used = (await deployment.arrive(proof)).query["code"]
    assert (await deployment.complete(used, proof)).status == 200
    swapped, elsewhere, nonce = [
        (await deployment.arrive(proof, nonce="n1")).query["code"] for _ in range(3)
    ]
    url = await deployment.begin(proof, provider="LocalIdP")
    own_id = url.partition("client_id=")[2].partition("&")[0]
    foreign_url = url.replace(own_id, deployment.other_client_id)
    foreign = await deployment.browser.submit(
        await deployment.browser.open(foreign_url), email=deployment.email
    )

    refusals = [
        await deployment.complete(used, proof),
        await deployment.complete(swapped, proof, codeVerifier=Proof().verifier),
        await deployment.complete(elsewhere, proof, redirectUri=OTHER_CALLBACK),
        await deployment.complete(nonce, proof, nonce="n2"),
        await deployment.complete(foreign.query["code"], proof),
        await deployment.complete("no-such-code", proof),
    ]

    assert {(each.status, each.code) for each in refusals} == {(400, "authorization_code_invalid")}
    foreign_uri = await deployment.complete(used, proof, redirectUri="https://evil.example/in")
    assert (foreign_uri.status, foreign_uri.code) == (422, "invalid_fields")
