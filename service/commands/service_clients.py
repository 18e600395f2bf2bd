"""What `setup` and `local` create for other services: a resource server and a machine client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import structlog

from service.commands.federation_setup import create_domain
from service.commands.provisioning import find_client
from service.domain.identity import ServiceScope
from service.startup_errors import AwsUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.config.settings import Config, ServicesConfig

CLIENT_CREDENTIALS: Final = "client_credentials"
DESCRIPTIONS: Final = {
    ServiceScope.READ: "Read profiles",
    ServiceScope.WRITE: "Change profiles",
    ServiceScope.ERASE: "Delete profiles",
}


@dataclass(frozen=True, slots=True)
class MachineClient:
    """An app client of the client credentials grant."""

    client_id: str
    secret: str = field(repr=False)


async def create(
    cognito: CognitoIdentityProviderClient,
    config: Config,
    user_pool_id: str,
    client_name: str,
    *,
    domain: str | None,
) -> Mapping[str, str]:
    """
    Create a resource server and a machine client, and return the settings of `[services]`.

    The token endpoint is at the pool's domain, which is created with the prefix *domain* if the pool has
    none; None only logs that it has none. The secret is neither logged nor returned. Raises AwsUnusable.
    """
    services = config.services
    await create_resource_server(cognito, user_pool_id, services.resource_server)
    client = await create_machine_client(cognito, user_pool_id, client_name, services)
    log = structlog.get_logger()
    if domain is not None:
        await create_domain(cognito, user_pool_id, domain)
    pool: Any = (await cognito.describe_user_pool(UserPoolId=user_pool_id))["UserPool"]
    if not pool.get("Domain") and not pool.get("CustomDomain"):
        log.warning(
            "token_endpoint_missing",
            advice="The user pool needs a domain: python -m service setup --resource-server "
            "--domain PREFIX",
        )
    log.info(
        "machine_client_secret",
        shown_by=f"aws cognito-idp describe-user-pool-client --region {config.aws.region} "
        f"--user-pool-id {user_pool_id} --client-id {client.client_id} "
        "--query UserPoolClient.ClientSecret --output text",
    )
    clients = dict.fromkeys((*services.clients, client.client_id))
    return {"clients": " ".join(clients), "resource-server": services.resource_server}


async def create_resource_server(
    cognito: CognitoIdentityProviderClient, user_pool_id: str, identifier: str
) -> None:
    """Create the resource server with its scopes; an existing one gets those that it lacks."""
    named: Any = {"UserPoolId": user_pool_id, "Identifier": identifier}
    wanted: list[Any] = [
        {"ScopeName": scope.value, "ScopeDescription": description}
        for scope, description in DESCRIPTIONS.items()
    ]
    try:
        described: Any = await cognito.describe_resource_server(**named)
    except cognito.exceptions.ResourceNotFoundException:
        await cognito.create_resource_server(**named, Name=identifier, Scopes=wanted)
        structlog.get_logger().info("resource_server_created", identifier=identifier)
        return
    found = described["ResourceServer"]
    scopes = found.get("Scopes", [])
    names = {scope["ScopeName"] for scope in scopes}
    missing = [scope for scope in wanted if scope["ScopeName"] not in names]
    if not missing:
        structlog.get_logger().info("resource_server_found", identifier=identifier)
        return
    await cognito.update_resource_server(
        **named, Name=found.get("Name", identifier), Scopes=[*scopes, *missing]
    )
    structlog.get_logger().info("resource_server_completed", identifier=identifier)


async def create_machine_client(
    cognito: CognitoIdentityProviderClient, user_pool_id: str, name: str, services: ServicesConfig
) -> MachineClient:
    """
    Return the machine client *name* with all scopes, which is created unless it exists.

    An existing client is not changed. Raises AwsUnusable if it is no machine client.
    """
    client_id = await find_client(cognito, user_pool_id, name)
    log = structlog.get_logger()
    answer: Any
    if client_id is None:
        answer = await cognito.create_user_pool_client(
            UserPoolId=user_pool_id,
            ClientName=name,
            GenerateSecret=True,
            ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],  # none in which a user signs in
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=[CLIENT_CREDENTIALS],
            AllowedOAuthScopes=[services.scope_of_token(scope) for scope in ServiceScope],
            PreventUserExistenceErrors="ENABLED",
        )
        log.info("client_created", client_id=answer["UserPoolClient"]["ClientId"])
    else:
        answer = await cognito.describe_user_pool_client(
            UserPoolId=user_pool_id, ClientId=client_id
        )
        log.info("client_found", client_id=client_id)
    client = answer["UserPoolClient"]
    if CLIENT_CREDENTIALS not in client.get("AllowedOAuthFlows", []):
        raise AwsUnusable(
            f"The app client {name} exists, and does not allow the client credentials grant. "
            "Choose another name: --resource-server NAME."
        )
    return MachineClient(client["ClientId"], client["ClientSecret"])
