"""`doctor` and `smoke` as programs of a pipeline."""

import json
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from local_aws.server import LocalAws
from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests_slow.commands.running import run, running


async def test_new_set_up_is_right_and_serves(
    tmp_path: Path, name: str, placed: Mapping[str, str], own_local_aws: LocalAws
) -> None:
    """What `setup` makes passes `doctor`; what `serve` serves on it passes `smoke`, as a given user."""
    safe = {
        **placed,
        "AWS_DYNAMODB_USER_PROFILE_TABLE": f"{name}-smoke",
        "AWS_ENDPOINT_URL_STS": own_local_aws.endpoint_url,
        "IDENTITY_SOURCES": "bearer",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
    }
    arguments = ("setup", "--user-pool", f"{name}-smoke", "--write", "config.ini")
    assert (await run(*arguments, folder=tmp_path, environ=safe)).status == 0

    doctor = await run("doctor", "--json", folder=tmp_path, environ=safe)
    async with (
        running("serve", folder=tmp_path, environ=safe) as program,
        aiohttp.ClientSession() as session,
    ):
        listening = json.loads(await program.until('"listening"'))
        url = f"http://{listening['host']}:{listening['port']}"
        username = new_user()
        account = {"username": username, "password": PASSWORD}
        body = {**account, "attributes": {"email": username}}
        async with session.post(f"{url}/api/auth/signup", json=body) as answer:
            assert answer.status == 201
        code = await Mailbox(session, own_local_aws.endpoint_url).code(username)
        body = {"username": username, "code": code}
        async with session.post(f"{url}/api/auth/confirm", json=body) as answer:
            assert answer.status == 200
        credentials = {"SMOKE_USERNAME": username, "SMOKE_PASSWORD": f"{PASSWORD}\n"}
        smoke = await run("smoke", url, "--json", folder=tmp_path, environ={**safe, **credentials})
        table = await run("smoke", url, folder=tmp_path, environ={**safe, **credentials})

    assert (doctor.status, doctor.errors, json.loads(doctor.output)["ok"]) == (0, "", True)
    report = json.loads(smoke.output)
    assert (smoke.status, smoke.errors, report["ok"]) == (0, "", True)
    assert {check["status"] for check in report["checks"]} == {"ok"}
    assert table.output.splitlines()[-1].endswith("0 wrong, 0 unknown")
    assert PASSWORD not in smoke.output + table.output


async def test_deployment_that_believes_the_header_ends_with_1(
    tmp_path: Path, name: str, placed: Mapping[str, str]
) -> None:
    """A pipeline stops at a deployment in which any client can name any user."""
    unsafe = {
        **placed,
        "AWS_DYNAMODB_USER_PROFILE_TABLE": f"{name}-unsafe",
        "IDENTITY_SOURCES": "header bearer",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
    }
    arguments = ("setup", "--user-pool", f"{name}-unsafe", "--write", "config.ini")
    assert (await run(*arguments, folder=tmp_path, environ=unsafe)).status == 0

    async with running("serve", folder=tmp_path, environ=unsafe) as program:
        listening = json.loads(await program.until('"listening"'))
        url = f"http://{listening['host']}:{listening['port']}"
        smoke = await run("smoke", url, folder=tmp_path, environ=unsafe)

    assert smoke.status == 1
    assert "wrong 6 identity header alone is refused: " in smoke.output
    assert "DANGER" in smoke.output
