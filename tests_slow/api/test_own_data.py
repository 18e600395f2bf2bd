"""Activity and export with the local AWS: what the table and the pool hold, restarts, and erasure."""

import functools
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from service.api.activity.recording import RECORDER
from service.app import aws_adapters, create_app
from service.aws.clients import Clients
from service.config.settings import Config
from service.profile_store.partitions import ACTIVITY, partition_key
from tests.end_to_end.calls import bearer, call, log_in
from tests.profile_store.table import Table
from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests.support.configs import CREDENTIALS
from tests.support.serving import served
from tests_slow.commands.running import running

EXPORT, PROFILE, READ = "/v1/user/export", "/v1/user/profile", "/v1/user/activity"
SECRET = "of-another-user"  # noqa: S105 -- a word to look for


@pytest.fixture
def table(clients: Clients, operators: Config) -> Table:
    """Return the table as another application sees it."""
    return Table(clients.dynamodb.aioboto3, operators.dynamodb.user_profile_table)


@asynccontextmanager
async def _serving(
    config: Config, *, days: int = 30, history_days: int = 0
) -> AsyncIterator[tuple[aiohttp.ClientSession, web.Application]]:
    """Serve with the local AWS; the end is that of a process after its drain."""
    config = replace(
        config,
        auth=replace(config.auth, answer_floor_ms=0),
        activity=replace(config.activity, days=days),
        profile=replace(config.profile, history_days=history_days),
        identity=replace(config.identity, sources=("bearer", "header")),
    )
    app = create_app(config, functools.partial(aws_adapters, credentials=CREDENTIALS))
    async with served(app, config.server) as url, aiohttp.ClientSession(url) as session:
        yield session, app


async def _signed_in(
    service: aiohttp.ClientSession, mailbox: Mailbox, **attributes: str
) -> tuple[str, dict[str, str]]:
    """Return the sub of a new user, and the headers of a sign-in."""
    name = new_user()
    account = {
        "username": name,
        "password": PASSWORD,
        "attributes": {"email": name, **attributes},
    }
    await call(service, "POST", "/api/auth/signup", account)
    code = {"username": name, "code": await mailbox.code(name)}
    await call(service, "POST", "/api/auth/confirm", code)
    tokens = await log_in(service, name)
    return tokens.body["userId"], bearer(tokens)


async def test_export_has_all_of_the_user_and_nothing_of_another(
    config: Config, table: Table, mailbox: Mailbox
) -> None:
    """Every attribute of the table and of the pool is there, of all types, and none of another user."""
    async with _serving(config, history_days=30) as (service, app):
        sub, headers = await _signed_in(service, mailbox, name="Alice", locale="de")
        other, others_headers = await _signed_in(service, mailbox, name=SECRET)
        for user, who, city in ((sub, headers, "Mumbai"), (other, others_headers, SECRET)):
            saved = await call(service, "POST", PROFILE, {"city": "Pune", "bio": city}, headers=who)
            changed = await call(
                service, "PATCH", PROFILE, {"city": city, "bio": None}, headers=who
            )
            assert (saved.status, changed.status) == (201, 200)
            mark = SECRET if user == other else "mine"
            attributes: dict[str, Any] = {
                "tags": {"SS": ["b", mark]},
                "sizes": {"NS": ["2", "10"]},
                "photo": {"B": b"\x00\xff"},
                "deep": {"M": {"list": {"L": [{"N": "1.50"}, {"NULL": True}]}}},
                "expiresAt": {"N": "99999999999"},
            }
            (item, _) = await table.items(user)
            await table.put(user, item["createdAt"]["S"], **{**item, **attributes})
            await table.put(user, "2097-01-01", note={"S": mark}, deletedAt={"S": "2097"})
            await table.add(user, "~claim", "theirs", mark)
        await app[RECORDER].flush(5)

        exported = await call(service, "GET", EXPORT, headers=headers)

    assert exported.status == 200
    body = exported.body
    assert body["account"]["userId"] == sub
    assert {"email", "email_verified", "locale", "name", "sub"} <= body["account"][
        "attributes"
    ].keys()
    assert body["account"]["mfa"] == {"enabled": []}
    assert len(body["sessions"]) == 1
    assert body["profile"]["city"] == "Mumbai"
    assert body["otherData"] == {
        "deep": {"list": [1.5, None]},
        "expiresAt": 99999999999,
        "photo": "AP8=",
        "sizes": [2, 10],
        "tags": ["b", "mine"],
    }
    assert body["otherItems"] == [
        {"createdAt": "2097-01-01", "deletedAt": "2097", "note": "mine"},
        {"createdAt": "~claim", "theirs": "mine"},
    ]
    (past,) = body["history"]
    assert past["version"] == 1
    assert past["fields"] == {"city": "Pune", "bio": "Mumbai"}
    assert past["until"] == body["profile"]["updatedAt"]
    events = [event["event"] for event in body["activity"]]
    assert sorted(events) == ["profile_created", "profile_updated", "signed_in", "signed_up"]
    assert SECRET not in json.dumps(body)
    assert other not in json.dumps(body)


async def test_earlier_activity_is_exported_while_it_is_off(
    config: Config, mailbox: Mailbox
) -> None:
    """Events that were recorded before are held, and so they are exported; they cannot be listed."""
    async with _serving(config) as (service, _):
        _, headers = await _signed_in(service, mailbox)
    async with _serving(config, days=0) as (service, _):
        exported = await call(service, "GET", EXPORT, headers=headers)
        listed = await call(service, "GET", READ, headers=headers)

    assert {event["event"] for event in exported.body["activity"]} == {"signed_in", "signed_up"}
    assert listed.code == "feature_unavailable"


async def test_deleted_account_leaves_no_activity(
    config: Config, table: Table, mailbox: Mailbox
) -> None:
    """Nothing that was queued before or happens after the deletion is stored."""
    async with _serving(config) as (service, app):
        sub, headers = await _signed_in(service, mailbox)
        await call(service, "PATCH", "/api/auth/me", {"attributes": {"name": "A"}}, headers)
        deleted = await call(service, "DELETE", "/api/auth/me", headers=headers)
        late = await call(service, "PATCH", "/api/auth/me", {"attributes": {"name": "B"}}, headers)
        await app[RECORDER].flush(5)
        stored = await table.items(partition_key(sub, ACTIVITY))

    assert (deleted.status, late.status) == (204, 401)
    assert not [item for item in stored if "event" in item]
    assert all("expiresAt" in item for item in stored)


async def test_restart_drains_the_queue(config: Config, table: Table, tmp_path: Path) -> None:
    """A process that gets SIGTERM right after its responses has stored their events at its end."""
    environ = {
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_access_key,
        "AWS_REGION": config.aws.region,
        "AWS_COGNITO_USER_POOL_ID": config.cognito.user_pool_id,
        "AWS_COGNITO_CLIENT_ID": config.cognito.client_id,
        "AWS_COGNITO_ENDPOINT_URL": str(config.cognito.endpoint_url),
        "AWS_DYNAMODB_ENDPOINT_URL": str(config.dynamodb.endpoint_url),
        "AWS_DYNAMODB_USER_PROFILE_TABLE": config.dynamodb.user_profile_table,
        "ACTIVITY_DAYS": "30",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
    }
    users = [f"drained-{number}" for number in range(6)]
    async with running("serve", folder=tmp_path, environ=environ) as program:
        listening: dict[str, Any] = json.loads(await program.until('"listening"'))
        url = f"http://{listening['host']}:{listening['port']}"
        async with aiohttp.ClientSession(url) as service:
            for user in users:
                who = {"x-amzn-oidc-identity": user}
                saved = await call(service, "POST", PROFILE, {"city": "Pune"}, headers=who)
                assert saved.status == 201
        ended = await program.end(signal.SIGTERM)

    assert ended.status == 0
    assert "activity_dropped" not in ended.output
    for user in users:
        stored = await table.items(partition_key(user, ACTIVITY))
        assert [item["event"]["S"] for item in stored if "event" in item] == ["profile_created"]
