"""`local`: serves the API with a local AWS in the same process."""

import functools
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from local_aws.http_server import reachable
from local_aws.load_balancer import LocalLoadBalancer, local_load_balancer
from local_aws.load_balancer_domain import SCOPES, AppClient
from local_aws.load_balancer_sign_ins import UserPool
from local_aws.load_balancer_signer import ARN
from local_aws.saved_state.file import FolderInUse
from local_aws.server import LocalAws, SavedIn, local_aws
from service.app import aws_adapters, create_app
from service.aws.clients import open_clients
from service.commands import (
    federation_setup,
    local_flows,
    local_provisioning,
    local_settings,
)
from service.commands.local_flows import Addresses
from service.commands.local_provisioning import CREDENTIALS, NAME
from service.commands.serve import log_ignored
from service.commands.service_clients import MachineClient
from service.config.loader import Settings
from service.config.settings import Config
from service.observability import logs
from service.server import serve
from service.startup_errors import AddressUnavailable, FileUnwritable

HOST = "127.0.0.1"  # of the local AWS
MAX_PORT = 65_535
FINISH_WITHIN_S = 0.5  # Ctrl-C on a laptop must end it at once

# Until the local AWS has started, and the user pool exists.
PENDING: Settings = {
    "aws.cognito": {
        "endpoint-url": "http://localhost",
        "user-pool-id": f"{NAME}_{NAME}",
        "client-id": NAME,
    },
    "aws.dynamodb": {"endpoint-url": "http://localhost"},
    "federation": {"domain": "http://localhost"},
    "identity": {"alb-arn": ARN, "alb-client-id": NAME, "alb-key-url": "http://localhost"},
}


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line; *aws_port* is that of the local AWS, None for any."""

    data: Path
    fresh: bool = False
    aws_port: int | None = None


def run(file: Path | None, environ: Mapping[str, str], options: Options) -> None:
    """
    Serve until a signal ends it.

    Raises ConfigurationUnusable, SchemaUnusable, AddressUnavailable, FileUnwritable.
    """
    config = local_settings.load(file, environ, PENDING)
    logs.configure(config.log, sys.stdout)
    with ExitStack() as stack:
        aws = _local_aws(stack, config, options)
        if aws.unreadable is not None:
            structlog.get_logger().warning("saved_state_unreadable", problem=aws.unreadable)
        endpoint = {"endpoint-url": aws.endpoint_url}
        placed: Settings = {
            **PENDING,
            "aws.cognito": {**PENDING["aws.cognito"], **endpoint},
            "aws.dynamodb": endpoint,
            "federation": {"domain": aws.endpoint_url},
        }
        serve.run(_main(file, environ, placed, options))


def _local_aws(stack: ExitStack, config: Config, options: Options) -> LocalAws:
    """Start the local AWS, by default two ports after the API's if that one is free."""
    near = config.server.port + 2
    ports = (near, 0) if 2 < near <= MAX_PORT else (0,)  # noqa: PLR2004 -- port 0 is any
    if options.aws_port is not None:
        ports = (options.aws_port,)
    saved_in = SavedIn(options.data, fresh=options.fresh)
    try:
        return stack.enter_context(local_aws(host=HOST, ports=ports, saved_in=saved_in))
    except FolderInUse:
        raise FileUnwritable(
            f"The folder {options.data} is in use by another local AWS. Choose another with --data."
        ) from None
    except OSError as error:
        if error.filename is not None:
            raise FileUnwritable(
                f"The folder {options.data} cannot be used: {error.filename}: {error.strerror}."
            ) from None
        raise AddressUnavailable(
            f"The local AWS cannot listen on {HOST}:{options.aws_port}: {error.strerror}. "
            "Choose another port with --aws-port."
        ) from None


async def _main(
    file: Path | None, environ: Mapping[str, str], placed: Settings, options: Options
) -> None:
    config = local_settings.load(file, environ, placed)
    log_ignored(environ)
    ids, machine = await local_provisioning.provision(config)
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
            "alb-key-url": balancer.key_url,
            "alb-client-id": client.client_id,
            "bearer-client-ids": "",  # the configured ones are of another pool
            "alb-issuer": pool.issuer,
        }
        placed = {
            **placed,
            "services": {"clients": machine.client_id},
            "aws.cognito": {**placed["aws.cognito"], **ids},
            "identity": {**placed["identity"], **believed},
        }
        config = local_settings.load(file, environ, placed)
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
                config=config,
                balancer=balancer,
                machine=machine,
                folder=options.data,
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


def _listening(  # noqa: PLR0913 -- what is printed
    hosts: Sequence[str],
    port: int,
    *,
    config: Config,
    balancer: LocalLoadBalancer,
    machine: MachineClient,
    folder: Path,
) -> None:
    host, cognito = hosts[0], config.cognito
    balancer.target = f"http://{reachable(host)}:{port}"
    addresses = Addresses(
        api=local_settings.url(host, port),
        aws=cognito.endpoint_url or "",
        region=config.aws.region,
        user_pool_id=cognito.user_pool_id,
        client_id=cognito.client_id,
    )
    texts = (
        local_flows.greeting(addresses, codes="here"),
        local_flows.BALANCER.format(balancer=local_settings.url(host, balancer.port)),
        local_flows.SERVICE.format(
            api=addresses.api,
            aws=addresses.aws,
            client_id=machine.client_id,
            secret=machine.secret,
        ),
        local_flows.FEDERATION.format(
            api=addresses.api, redirect_uri=config.federation.redirect_uris[0]
        ),
        local_flows.KEPT.format(folder=folder),
    )
    print(*texts, sep="", flush=True)  # noqa: T201 -- for a person
