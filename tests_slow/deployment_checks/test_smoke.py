"""Running deployments are told apart: what works, what is broken, and what believes forged identities."""

import functools
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from local_aws.load_balancer import local_load_balancer
from local_aws.load_balancer_sign_ins import UserPool
from local_aws.load_balancer_signer import ARN
from service.app import aws_adapters, create_app
from service.config.loader import Settings
from service.config.settings import Config
from service.deployment_checks.doctor import aws_clients
from service.deployment_checks.results import (
    FAILED,
    UNCHECKED,
    CheckResult,
    Status,
    as_json,
    as_lines,
    as_table,
    exit_status,
)
from service.deployment_checks.smoke.deployment import open_deployment
from service.deployment_checks.smoke.journey import Credentials
from service.deployment_checks.smoke.run import check_deployment
from service.deployment_checks.smoke.temporary_user import TemporaryUser
from tests.deployment_checks.conftest import REGION, Account
from tests.support.accounts import PASSWORD, new_user
from tests.support.configs import CREDENTIALS, configured
from tests_slow.commands.running import becomes

FORGED = {"identity header alone is refused", "forged signature is refused"}
JOURNEY = {"login", "profile is created", "profile is read", "profile is deleted"}
PATIENT: Settings = {
    "auth": {"answer-floor-ms": "0"},
    "aws.cognito": {"read-timeout-s": "20"},
    "aws.dynamodb": {"read-timeout-s": "20"},
    "server": {"readiness-interval-s": "20"},
}

Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[URL]]


def _by_name(results: list[CheckResult]) -> dict[str, CheckResult]:
    return {result.name: result for result in results}


def _wrong(results: list[CheckResult]) -> set[str]:
    return {result.name for result in results if result.status is Status.WRONG}


def _unknown(results: list[CheckResult]) -> set[str]:
    return {result.name for result in results if result.status is Status.UNKNOWN}


@pytest.fixture(name="config")
def _config(right: Settings) -> Config:
    return configured(right, PATIENT)


@pytest.fixture(name="serve")
def _serve(right: Settings) -> Serve:
    """Return what serves the right set-up with other settings over it."""

    @asynccontextmanager
    async def serving(*settings: Settings, ready: bool = True) -> AsyncIterator[URL]:
        config = configured(right, PATIENT, *settings)
        app = create_app(config, functools.partial(aws_adapters, credentials=CREDENTIALS))
        async with TestServer(app) as server:
            await becomes(str(server.make_url("/health/ready")), 200 if ready else 503)
            yield server.make_url("/")

    return serving


def _user(account: Account, pool_id: str) -> Credentials:
    """Create a user who can sign in."""
    name = new_user()
    account.cognito.admin_create_user(UserPoolId=pool_id, Username=name, MessageAction="SUPPRESS")
    account.cognito.admin_set_user_password(
        UserPoolId=pool_id, Username=name, Password=PASSWORD, Permanent=True
    )
    return Credentials(name, PASSWORD)


async def _smoke(
    url: URL, config: Config | None, credentials: Credentials | None = None
) -> list[CheckResult]:
    async with open_deployment(url) as deployment:
        return await check_deployment(deployment, config=config, credentials=credentials, user=None)


async def _smoke_with_own_user(url: URL, config: Config) -> list[CheckResult]:
    async with open_deployment(url) as deployment, aws_clients(config) as clients:
        user = TemporaryUser(clients.cognito, config.cognito.user_pool_id)
        return await check_deployment(deployment, config=config, credentials=None, user=user)


async def test_right_deployment_is_ok(
    serve: Serve, config: Config, account: Account, pool_id: str
) -> None:
    """A user signs in, and a profile is created, read and deleted; forged identities are refused."""
    async with serve() as url:
        results = await _smoke(url, config, _user(account, pool_id))

    assert {result.status for result in results} == {Status.OK}
    refused = {*FORGED, "second identity is refused", "user token is no service's"}
    assert {result.name for result in results} >= JOURNEY | refused
    left = account.items(config.dynamodb.user_profile_table)
    assert all("city" not in item for item in left)


@pytest.mark.usefixtures("sdk")
async def test_created_user_is_deleted(
    serve: Serve, config: Config, account: Account, pool_id: str
) -> None:
    """With a person's rights a user is created for the checks, and deletes itself at the end."""
    before = account.users(pool_id)
    async with serve() as url:
        results = await _smoke_with_own_user(url, config)

    assert {result.status for result in results} == {Status.OK}
    assert {result.name for result in results} >= {"user is created", "account is deleted"}
    assert account.users(pool_id) == before


@pytest.mark.usefixtures("sdk")
async def test_created_user_is_deleted_although_the_deployment_is_down(
    config: Config, account: Account, pool_id: str
) -> None:
    """Whatever fails, the user that was created does not stay."""
    before = account.users(pool_id)
    answers = iter(range(4))

    async def die_after_four(request: web.Request) -> web.Response:
        if next(answers, None) is None:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", die_after_four)
    async with TestServer(app) as server:
        results = await _smoke_with_own_user(server.make_url("/"), config)

    assert _by_name(results)["user is created"].status is Status.OK
    assert "reachable" in _unknown(results)
    assert account.users(pool_id) == before


async def test_existing_profile_is_not_changed(
    serve: Serve, config: Config, account: Account, pool_id: str
) -> None:
    """The profile of a user who has one is read; what would write is skipped, and that is no failure."""
    user = _user(account, pool_id)
    async with serve() as url, open_deployment(url) as deployment:
        body = {"username": user.username, "password": user.password}
        tokens = (await deployment.call("POST", "/api/auth/login", json=body)).body
        headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
        await deployment.call("POST", "/v1/user/profile", json={"city": "Pune"}, headers=headers)
        before = account.items(config.dynamodb.user_profile_table)
        results = await _smoke(url, config, user)

    assert account.items(config.dynamodb.user_profile_table) == before
    assert _wrong(results) == set()
    assert _unknown(results) == {"profile is created", "profile is deleted"}
    assert exit_status(results) == 0


async def test_deployment_that_believes_the_header_fails_loudly(
    serve: Serve, config: Config
) -> None:
    """A client that names any user by the plain header is believed: the report says so."""
    async with serve({"identity": {"sources": "header bearer"}}) as url:
        results = await _smoke(url, config)

    assert _wrong(results) >= {"identity header alone is refused"}
    result = _by_name(results)["identity header alone is refused"]
    assert result.detail == "404 profile_not_found instead of 401"
    assert result.advice.startswith("DANGER: any client that reaches this URL can read")
    assert exit_status(results) == FAILED


async def test_deployment_behind_a_load_balancer_is_ok(  # noqa: PLR0913, PLR0917 -- fixtures
    serve: Serve,
    right: Settings,
    config: Config,
    account: Account,
    pool_id: str,
    client_id: str,
) -> None:
    """Through a load balancer, with the sources alb and bearer, everything holds too."""
    pool = UserPool(account.url, REGION, pool_id, client_id)
    async with local_load_balancer(pool=pool) as balancer:
        identity = {
            "sources": "alb bearer",
            "alb-arn": ARN,
            "alb-client-id": client_id,
            "alb-key-url": balancer.key_url,
        }
        async with serve({"identity": identity}) as url:
            balancer.target = str(url).rstrip("/")
            through = await _smoke(URL(balancer.url), config, _user(account, pool_id))
            direct = await _smoke(url, configured(right, {"identity": identity}))

    assert {result.status for result in through} == {Status.OK}
    assert _by_name(through)["second identity is refused"].detail.startswith("200 for the user")
    assert _by_name(direct)["forged signature is refused"].status is Status.OK


async def test_refusal_by_a_load_balancer_counts(config: Config) -> None:
    """A load balancer may refuse by 400 who brings its headers, and a firewall by 403."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=400 if "x-amzn-oidc-identity" in request.headers else 403)

    app = web.Application()
    app.router.add_get("/v1/user/profile", answer)
    async with TestServer(app) as server:
        results = _by_name(await _smoke(server.make_url("/"), config))

    assert {results[name].status for name in FORGED} == {Status.OK}
    assert results["no identity is refused"].detail == "403, of a firewall"


async def test_metrics_that_anyone_can_read_are_wrong(config: Config) -> None:
    """The public port must not serve /metrics."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="# TYPE http_requests_total counter")

    app = web.Application()
    app.router.add_get("/metrics", answer)
    async with TestServer(app) as server:
        results = await _smoke(server.make_url("/"), config)

    assert _wrong(results) >= {"no metrics", "ready"}


async def test_token_of_another_client_is_wrong(
    serve: Serve, right: Settings, account: Account, pool_id: str
) -> None:
    """The token's issuer and app client are compared with the settings."""
    user = _user(account, pool_id)
    async with serve() as url:
        other_client = await _smoke(
            url, configured(right, {"aws.cognito": {"client-id": "x"}}), user
        )
        unlisted = await _smoke(
            url, configured(right, {"identity": {"bearer-client-ids": "x"}}), user
        )
        other_pool = await _smoke(
            url, configured(right, {"aws.cognito": {"user-pool-id": f"{REGION}_other"}}), user
        )
        not_compared = await _smoke(url, None, user)

    assert (
        _wrong(other_client) == _wrong(other_pool) == _wrong(unlisted) == {"issuer and app client"}
    )
    assert _unknown(not_compared) == {"issuer and app client"}
    assert exit_status(not_compared) == 0


async def test_deployment_of_another_pool_is_wrong(
    serve: Serve, account: Account, config: Config, pool_id: str
) -> None:
    """A pool that is not that of the app client lets users log in, and then refuses their tokens."""
    async with serve({"aws.cognito": {"user-pool-id": f"{REGION}_AAAAAAAAA"}}, ready=False) as url:
        results = await _smoke(url, config, _user(account, pool_id))

    assert "profile is read" in _wrong(results)
    assert "is not the pool of AWS_COGNITO_CLIENT_ID" in _by_name(results)["profile is read"].advice


async def test_deployment_without_its_table_is_wrong(
    serve: Serve, account: Account, config: Config, pool_id: str
) -> None:
    """A deployment that is not ready says which check fails."""
    async with serve({"aws.dynamodb": {"user-profile-table": "nowhere"}}, ready=False) as url:
        results = await _smoke(url, config, _user(account, pool_id))

    assert _wrong(results) == {"ready", "profile is read"}
    assert "table keys: misconfigured" in _by_name(results)["ready"].detail


async def test_sign_in_that_fails_is_unknown(
    serve: Serve, account: Account, config: Config, pool_id: str
) -> None:
    """A wrong password is the operator's: nothing is known to be wrong with the deployment."""
    user = _user(account, pool_id)
    async with serve() as url:
        results = await _smoke(url, config, Credentials(user.username, "Wrong1!wrong"))
        nobody = await _smoke(url, config)

    assert _wrong(results) == _wrong(nobody) == set()
    assert "login" in _unknown(results) & _unknown(nobody)
    assert exit_status(results) == exit_status(nobody) == UNCHECKED
    assert "SMOKE_USERNAME" in _by_name(nobody)["login"].advice


async def test_challenge_is_unknown(
    serve: Serve, account: Account, config: Config, pool_id: str
) -> None:
    """A user who needs more than a password cannot be signed in by a program."""
    name = new_user()
    account.cognito.admin_create_user(
        UserPoolId=pool_id, Username=name, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
    )
    async with serve() as url:
        results = await _smoke(url, config, Credentials(name, PASSWORD))

    assert _by_name(results)["login"].advice == "Take a user without a second factor."
    assert exit_status(results) == UNCHECKED


async def test_nothing_that_answers_is_unknown(config: Config) -> None:
    """A URL at which nothing answers is one line, and could not be checked."""
    results = await _smoke(URL("http://127.0.0.1:9/"), config)

    assert _unknown(results) == {"reachable"}
    assert exit_status(results) == UNCHECKED


async def test_redirects_to_a_sign_in_page_are_unknown(config: Config) -> None:
    """A load balancer that authenticates API paths redirects, which API clients can't follow."""

    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPFound("https://example.com/sign-in")

    app = web.Application()
    app.router.add_get("/v1/user/profile", redirect)
    async with TestServer(app) as server:
        results = _by_name(await _smoke(server.make_url("/"), config))

    assert results["no identity is refused"].status is Status.UNKNOWN
    assert "`allow`" in results["no identity is refused"].advice


def test_report_is_json_a_table_or_lines() -> None:
    """The JSON has the documented members alone; a table is as wide as the terminal, but for commands."""
    command = "aws " + "x" * 200
    results = [
        CheckResult(1, "one", Status.OK, "fine"),
        CheckResult(2, "two", Status.WRONG, "bad " * 60 + "\x1b[2J", f"Run:\n{command}"),
        CheckResult(3, "three", Status.UNKNOWN, "?", optional=True),
    ]

    report = json.loads(as_json(results))

    assert report["ok"] is False
    assert report["checks"][0] == {
        "step": 1,
        "name": "one",
        "status": "ok",
        "detail": "fine",
        "advice": "",
    }
    assert json.loads(as_json([])) == {"ok": True, "checks": []}
    lines = as_table(results, width=80, coloured=False).splitlines()
    assert any(line.endswith(command) for line in lines)
    assert max(len(line) for line in lines if command not in line) <= 80
    assert lines[-1] == "1 ok, 1 wrong, 1 unknown"
    coloured = as_table(results, width=80, coloured=True)
    assert "\x1b[1;31mwrong\x1b[0m    bad bad" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines() == lines
    assert as_lines(results).splitlines() == [
        "ok 1 one: fine",
        f"wrong 2 two: {'bad ' * 60}\\x1b[2J",
        "  -> Run:",
        f"  {command}",
        "unknown 3 three: ?",
        "1 ok, 1 wrong, 1 unknown",
    ]
