"""The app clients and the resource server of other services, compared with `[services]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.deployment_checks.app_client import described_client
from service.deployment_checks.permissions import NotFound, asked
from service.deployment_checks.results import CheckResult, NamedCheck
from service.domain.identity import ServiceScope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.config.settings import Config

CLIENTS: Final = NamedCheck(2, "service clients")
RESOURCE_SERVER: Final = NamedCheck(2, "resource server")
TOKEN_ENDPOINT: Final = NamedCheck(2, "token endpoint")
CREATE: Final = "python -m service setup --resource-server"


async def describe_services(
    client: CognitoIdentityProviderClient, config: Config
) -> list[CheckResult]:
    """Return how they differ from what is needed; nothing without clients. Raises CannotCheck."""
    clients = config.services.clients
    if not clients:
        return []
    problems: list[CheckResult] = []
    for client_id in clients:
        found = await described_client(client, config, client_id, CLIENTS, "SERVICES_CLIENTS")
        if isinstance(found, CheckResult):
            problems.append(found)
        else:
            problems += (CLIENTS.wrong(*problem) for problem in _problems(found, client_id, config))
    right = CLIENTS.ok(f"{' '.join(clients)}: machine clients of the pool")
    return [await _resource_server(client, config), *(problems or [right])]


def token_endpoint_results(pool: Mapping[str, Any], config: Config) -> list[CheckResult]:
    """Return that the pool has no token endpoint; nothing if it has, or without clients."""
    if not config.services.clients or pool.get("Domain") or pool.get("CustomDomain"):
        return []
    detail = "The user pool has no domain, at which services get their tokens."
    return [TOKEN_ENDPOINT.unknown(detail, f"{CREATE} --domain PREFIX", optional=True)]


async def _resource_server(client: CognitoIdentityProviderClient, config: Config) -> CheckResult:
    pool_id, identifier = config.cognito.user_pool_id, config.services.resource_server
    try:
        answer: Any = await asked(
            client.describe_resource_server(UserPoolId=pool_id, Identifier=identifier),
            RESOURCE_SERVER,
            right="cognito-idp:DescribeResourceServer",
        )
    except NotFound:
        return RESOURCE_SERVER.wrong(
            f"The user pool has no resource server {identifier}.",
            f"Correct SERVICES_RESOURCE_SERVER, or create it:\n{CREATE}",
        )
    found = {scope["ScopeName"] for scope in answer["ResourceServer"].get("Scopes", [])}
    missing = [scope for scope in ServiceScope if scope not in found]
    if missing:
        detail = f"The resource server {identifier} lacks {' '.join(missing)}."
        return RESOURCE_SERVER.wrong(detail, f"Add the scopes:\n{CREATE}")
    return RESOURCE_SERVER.ok(f"{identifier}: {' '.join(ServiceScope)}")


def _problems(
    described: Mapping[str, Any], client_id: str, config: Config
) -> Iterator[tuple[str, str]]:
    flows = described.get("AllowedOAuthFlows", [])
    if "client_credentials" not in flows or not described.get("AllowedOAuthFlowsUserPoolClient"):
        yield (
            f"{client_id} does not allow the client credentials grant.",
            f"List a client that does, or create one:\n{CREATE} CLIENT",
        )
        return
    known = {config.services.scope_of_token(scope) for scope in ServiceScope}
    if not known & set(described.get("AllowedOAuthScopes", [])):
        yield (
            f"{client_id} has no scope of the resource server: all its calls are 403.",
            "Allow it custom scopes in the console of Cognito, under App clients, Login pages.",
        )
