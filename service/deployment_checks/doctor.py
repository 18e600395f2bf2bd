"""All checks of a deployment's set-up: steps 1 to 5 of the set-up guide. They write nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from aiobotocore.config import AioConfig

from service.aws.key_connections import KeyConnections, key_connections
from service.aws.session import open_session
from service.deployment_checks import (
    app_client,
    credentials,
    key_servers,
    service_clients,
    session_tracking,
    table_description,
    table_probes,
    user_pool,
)
from service.deployment_checks import settings as settings_checks
from service.deployment_checks.permissions import CannotCheck
from service.deployment_checks.results import CheckResult

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient
    from types_aiobotocore_dynamodb import DynamoDBClient

    from service.config.settings import Config

OPTIONS: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "read_timeout": 10,
    "retries": {"mode": "standard", "total_max_attempts": 2},
}


@dataclass(frozen=True, slots=True)
class AwsClients:
    """AWS clients with the credentials of the operator who runs the command."""

    cognito: CognitoIdentityProviderClient
    dynamodb: DynamoDBClient
    sts: credentials.STSClient
    keys: KeyConnections


@asynccontextmanager
async def aws_clients(config: Config) -> AsyncIterator[AwsClients]:
    """Open the clients with the credentials that the AWS SDK finds, and close them."""
    options = AioConfig(**OPTIONS)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(config.aws.region))
        opened: dict[str, Any] = {}
        for service, endpoint_url in (
            ("cognito-idp", config.cognito.endpoint_url),
            ("dynamodb", config.dynamodb.endpoint_url),
            ("sts", None),
        ):
            client: Any = session.client(
                cast("Any", service), endpoint_url=endpoint_url, config=options
            )
            opened[service] = await stack.enter_async_context(client)
        cognito = opened["cognito-idp"]
        keys = await key_connections(cognito, config.cognito)
        yield AwsClients(cognito, opened["dynamodb"], opened["sts"], keys)


async def examine(config: Config, clients: AwsClients) -> list[CheckResult]:
    """Return the results of all checks, by step."""
    identity, caller = await credentials.check(clients.sts)
    table = table_probes.TableAddress(
        config.dynamodb.user_profile_table, config.aws.region, caller.account, caller.role
    )
    outcomes, *answers = await asyncio.gather(
        table_probes.probe(clients.dynamodb, table.name),
        table_description.check_excess_rights(clients.dynamodb, table),
        key_servers.check_jwks_once(config, clients.keys),
        app_client.check_sign_in(clients.cognito, config.cognito),
        key_servers.check_load_balancer_keys(config, clients.keys),
    )
    lists = await asyncio.gather(
        table_description.describe_table(clients.dynamodb, table),
        _described(user_pool.describe_pool(clients.cognito, config)),
        _described(session_tracking.describe_sessions(clients.cognito, config)),
        _described(app_client.describe_client(clients.cognito, config)),
        _described(service_clients.describe_services(clients.cognito, config)),
    )
    results = [
        table_probes.key_result(outcomes, table),
        *table_probes.right_results(outcomes, table),
        *(answer for answer in answers if answer is not None),
        *(result for results in lists for result in results),
        identity,
        *settings_checks.check_settings(config),
    ]
    return sorted(results, key=lambda result: result.step)


async def _described(checks: Awaitable[list[CheckResult]]) -> list[CheckResult]:
    """Return the results of *checks*, or that they could not be made."""
    try:
        return await checks
    except CannotCheck as cannot:
        return [cannot.result]
