"""`setup`: creates the table and, as an option, the user pool and its app client; idempotent."""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import open_clients
from service.aws.failure_advice import known_cause
from service.commands import provisioning, table_setup
from service.commands.federation_setup import SignInPages, create_domain, domain_url
from service.config import loader
from service.config.loader import Settings
from service.config.settings import Config
from service.observability import logs
from service.server import serve
from service.startup_errors import AwsUnusable, ConfigurationUnusable, FileUnwritable

PENDING = "pending_0"  # the id of a user pool that does not exist yet


@dataclass(frozen=True, slots=True)
class UserPool:
    """
    A user pool to create.

    *passkeys_of* is the relying party id of passkeys, None for none; *domain* the prefix of its domain,
    None for none, from which users return to *redirect_uris*.
    """

    name: str
    passkeys_of: str | None = None
    domain: str | None = None
    redirect_uris: tuple[str, ...] = ()


def run(  # noqa: PLR0913 -- the options of the command
    file: Path | None,
    environ: Mapping[str, str],
    *,
    user_pool: UserPool | None,
    sessions: bool,
    write: Path | None,
    wait_s: float,
) -> None:
    """
    Create what is missing; waits up to *wait_s* seconds for servers that are starting.

    With *user_pool*, creates the pool and an app client of that name, too, and prints their ids as
    settings, which it also writes to the file *write*. With *sessions*, that pool, or else the
    configured one, tracks sessions from now on. Raises ConfigurationUnusable, AwsUnusable,
    TableUnusable, FileUnwritable.
    """
    # The ids are not needed, and do not exist before the pool.
    pending: Settings = {"aws.cognito": {"user-pool-id": PENDING, "client-id": "pending"}}
    config = loader.load(file, environ, under=pending, over=_federation(user_pool))
    if sessions and user_pool is None and config.cognito.user_pool_id == PENDING:
        raise ConfigurationUnusable(
            "--sessions needs --user-pool NAME, or the id of a pool in AWS_COGNITO_USER_POOL_ID."
        )
    logs.configure(config.log, sys.stderr)
    created = serve.run(_created(config, user_pool, wait_s, sessions=sessions))
    if created is None:
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


async def _created(
    config: Config, user_pool: UserPool | None, wait_s: float, *, sessions: bool
) -> Settings | None:
    try:
        return await _create(config, user_pool, wait_s, sessions=sessions)
    except (BotoCoreError, ClientError) as error:
        cause = known_cause(error)
        advice = f" -> {cause.advice}" if cause else ""
        raise AwsUnusable(f"A call of AWS failed: {error}{advice}") from error


async def _create(
    config: Config, user_pool: UserPool | None, wait_s: float, *, sessions: bool
) -> Settings | None:
    # Retries go on until wait_s is over, so the circuit breaker must not open.
    unbroken = replace(config, upstreams=replace(config.upstreams, breaker_failures=0))
    async with open_clients(unbroken) as clients:
        table = config.dynamodb.user_profile_table
        await table_setup.reachable(clients.dynamodb.aioboto3.list_tables, within_s=wait_s)
        await table_setup.create_table(clients.dynamodb.aioboto3, table)
        if user_pool is None:
            if sessions:
                await provisioning.track_sessions(clients.cognito, config.cognito.user_pool_id)
            return None
        await table_setup.reachable(
            lambda: clients.cognito.list_user_pools(MaxResults=1), within_s=wait_s
        )
        pool_id = await provisioning.create_user_pool(
            clients.cognito, user_pool.name, passkeys_of=user_pool.passkeys_of
        )
        if sessions:
            await provisioning.track_sessions(clients.cognito, pool_id)
        pages = None
        federation: dict[str, dict[str, str]] = {}
        if user_pool.domain is not None:
            pages = SignInPages(config.federation.redirect_uris, config.federation.scopes)
            prefix = await create_domain(clients.cognito, pool_id, user_pool.domain)
            url = config.cognito.endpoint_url or domain_url(prefix, config.aws.region)
            uris = " ".join(pages.redirect_uris)
            federation = {"federation": {"domain": url, "redirect-uris": uris}}
        client_id = await provisioning.create_client(
            clients.cognito,
            pool_id,
            user_pool.name,
            sign_in_pages=pages,
            rotates=config.auth.refresh_cookie != "false",
        )
        return {
            "aws": {"region": config.aws.region},
            "aws.cognito": {"user-pool-id": pool_id, "client-id": client_id},
            **federation,
        }


def _federation(user_pool: UserPool | None) -> Settings:
    """Return the settings that the options name; the loader checks them."""
    if user_pool is None or user_pool.domain is None:
        return {}
    # The host of the domain depends on the region, and is not needed.
    pending = {"domain": "pending.example"}
    if user_pool.redirect_uris:
        return {"federation": {**pending, "redirect-uris": " ".join(user_pool.redirect_uris)}}
    return {"federation": pending}


def _replace(path: Path, text: str) -> None:
    """Replace the file atomically: the service may be reading it."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as new:
        new.write(text)
    os.chmod(new.name, 0o644)  # noqa: PTH101 -- ids are no secret, and the service is another user
    os.replace(new.name, path)  # noqa: PTH105 -- beside the line above
