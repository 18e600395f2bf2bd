"""The user pools of the contract suites: the fake one, and Cognito."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TypeAlias

import aioboto3
import pytest
from aiobotocore.config import AioConfig

from service.aws.session import sdk_session
from service.cognito.adapters import identity_provider
from service.config.settings import CognitoConfig, Config
from tests.contracts import cognito_pools
from tests.contracts.administrator import CognitoAdministrator, MemoryAdministrator
from tests.contracts.support import Stage
from tests.support.accounts import Mailbox
from tests.support.configs import CREDENTIALS
from tests.support.fakes.identity_provider import memory_identity_provider
from tests.support.fakes.user_pool import MemoryUserPool
from tests.support.fakes.user_pool_rules import PoolRules

# As the service opens it; loopback needs no certificates, which take long to load.
SENT_ONCE = AioConfig(retries={"mode": "standard", "total_max_attempts": 1})
Pools: TypeAlias = dict[tuple[PoolRules, bool], CognitoConfig]


@pytest.fixture
def rules() -> PoolRules:
    """Return the rules of the pool; a test that needs others is parametrised with them."""
    return PoolRules()


@pytest.fixture(scope="session")
def pools() -> Pools:
    """Keep the pools that were made, for a pool takes a third of a second."""
    return {}


@pytest.fixture(scope="session")
def aws_session(config: Config) -> aioboto3.Session:
    """Share botocore's session, as loading it takes a tenth of a second."""
    return aioboto3.Session(
        aws_access_key_id=CREDENTIALS.access_key_id,
        aws_secret_access_key=CREDENTIALS.secret_access_key,
        region_name=config.aws.region,
        botocore_session=sdk_session(),
    )


@pytest.fixture(params=["memory", "cognito", "cognito with a client secret"])
async def stage(  # noqa: PLR0913, PLR0917 -- a fixture names what it is made of
    request: pytest.FixtureRequest,
    rules: PoolRules,
    config: Config,
    pools: Pools,
    aws_session: aioboto3.Session,
    mailbox: Mailbox,
) -> AsyncIterator[Stage]:
    """Open each provider in turn."""
    if request.param == "memory":
        pool = MemoryUserPool(rules)

        async def code(username: str) -> str:
            return pool.code(username)

        yield Stage(memory_identity_provider(pool), MemoryAdministrator(pool), code)
        return
    with_secret = request.param == "cognito with a client secret"
    async with aws_session.client(
        "cognito-idp", endpoint_url=config.cognito.endpoint_url, config=SENT_ONCE, verify=False
    ) as cognito:
        if (rules, with_secret) not in pools:
            pools[rules, with_secret] = await cognito_pools.create(
                cognito, config.cognito, rules, with_secret=with_secret
            )
        made = replace(pools[rules, with_secret], send_client_address=True)
        provider = identity_provider(cognito, config=made)
        yield Stage(provider, CognitoAdministrator(cognito, made), mailbox.code)


@pytest.fixture
async def user(stage: Stage) -> str:
    """Return a confirmed user."""
    return await stage.member()
