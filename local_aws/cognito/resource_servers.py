"""Resource servers with their scopes, and what a client of the client credentials grant may have."""

from collections.abc import Mapping
from typing import Any, Final

from moto.cognitoidp.models import CognitoIdpUserPool as Pool
from moto.cognitoidp.models import CognitoResourceServer as ResourceServer

from local_aws.cognito.directory import find_pool
from local_aws.cognito.errors import (
    InvalidOAuthFlowException,
    InvalidParameterException,
    ResourceNotFoundException,
    ScopeDoesNotExistException,
)
from local_aws.cognito.records import ADMIN_SCOPE
from local_aws.cognito.state import Call

CLIENT_CREDENTIALS: Final = "client_credentials"
STANDARD_SCOPES: Final = ("openid", "email", "phone", "profile", ADMIN_SCOPE)


def update_resource_server(call: Call) -> dict[str, Any]:
    """Replace the name and all scopes of a resource server."""
    server = _find(call)
    server.name = call.parameters["Name"]
    server.scopes = call.parameters.get("Scopes", [])
    return {"ResourceServer": server.to_json()}


def delete_resource_server(call: Call) -> dict[str, Any]:
    """Delete a resource server."""
    server = _find(call)
    del find_pool(server.user_pool_id).resource_servers[server.identifier]
    return {}


def _find(call: Call) -> ResourceServer:
    pool, identifier = find_pool(call.parameters["UserPoolId"]), call.parameters["Identifier"]
    if identifier not in pool.resource_servers:
        raise ResourceNotFoundException(f"Resource server {identifier} does not exist.")
    server: ResourceServer = pool.resource_servers[identifier]
    return server


def check_client(pool: Pool, parameters: Mapping[str, Any], *, has_secret: bool) -> None:
    """Raise if an app client cannot have these OAuth flows and scopes."""
    flows = parameters.get("AllowedOAuthFlows", [])
    scopes = parameters.get("AllowedOAuthScopes", [])
    if parameters.get("AllowedOAuthFlowsUserPoolClient") and not (flows and scopes):
        raise InvalidParameterException(
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to"
            " use OAuth flows."
        )
    if CLIENT_CREDENTIALS in flows:
        _check_client_credentials(flows, scopes, has_secret=has_secret)
    custom = custom_scopes(pool)
    for scope in scopes:
        if scope not in STANDARD_SCOPES and scope not in custom:
            raise ScopeDoesNotExistException(f"Invalid scope requested: {scope}")


def _check_client_credentials(flows: list[str], scopes: list[str], *, has_secret: bool) -> None:
    if len(flows) > 1:
        raise InvalidOAuthFlowException(
            "client_credentials flow can not be selected along with code flow or implicit flow"
        )
    if not has_secret:
        raise InvalidOAuthFlowException(
            "client_credentials flow can not be selected if client does not have a client secret."
        )
    for scope in scopes:
        if scope in STANDARD_SCOPES:
            raise InvalidOAuthFlowException(
                f"{scope} is not supported with client_credentials flow"
            )


def custom_scopes(pool: Pool) -> set[str]:
    """Return the scopes of all resource servers, as tokens have them."""
    return {
        f"{server.identifier}/{scope['ScopeName']}"
        for server in pool.resource_servers.values()
        for scope in server.scopes or []
    }
