"""`local`: serves the API with a local AWS in the same process; nothing persists."""

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from local_aws.http_server import reachable
from local_aws.load_balancer import LocalLoadBalancer, local_load_balancer
from local_aws.load_balancer_domain import SCOPES, AppClient
from local_aws.load_balancer_sign_ins import UserPool
from local_aws.load_balancer_signer import ARN
from local_aws.server import local_aws
from service.app import aws_adapters, create_app
from service.aws.clients import open_clients
from service.aws.session import Credentials
from service.commands import federation_setup, provisioning, service_clients, table_setup
from service.commands.federation_setup import SignInPages
from service.commands.local_flows import FEDERATED_FLOW, FLOW, SERVICE_FLOW, SIGNED_FLOW
from service.commands.serve import log_ignored
from service.commands.service_clients import MachineClient
from service.config import loader
from service.config.loader import Settings
from service.config.settings import Config, environment_name
from service.observability import logs
from service.server import serve
from service.startup_errors import AddressUnavailable

CREDENTIALS = Credentials("local", "local")  # DynamoDB Local takes letters and digits only
NAME = "local"  # of the user pool and of its client
MACHINE = "services"  # the app client of other services
PAGE = "/docs"  # of the service itself, as a redirect URI
RELYING_PARTY = "localhost"  # the only host for which browsers allow passkeys over plain HTTP
MAX_PORT = 65_535
LOOPBACK = {"127.0.0.1", "::1", "[::1]", "localhost"}
# The names of this machine: requests for any other name are refused (DNS rebinding).
LOOPBACK_NAMES = "localhost 127.0.0.1 [::1]"
FINISH_WITHIN_S = 0.5  # Ctrl-C on a laptop must end it at once

DEFAULTS: Settings = {"aws": {"region": "us-east-1"}}
PREFERENCES: Settings = {  # over the file, under the environment
    "identity": {"sources": "alb bearer header", "header-peers": "127.0.0.0/8 ::1/128"},
    "log": {"format": "console"},
    "auth": {"client-metadata": "locale", "refresh-cookie": "browsers"},
    "auth-config": {  # as the local user pool is created
        "flows": "USER_PASSWORD_AUTH USER_AUTH",
        "first-factors": "PASSWORD EMAIL_OTP WEB_AUTHN",
        "passkeys": "true",
        "passkey-relying-party-id": RELYING_PARTY,
        "passkey-user-verification": "required",
        "mfa": "SOFTWARE_TOKEN_MFA WEB_AUTHN_MFA",
        "sessions": "true",
    },
    "federation": {
        "providers": "COGNITO LocalIdP",
        # of the development servers of front ends: Next.js, Vite, Angular
        "redirect-uris": "http://localhost:3000/ http://localhost:3000/callback "
        "http://localhost:5173/ http://localhost:5173/callback "
        "http://localhost:4200/ http://localhost:4200/callback",
    },
    "server": {"host": "127.0.0.1", "allowed-hosts": LOOPBACK_NAMES},
}


def run(file: Path | None, environ: Mapping[str, str]) -> None:
    """Serve until a signal ends it; raises ConfigurationUnusable, SchemaUnusable, AddressUnavailable."""
    with local_aws() as local:
        endpoint = {"endpoint-url": local.endpoint_url}
        placed: Settings = {
            "aws.cognito": endpoint,
            "aws.dynamodb": endpoint,
            "federation": {"domain": local.endpoint_url},
            # Until the load balancer has started.
            "identity": {"alb-arn": ARN, "alb-client-id": NAME, "alb-key-url": "http://localhost"},
        }
        serve.run(_main(file, environ, placed))


async def _main(file: Path | None, environ: Mapping[str, str], placed: Settings) -> None:
    ids = {"user-pool-id": f"{NAME}_{NAME}", "client-id": NAME}  # until the real ones are known
    config = _config(file, environ, _with_ids(placed, ids))
    logs.configure(config.log, sys.stdout)
    log_ignored(environ)
    ids, machine = await _provision(config)
    placed = {**placed, "services": {"clients": machine.client_id}}
    pool = UserPool(
        endpoint_url=placed["aws.cognito"]["endpoint-url"],
        region=config.aws.region,
        user_pool_id=ids["user-pool-id"],
        client_id=ids["client-id"],
    )
    async with AsyncExitStack() as stack:
        balancer = await _balancer(stack, pool, config)
        client = await _balancer_client(config, pool, balancer)
        balancer.sign_browsers_in(client)
        believed = {
            "alb-client-id": client.client_id,
            "bearer-client-ids": "",  # the configured ones are of another pool
            "alb-issuer": pool.issuer,
        }
        placed = _with_balancer(_with_ids(placed, ids), balancer, believed)
        config = _config(file, environ, placed)
        app = create_app(
            config,
            functools.partial(aws_adapters, credentials=CREDENTIALS),
            plain_localhost=True,
        )
        await serve.serve(
            app,
            config.server,
            listening=functools.partial(
                _listening,
                balancer=balancer,
                redirect_uri=config.federation.redirect_uris[0],
                service_flow=functools.partial(
                    SERVICE_FLOW.format,
                    domain=pool.endpoint_url,
                    client_id=machine.client_id,
                    secret=machine.secret,
                ),
            ),
            finish_within_s=FINISH_WITHIN_S,
        )


async def _balancer(stack: AsyncExitStack, pool: UserPool, config: Config) -> LocalLoadBalancer:
    """Start the load balancer, on the next port after the API's if it is free."""
    host, port = config.server.host[0], config.server.port
    ports = (port + 1, 0) if 0 < port < MAX_PORT else (0,)
    try:
        return await stack.enter_async_context(
            local_load_balancer(pool=pool, host=host, ports=ports)
        )
    except OSError as error:
        raise AddressUnavailable(
            f"Cannot listen on {host}: {error.strerror}. Choose another address with SERVER_HOST."
        ) from None


def _config(file: Path | None, environ: Mapping[str, str], placed: Settings) -> Config:
    preferred = {
        section: {
            key: value
            for key, value in entries.items()
            if environment_name(section, key) not in environ
        }
        for section, entries in PREFERENCES.items()
    }
    if not {*environ.get("SERVER_HOST", "").split()} <= LOOPBACK:
        # Other machines reach it by other names.
        preferred["server"].pop("allowed-hosts", None)
    over = {
        section: {**preferred.get(section, {}), **placed.get(section, {})}
        for section in {**preferred, **placed}
    }
    config = loader.load(file, environ, under=DEFAULTS, over=over)
    redirect_uris = config.federation.redirect_uris
    if environment_name("federation", "redirect-uris") not in environ and config.server.port:
        redirect_uris = (_url(config.server.host[0], config.server.port) + PAGE, *redirect_uris)
    return replace(
        config,
        # A configured secret belongs to another client: the local one has none.
        cognito=replace(config.cognito, client_secret=None),
        federation=replace(config.federation, redirect_uris=redirect_uris),
    )


def _with_ids(placed: Settings, ids: Mapping[str, str]) -> Settings:
    return {**placed, "aws.cognito": {**placed["aws.cognito"], **ids}}


def _with_balancer(
    placed: Settings, balancer: LocalLoadBalancer, believed: Mapping[str, str]
) -> Settings:
    trusted = {**placed["identity"], **believed, "alb-key-url": balancer.key_url}
    return {**placed, "identity": trusted}


async def _balancer_client(
    config: Config, pool: UserPool, balancer: LocalLoadBalancer
) -> AppClient:
    """Create the app client of the load balancer, which has started and so knows its address."""
    async with open_clients(config, CREDENTIALS) as clients:
        return AppClient(
            *await federation_setup.create_balancer_client(
                clients.cognito, pool.user_pool_id, balancer.callback_urls, SCOPES
            )
        )


async def _provision(config: Config) -> tuple[dict[str, str], MachineClient]:
    async with open_clients(config, CREDENTIALS) as clients:
        await table_setup.create_table(
            clients.dynamodb.aioboto3, config.dynamodb.user_profile_table
        )
        pool_id = await provisioning.create_user_pool(
            clients.cognito, NAME, passkeys_of=RELYING_PARTY
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
        )
        await service_clients.create_resource_server(
            clients.cognito, pool_id, config.services.resource_server
        )
        machine = await service_clients.create_machine_client(
            clients.cognito, pool_id, MACHINE, config.services
        )
    return {"user-pool-id": pool_id, "client-id": client_id}, machine


def greeting(host: str, port: int) -> str:
    """Return the text with commands to try, for an API that listens on *host* and *port*."""
    return FLOW.format(url=_url(host, port))


def _url(host: str, port: int) -> str:
    shown = "localhost" if host in ("0.0.0.0", "127.0.0.1", "::") else host  # noqa: S104 -- compared
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _listening(
    hosts: Sequence[str],
    port: int,
    *,
    balancer: LocalLoadBalancer,
    redirect_uri: str,
    service_flow: Callable[..., str],
) -> None:
    host = hosts[0]
    balancer.target = f"http://{reachable(host)}:{port}"
    print(SIGNED_FLOW.format(url=_url(host, balancer.port)), end="")  # noqa: T201 -- for a person
    print(  # noqa: T201 -- likewise
        FEDERATED_FLOW.format(url=_url(host, port), redirect_uri=redirect_uri), end=""
    )
    print(service_flow(url=_url(host, port)), end="")  # noqa: T201 -- likewise
    print(greeting(host, port), flush=True)  # noqa: T201 -- likewise
