"""What only AWS can tell, looked up once at the start of the service."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from service.deployment_checks import key_servers, table_probes
from service.deployment_checks.app_client_probe import check_app_client
from service.deployment_checks.results import Status
from service.domain.errors import Misconfigured, UpstreamUnavailable
from service.server.readiness import FailedCheck

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient
    from types_aiobotocore_dynamodb import DynamoDBClient

    from service.authentication.jwks import Jwks
    from service.aws.key_connections import KeyConnections
    from service.config.settings import Config


async def failed_checks(
    config: Config,
    dynamodb: DynamoDBClient,
    cognito: CognitoIdentityProviderClient,
    connections: KeyConnections,
    jwks: Jwks,
) -> list[FailedCheck]:
    """
    Return which of app client, public keys, table and the five rights are not as they must be.

    *jwks* has the user pool's keys afterwards: a ready service needs no fetch for the first token.
    """
    table = table_probes.TableAddress(config.dynamodb.user_profile_table, config.aws.region)
    outcomes, *answers = await asyncio.gather(
        table_probes.probe(dynamodb, table.name),
        check_app_client(cognito, config.cognito),
        key_servers.check_jwks(config, jwks),
        key_servers.check_load_balancer_keys(config, connections),
    )
    results = [
        *(result for result in answers if result is not None),
        table_probes.key_result(outcomes, table),
        *table_probes.right_results(outcomes, table),
    ]
    codes = {Status.WRONG: Misconfigured.code, Status.UNKNOWN: UpstreamUnavailable.code}
    return [
        FailedCheck(
            name=result.name, code=codes[result.status], detail=result.detail, advice=result.advice
        )
        for result in results
        if result.status is not Status.OK
    ]
