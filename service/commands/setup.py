"""`setup`: creates the table and, as options, the user pool and its app clients; idempotent."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import open_clients
from service.aws.failure_advice import known_cause
from service.commands import provisioning, service_clients, table_setup, terminal
from service.commands.federation_setup import (
    COGNITO,
    SignInPages,
    create_domain,
    create_stand_ins,
    domain_url,
)
from service.config import loader
from service.config.loader import Settings
from service.config.settings import Config
from service.server import serve
from service.startup_errors import AwsUnusable, ConfigurationUnusable, FileUnwritable

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

PENDING = "pending_0"  # the id of a user pool that does not exist yet


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What `setup` creates beside the table.

    *user_pool* is the name of a new pool and its app client, *passkeys_of* the relying party id of its
    passkeys, *domain* the prefix of the pool's domain, from which users return to *redirect_uris*, and
    *machine_client* the name of an app client for another service. None is none. *sessions* lets the
    pool track sessions, *srp* users sign in by SRP at the new client. *stand_in_providers* creates the
    configured identity providers at a local AWS. What needs a pool is for that of *user_pool*, or else
    for the configured one. *table_stream* turns on the stream of the table.
    """

    user_pool: str | None = None
    passkeys_of: str | None = None
    domain: str | None = None
    redirect_uris: tuple[str, ...] = ()
    stand_in_providers: bool = False
    sessions: bool = False
    srp: bool = False
    machine_client: str | None = None
    table_stream: bool = False


def run(
    file: Path | None,
    environ: Mapping[str, str],
    wanted: Wanted,
    *,
    write: Path | None,
    wait_s: float,
) -> None:
    """
    Create what is missing; waits up to *wait_s* seconds for servers that are starting.

    Prints the ids of what is new as settings, and writes them to the file *write*. Raises
    ConfigurationUnusable, AwsUnusable, TableUnusable, FileUnwritable.
    """
    # The ids are not needed, and do not exist before the pool.
    pending: Settings = {"aws.cognito": {"user-pool-id": PENDING, "client-id": "pending"}}
    config = loader.load(file, environ, under=pending, over=_federation(wanted))
    _check(wanted, has_pool=config.cognito.user_pool_id != PENDING)
    if wanted.stand_in_providers and config.cognito.endpoint_url is None:
        raise ConfigurationUnusable(
            "--stand-in-providers needs a local AWS: set AWS_COGNITO_ENDPOINT_URL to its address."
        )
    terminal.log_to_stderr(config.log, file, environ)
    with terminal.progress("Creating what is missing"):
        created = serve.run(_created(config, wanted, wait_s))
    if not created:
        return
    settings = "\n".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for section, entries in created.items()
    )
    sys.stdout.write(settings)
    if write is not None:
        try:
            _replace(write, settings)
        except OSError as error:
            raise FileUnwritable(f"The file {write} cannot be written: {error.strerror}.") from None


def _check(wanted: Wanted, *, has_pool: bool) -> None:
    """Raise ConfigurationUnusable for an option that would have no effect without another one."""
    if wanted.user_pool is not None:
        return
    for option, is_given in (
        ("--passkeys-of", wanted.passkeys_of is not None),
        ("--redirect-uri", bool(wanted.redirect_uris)),
        ("--srp", wanted.srp),
        ("--stand-in-providers", wanted.stand_in_providers),
    ):
        if is_given:
            raise ConfigurationUnusable(f"{option} is for a new app client: add --user-pool NAME.")
    if wanted.domain is not None and wanted.machine_client is None:
        raise ConfigurationUnusable("--domain needs --user-pool NAME, or --resource-server.")
    for option, is_given in (
        ("--sessions", wanted.sessions),
        ("--resource-server", wanted.machine_client is not None),
    ):
        if is_given and not has_pool:
            raise ConfigurationUnusable(
                f"{option} needs --user-pool NAME, or the id of a pool in AWS_COGNITO_USER_POOL_ID."
            )


async def _created(config: Config, wanted: Wanted, wait_s: float) -> Settings:
    try:
        return await _create(config, wanted, wait_s)
    except (BotoCoreError, ClientError) as error:
        cause = known_cause(error)
        advice = f" -> {cause.advice}" if cause else ""
        raise AwsUnusable(f"A call of AWS failed: {error}{advice}") from error


async def _create(config: Config, wanted: Wanted, wait_s: float) -> Settings:
    # Retries go on until wait_s is over, so the circuit breaker must not open.
    unbroken = replace(config, upstreams=replace(config.upstreams, breaker_failures=0))
    created: dict[str, Mapping[str, str]] = {}
    async with open_clients(unbroken) as clients:
        table = config.dynamodb.user_profile_table
        await table_setup.reachable(clients.dynamodb.aioboto3.list_tables, within_s=wait_s)
        await table_setup.create_table(clients.dynamodb.aioboto3, table, stream=wanted.table_stream)
        pool_id = config.cognito.user_pool_id
        if wanted.user_pool is not None:
            await table_setup.reachable(
                lambda: clients.cognito.list_user_pools(MaxResults=1), within_s=wait_s
            )
            pool_id = await provisioning.create_user_pool(
                clients.cognito, wanted.user_pool, passkeys_of=wanted.passkeys_of
            )
        if wanted.sessions:
            await provisioning.track_sessions(clients.cognito, pool_id)
        if wanted.user_pool is not None:
            created |= await _app_client(clients.cognito, config, pool_id, wanted)
        if wanted.machine_client is not None:
            created["services"] = await service_clients.create(
                clients.cognito, config, pool_id, wanted.machine_client, domain=wanted.domain
            )
        return created


async def _app_client(
    cognito: CognitoIdentityProviderClient, config: Config, pool_id: str, wanted: Wanted
) -> Settings:
    """Create the app client of users, and the domain if they sign in there; return the settings."""
    pages = None
    federation: dict[str, Mapping[str, str]] = {}
    redirect_uris = config.federation.redirect_uris
    if wanted.domain is not None and redirect_uris:
        providers: Sequence[str] = (COGNITO,)
        if wanted.stand_in_providers:
            providers = config.federation.providers or providers
            await create_stand_ins(cognito, pool_id, providers)
        pages = SignInPages(redirect_uris, config.federation.scopes, providers)
        prefix = await create_domain(cognito, pool_id, wanted.domain)
        url = config.cognito.endpoint_url or domain_url(prefix, config.aws.region)
        federation["federation"] = {"domain": url, "redirect-uris": " ".join(redirect_uris)}
    client_id = await provisioning.create_client(
        cognito,
        pool_id,
        str(wanted.user_pool),
        sign_in_pages=pages,
        rotates=config.auth.refresh_cookie != "false",
        srp=wanted.srp,
    )
    return {
        "aws": {"region": config.aws.region},
        "aws.cognito": {"user-pool-id": pool_id, "client-id": client_id},
        **federation,
    }


def _federation(wanted: Wanted) -> Settings:
    """Return the settings that the options name; the loader checks them."""
    if wanted.user_pool is None or wanted.domain is None:
        return {}
    # The host of the domain depends on the region, and is not needed.
    pending = {"domain": "pending.example"}
    if wanted.redirect_uris:
        return {"federation": {**pending, "redirect-uris": " ".join(wanted.redirect_uris)}}
    # A token endpoint needs a domain, but no redirect URI.
    return {} if wanted.machine_client is not None else {"federation": pending}


def _replace(path: Path, text: str) -> None:
    """Replace the file atomically: the service may be reading it."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as new:
        new.write(text)
    os.chmod(new.name, 0o644)  # noqa: PTH101 -- ids are no secret, and the service is another user
    os.replace(new.name, path)  # noqa: PTH105 -- beside the line above
