"""A session that one process ends is refused by another one at once."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from local_aws.server import LocalAws
from tests.end_to_end.calls import bearer, call, log_in
from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests_slow.commands.running import run, running

SESSIONS = "/api/auth/sessions"
ME = "/api/auth/me"
ROUNDS = 10


@pytest.fixture(name="processes")
async def _processes(
    placed: Mapping[str, str], name: str, tmp_path: Path
) -> AsyncIterator[list[aiohttp.ClientSession]]:
    """Start two processes of one deployment, whose user pool `setup` has made."""
    arguments = ("setup", "--user-pool", f"{name}-sessions", "--sessions", "--write", "config.ini")
    made = await run(*arguments, folder=tmp_path, environ=placed)
    assert made.status == 0, made.errors
    environ = {
        **placed,
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
        "AUTH_CONFIG_SESSIONS": "true",
    }
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(2):
            program = await stack.enter_async_context(
                running("serve", folder=tmp_path, environ=environ)
            )
            port = json.loads(await program.until('"listening"'))["port"]
            session = aiohttp.ClientSession(f"http://127.0.0.1:{port}")
            opened.append(await stack.enter_async_context(session))
        yield opened


async def test_session_ended_in_one_process_is_refused_in_another(
    processes: list[aiohttp.ClientSession], own_local_aws: LocalAws
) -> None:
    """Neither process remembers a token that Cognito has revoked, however often it served it."""
    one, other = processes
    username = new_user()
    account = {"username": username, "password": PASSWORD, "attributes": {"email": username}}
    assert (await call(one, "POST", "/api/auth/signup", account)).status == 201
    async with aiohttp.ClientSession() as session:
        code = await Mailbox(session, own_local_aws.endpoint_url).code(username)
    confirmation = {"username": username, "code": code}
    assert (await call(one, "POST", "/api/auth/confirm", confirmation)).status == 200
    here = await log_in(one, username)
    offered = await call(other, "GET", "/api/auth/config")

    statuses = []
    for _ in range(ROUNDS):
        there = await log_in(other, username)
        before = [await call(other, "GET", ME, headers=bearer(there)) for _ in range(2)]
        listed = await call(other, "GET", SESSIONS, headers=bearer(there))
        (own,) = (one["id"] for one in listed.body["sessions"] if one["current"])
        ended = await call(one, "DELETE", f"{SESSIONS}/{own}", headers=bearer(here))
        after = await call(other, "GET", ME, headers=bearer(there))
        statuses.append((*(answer.status for answer in before), ended.status, after.status))

    assert offered.body["sessions"] is True
    assert statuses == [(200, 200, 204, 401)] * ROUNDS
    assert (await call(other, "GET", ME, headers=bearer(here))).status == 200
