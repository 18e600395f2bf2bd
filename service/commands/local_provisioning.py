"""The table, the user pool and the clients that `local` serves."""

from service.aws.clients import open_clients
from service.aws.session import Credentials
from service.commands import (
    federation_setup,
    local_settings,
    provisioning,
    service_clients,
    table_setup,
)
from service.commands.federation_setup import SignInPages
from service.commands.service_clients import MachineClient
from service.config.settings import Config

CREDENTIALS = Credentials("local", "local")  # DynamoDB Local takes letters and digits only
NAME = "local"  # of the user pool and of its client
MACHINE = "services"  # the app client of other services


async def provision(config: Config) -> tuple[dict[str, str], MachineClient]:
    """Create what `local` serves unless it exists; return the ids as settings, and the machine client."""
    async with open_clients(config, CREDENTIALS) as clients:
        await table_setup.create_table(
            clients.dynamodb.aioboto3, config.dynamodb.user_profile_table
        )
        pool_id = await provisioning.create_user_pool(
            clients.cognito, NAME, passkeys_of=local_settings.RELYING_PARTY
        )
        await provisioning.track_sessions(clients.cognito, pool_id)
        await federation_setup.create_domain(clients.cognito, pool_id, NAME)
        await federation_setup.create_stand_ins(
            clients.cognito, pool_id, config.federation.providers
        )
        pages = SignInPages(
            config.federation.redirect_uris, config.federation.scopes, config.federation.providers
        )
        client_id = await provisioning.create_client(
            clients.cognito,
            pool_id,
            NAME,
            sign_in_pages=pages,
            rotates=config.auth.refresh_cookie != "false",
            srp=True,
            updates=True,  # the settings of this start, and its ports
        )
        await service_clients.create_resource_server(
            clients.cognito, pool_id, config.services.resource_server
        )
        machine = await service_clients.create_machine_client(
            clients.cognito, pool_id, MACHINE, config.services
        )
    return {"user-pool-id": pool_id, "client-id": client_id}, machine
