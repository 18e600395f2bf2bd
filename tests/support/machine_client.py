"""A machine client of the user pool of a configuration, and its access token."""

import uuid
from dataclasses import replace

from service.aws.clients import open_clients
from service.commands.federation_setup import create_domain
from service.commands.service_clients import create_machine_client, create_resource_server
from service.config.settings import Config
from tests.support.configs import CREDENTIALS
from tests.support.token_endpoint import post_token


async def machine_client(config: Config) -> tuple[Config, str]:
    """Create a client with all scopes; return *config* with it, and its token."""
    pool_id, name = config.cognito.user_pool_id, f"machine-{uuid.uuid4().hex}"
    async with open_clients(config, CREDENTIALS) as clients:
        await create_resource_server(clients.cognito, pool_id, config.services.resource_server)
        await create_domain(clients.cognito, pool_id, name)
        client = await create_machine_client(clients.cognito, pool_id, name, config.services)
    assert config.cognito.endpoint_url is not None
    form = {"grant_type": "client_credentials"}
    status, answer = await post_token(
        config.cognito.endpoint_url, form, (client.client_id, client.secret)
    )
    assert status == 200, answer
    services = replace(config.services, clients=(client.client_id,), client_burst=0)
    return replace(config, services=services), answer["access_token"]
