"""Sessions in user pools that remember devices, over plain HTTP, beyond the life of a token."""

import functools
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import aioboto3
import aiohttp
import pytest
from types_aiobotocore_cognito_idp.type_defs import DeviceConfigurationTypeTypeDef

from local_aws.outbox import Delivery
from local_aws.server import local_aws
from service.app import aws_adapters, create_app
from service.config.settings import CognitoConfig, Config
from tests.end_to_end.calls import Answer, bearer, call, log_in
from tests.support.accounts import PASSWORD
from tests.support.clock import Clock
from tests.support.configs import CREDENTIALS
from tests.support.serving import served

TOKEN_S = 3_600  # the life of an access token
ALWAYS: DeviceConfigurationTypeTypeDef = {
    "ChallengeRequiredOnNewDevice": False,
    "DeviceOnlyRememberedOnUserPrompt": False,
}
CONFIGURATIONS: Mapping[str, DeviceConfigurationTypeTypeDef] = {
    "always": ALWAYS,
    "instead of MFA": {**ALWAYS, "ChallengeRequiredOnNewDevice": True},
    "on prompt": {**ALWAYS, "DeviceOnlyRememberedOnUserPrompt": True},
}
USERNAME = "alice@example.com"


@dataclass(frozen=True)
class Deployment:
    """A running service, and the clock of its Cognito."""

    service: aiohttp.ClientSession
    cognito_clock: Clock


def _ignore(_: Delivery) -> None:
    """Announce a code to nobody."""


async def _remembering_pool(
    config: Config, endpoint_url: str, devices: DeviceConfigurationTypeTypeDef
) -> CognitoConfig:
    """Create a user pool with a confirmed user, and return the settings of its app client."""
    session = aioboto3.Session(
        aws_access_key_id=CREDENTIALS.access_key_id,
        aws_secret_access_key=CREDENTIALS.secret_access_key,
        region_name=config.aws.region,
    )
    async with session.client("cognito-idp", endpoint_url=endpoint_url, verify=False) as cognito:
        made: Any = await cognito.create_user_pool(
            PoolName=f"devices-{uuid.uuid4()}",
            UsernameAttributes=["email"],
            DeviceConfiguration=devices,
        )
        pool_id = made["UserPool"]["Id"]
        client = await cognito.create_user_pool_client(
            UserPoolId=pool_id,
            ClientName="devices",
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            PreventUserExistenceErrors="ENABLED",
            EnableTokenRevocation=True,
        )
        client_id = client["UserPoolClient"]["ClientId"]
        await cognito.sign_up(ClientId=client_id, Username=USERNAME, Password=PASSWORD)
        await cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username=USERNAME)
    return replace(
        config.cognito, endpoint_url=endpoint_url, user_pool_id=pool_id, client_id=client_id
    )


@pytest.fixture(name="deployment", params=CONFIGURATIONS)
async def _deployment(request: pytest.FixtureRequest, config: Config) -> AsyncIterator[Deployment]:
    # The service reads the machine's clock: Cognito's begins hours before it and reaches it.
    clock = Clock(time.time() - 3 * TOKEN_S)  # noqa: TID251 -- the service reads the machine's clock
    async with AsyncExitStack() as stack:
        local = stack.enter_context(local_aws(announce=_ignore, now=clock))
        cognito = await _remembering_pool(config, local.endpoint_url, CONFIGURATIONS[request.param])
        at_once = replace(config, cognito=cognito, auth=replace(config.auth, answer_floor_ms=0))
        app = create_app(at_once, functools.partial(aws_adapters, credentials=CREDENTIALS))
        url = await stack.enter_async_context(served(app, at_once.server))
        yield Deployment(await stack.enter_async_context(aiohttp.ClientSession(url)), clock)


async def _refresh(deployment: Deployment, **session: object) -> Answer:
    return await call(deployment.service, "POST", "/api/auth/refresh", session)


async def test_session_outlives_its_access_tokens(deployment: Deployment) -> None:
    """A client that sends the deviceKey stays signed in for many lives of an access token."""
    service, clock = deployment.service, deployment.cognito_clock
    first = await log_in(service, USERNAME)
    session = {name: first.body[name] for name in ("refreshToken", "deviceKey")}
    expired = await call(service, "GET", "/api/auth/me", headers=bearer(first))

    refreshed = []
    for _ in range(3):
        clock.advance(TOKEN_S)
        refreshed.append(await _refresh(deployment, **session))
    me = await call(service, "GET", "/api/auth/me", headers=bearer(refreshed[-1]))

    assert (expired.status, expired.code) == (401, "token_invalid")
    assert [answer.status for answer in refreshed] == [200] * 3
    assert (me.status, me.body["userId"]) == (200, first.body["userId"])


async def test_session_is_bound_to_its_device(deployment: Deployment) -> None:
    """A refresh token without its deviceKey, or with that of another sign-in, is refused."""
    here, there = [await log_in(deployment.service, USERNAME) for _ in range(2)]
    token = {"refreshToken": here.body["refreshToken"]}

    missing = await _refresh(deployment, **token)
    other = await _refresh(deployment, **token, deviceKey=there.body["deviceKey"])
    right = await _refresh(deployment, **token, deviceKey=here.body["deviceKey"])

    refused = (401, "refresh_token_invalid")
    assert [(answer.status, answer.code) for answer in (missing, other)] == [refused] * 2
    assert right.status == 200
