"""`local`: serves in front of a local AWS that it brings along; nothing outlives it."""

import functools
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from service import aws, config_file, log, provisioning, server
from service.app import aws_adapters, create_app
from service.config import Config
from service.config_file import Settings, environment_name
from service.local.server import local_aws

CREDENTIALS = aws.Credentials("local", "local")  # letters only: DynamoDB Local takes no others
NAME = "local"  # of the user pool and of its client

DEFAULTS: Settings = {"aws": {"region": "us-east-1"}}
PREFERENCES: Settings = {  # over the file, under the environment
    "log": {"format": "console"},
    "server": {"host": "127.0.0.1"},
}

FLOW = """
The API listens on {url}   (page: {url}/docs)
Codes are printed here as they are "sent". Try it from another terminal, line by line:

curl -s {url}/api/auth/signup -H 'Content-Type: application/json' \
-d '{{"username": "alice", "password": "YourPass123!", "attributes": {{"email": "alice@example.com"}}}}'
CODE=000000   # put the code here that was printed for alice
curl -s {url}/api/auth/confirm -H 'Content-Type: application/json' \
-d '{{"username": "alice", "code": "'$CODE'"}}'
USER_ID=$(curl -s {url}/api/auth/login -H 'Content-Type: application/json' \
-d '{{"username": "alice", "password": "YourPass123!"}}' | sed 's/.*"userId":"\\([^"]*\\)".*/\\1/')
curl -s {url}/v1/user/profile -H "x-amzn-oidc-identity: $USER_ID" -H 'Content-Type: application/json' \
-d '{{"city": "Mumbai", "country": "India"}}'
curl -s {url}/v1/user/profile -H "x-amzn-oidc-identity: $USER_ID"

Ctrl-C ends it; accounts and profiles are gone then.
"""


def run(file: Path | None, environ: Mapping[str, str]) -> None:
    """Serve until a signal ends it; raises ConfigurationUnusable, SchemaUnusable, AddressUnavailable."""
    with local_aws() as local:
        endpoint = {"endpoint-url": local.endpoint_url}
        placed: Settings = {"aws.cognito": endpoint, "aws.dynamodb": endpoint}
        server.run(_main(file, environ, placed))


async def _main(file: Path | None, environ: Mapping[str, str], placed: Settings) -> None:
    ids = {"user-pool-id": f"{NAME}_{NAME}", "client-id": NAME}  # until the real ones are known
    config = _config(file, environ, _with_ids(placed, ids))
    log.configure(config.log, sys.stdout)
    config = _config(file, environ, _with_ids(placed, await _provision(config)))
    app = create_app(config, functools.partial(aws_adapters, credentials=CREDENTIALS))
    await server.serve(app, config.server, listening=_greet)


def _config(file: Path | None, environ: Mapping[str, str], placed: Settings) -> Config:
    preferred = {
        section: {
            key: value
            for key, value in entries.items()
            if environment_name(section, key) not in environ
        }
        for section, entries in PREFERENCES.items()
    }
    config = config_file.load(file, environ, under=DEFAULTS, over={**preferred, **placed})
    # A secret that is set belongs to another client: the local one has none.
    return replace(config, cognito=replace(config.cognito, client_secret=None))


def _with_ids(placed: Settings, ids: Mapping[str, str]) -> Settings:
    return {**placed, "aws.cognito": {**placed["aws.cognito"], **ids}}


async def _provision(config: Config) -> dict[str, str]:
    async with aws.clients(config, CREDENTIALS) as clients:
        await provisioning.create_table(clients.dynamodb, config.dynamodb.user_profile_table)
        pool_id = await provisioning.create_user_pool(clients.cognito, NAME)
        client_id = await provisioning.create_client(clients.cognito, pool_id, NAME)
    return {"user-pool-id": pool_id, "client-id": client_id}


def greeting(host: str, port: int) -> str:
    """Return what to try, with the address where a browser on this machine finds the API."""
    reachable = "localhost" if host in ("0.0.0.0", "127.0.0.1", "::") else host  # noqa: S104 -- compared
    return FLOW.format(url=f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}")


def _greet(host: str, port: int) -> None:
    print(greeting(host, port), flush=True)  # noqa: T201 -- to a person
