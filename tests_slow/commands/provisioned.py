"""What a service needs in a local AWS."""

from collections.abc import Mapping

from service.aws.clients import open_clients
from service.commands import provisioning, table_setup
from tests.support.configs import CREDENTIALS, configured


async def create(url: str, table: str) -> Mapping[str, str]:
    """Create a table, a user pool and an app client; return the variables that name the last two."""
    endpoint = {"endpoint-url": url, "read-timeout-s": "20"}
    settings = configured({"aws.cognito": endpoint, "aws.dynamodb": endpoint})
    async with open_clients(settings, CREDENTIALS) as clients:
        await table_setup.create_table(clients.dynamodb.aioboto3, table)
        pool_id = await provisioning.create_user_pool(clients.cognito, table)
        client_id = await provisioning.create_client(clients.cognito, pool_id, table)
    return {
        "AWS_REGION": settings.aws.region,
        "AWS_COGNITO_USER_POOL_ID": pool_id,
        "AWS_COGNITO_CLIENT_ID": client_id,
    }
