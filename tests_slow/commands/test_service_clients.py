"""`setup --resource-server`: what another service needs to call, and a call with it."""

import asyncio
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiohttp
import pytest

from local_aws.server import LocalAws
from service.__main__ import main
from service.aws.clients import open_clients
from service.config import loader
from service.config.settings import Config
from tests.support.configs import CREDENTIALS, configured
from tests.support.token_endpoint import post_token
from tests_slow.commands.running import run, running

Answer: TypeAlias = tuple[int, str | None, dict[str, Any], Mapping[str, str]]

pytestmark = pytest.mark.usefixtures("process_restored")
SCOPES = [f"profiles/profiles.{name}" for name in ("read", "write", "erase")]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, placed: Mapping[str, str]) -> None:
    """Change to an empty folder, with the local AWS in the environment."""
    monkeypatch.chdir(tmp_path)
    for name, value in placed.items():
        monkeypatch.setenv(name, value)


def call(local: LocalAws, operation: str, **parameters: object) -> dict[str, Any]:
    """Call Cognito as an operator."""

    async def called() -> dict[str, Any]:
        servers = {"endpoint-url": local.endpoint_url, "read-timeout-s": "20"}
        async with open_clients(configured({"aws.cognito": servers}), CREDENTIALS) as clients:
            answer: dict[str, Any] = await getattr(clients.cognito, operation)(**parameters)
            return answer

    return asyncio.run(called())


def machine_client(local: LocalAws, config: Config, client_id: str) -> dict[str, Any]:
    """Return an app client as Cognito describes it."""
    answer = call(
        local,
        "describe_user_pool_client",
        UserPoolId=config.cognito.user_pool_id,
        ClientId=client_id,
    )
    described: dict[str, Any] = answer["UserPoolClient"]
    return described


def test_new_pool_has_a_service(
    name: str, own_local_aws: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --user-pool the pool, its domain, server and client are created, and tokens are issued."""
    command = ["setup", "--user-pool", f"{name}-m2m", "--domain", name, "--resource-server"]
    assert main([*command, "--write", "ids.ini"]) == 0
    first = capsys.readouterr()
    assert main(command) == 0
    second = capsys.readouterr()

    config = loader.load(Path("ids.ini"), {})
    (client_id,) = config.services.clients
    client = machine_client(own_local_aws, config, client_id)
    assert first.out == second.out
    assert first.out.endswith(f"[services]\nclients = {client_id}\nresource-server = profiles\n")
    assert "[federation]" not in first.out
    assert (client["AllowedOAuthFlows"], client["AllowedOAuthScopes"]) == (
        ["client_credentials"],
        SCOPES,
    )
    assert client["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    secret = client["ClientSecret"]
    shown = first.out + first.err + second.out + second.err
    assert secret not in shown
    shown_by = f"--user-pool-id {config.cognito.user_pool_id} --client-id {client_id} --query"
    assert shown_by in first.err
    assert "_created" not in second.err
    assert "token_endpoint_missing" not in shown
    form = {"grant_type": "client_credentials"}
    status, token = asyncio.run(post_token(own_local_aws.endpoint_url, form, (client_id, secret)))
    assert (status, token["token_type"]) == (200, "Bearer")


def test_configured_pool_gets_another_service(
    name: str,
    own_local_aws: LocalAws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Scopes of others stay, missing ones are added; the settings keep the clients that were listed."""
    made = call(own_local_aws, "create_user_pool", PoolName=f"{name}-own")
    pool_id = made["UserPool"]["Id"]
    server = {"UserPoolId": pool_id, "Identifier": "https://p.example"}
    own = [{"ScopeName": name, "ScopeDescription": name} for name in ("x", "profiles.read")]
    call(own_local_aws, "create_resource_server", **server, Name="Own", Scopes=own)
    monkeypatch.setenv("AWS_COGNITO_USER_POOL_ID", pool_id)
    monkeypatch.setenv("SERVICES_RESOURCE_SERVER", "https://p.example")
    monkeypatch.setenv("SERVICES_CLIENTS", "earlier")

    assert main(["setup", "--resource-server", "billing", "--write", "ids.ini"]) == 0
    captured = capsys.readouterr()
    assert main(["setup", "--resource-server", "search", "--domain", f"{name}-own"]) == 0
    with_domain = capsys.readouterr()

    assert "token_endpoint_missing" in captured.err
    assert "--domain PREFIX" in captured.err
    assert "token_endpoint_missing" not in with_domain.err
    assert "domain_created" in with_domain.err
    lines = captured.out.splitlines()
    assert lines[0] == "[services]"
    assert lines[1].startswith("clients = earlier ")
    described = call(own_local_aws, "describe_resource_server", **server)["ResourceServer"]
    assert described["Name"] == "Own"
    assert [scope["ScopeName"] for scope in described["Scopes"]] == [
        *("x", "profiles.read", "profiles.write", "profiles.erase"),
    ]


def test_client_of_users_is_no_service(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An app client of the same name that lacks the grant is not taken, and another name is asked for."""
    pool = f"{name}-taken"

    assert main(["setup", "--user-pool", pool, "--resource-server", pool]) == 2

    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"The app client {pool} exists, and does not allow")


def test_resource_server_needs_a_pool(capsys: pytest.CaptureFixture[str]) -> None:
    """Without any pool, --resource-server is refused with what to add."""
    assert main(["setup", "--resource-server"]) == 2
    assert "--resource-server needs --user-pool NAME" in capsys.readouterr().err


ALICE: Final = {"username": "alice", "password": "YourPass123!"}
OWN_PROFILE: Final = "/v1/user/profile"
BATCH: Final = "/v1/users/profiles/batch"


async def test_created_client_calls_the_service(
    tmp_path: Path, name: str, own_local_aws: LocalAws, placed: Mapping[str, str]
) -> None:
    """From `setup` to calls of a running service: within the scopes of a token, and never as a user."""
    pool = f"{name}-journey"
    arguments = ("setup", "--user-pool", pool, "--domain", pool, "--resource-server")
    created = await run(*arguments, "--write", "config.ini", folder=tmp_path, environ=placed)
    assert created.status == 0, created.errors
    config = loader.load(tmp_path / "config.ini", {})
    (client_id,) = config.services.clients
    machine = await asyncio.to_thread(machine_client, own_local_aws, config, client_id)
    user_id = (await asyncio.to_thread(_new_user, own_local_aws, config))["sub"]
    environ = {
        **placed,
        "SERVER_PORT": "0",
        "SERVER_HOST": "127.0.0.1",
        "IDENTITY_SOURCES": "bearer",
    }
    path = f"/v1/users/{user_id}/profile"

    async def token(**form: str) -> str:
        form = {"grant_type": "client_credentials", **form}
        basic = (client_id, machine["ClientSecret"])
        status, answer = await post_token(own_local_aws.endpoint_url, form, basic)
        assert status == 200
        return str(answer["access_token"])

    whole, reading = await token(), await token(scope="profiles/profiles.read")
    async with running("serve", folder=tmp_path, environ=environ) as program:
        port = json.loads(await program.until('"listening"'))["port"]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

            async def call(method: str, path: str, token: str, body: object = None) -> Answer:
                headers = {"Authorization": f"Bearer {token}"}
                async with session.request(method, path, json=body, headers=headers) as answer:
                    text = await answer.read()
                    found = json.loads(text) if text else {}
                    return answer.status, found.get("code"), found, answer.headers

            async with session.post("/api/auth/login", json=ALICE) as answer:
                of_user = await answer.json()
            _, _, saved, _ = await call(
                "PUT", OWN_PROFILE, of_user["accessToken"], {"city": "Pune"}
            )
            read = await call("GET", path, reading)
            unscoped = [
                await call("PATCH", path, reading, {"bio": "x"}),
                await call("DELETE", path, reading),
            ]
            confused = [
                await call(*request)
                for request in (
                    ("GET", path, of_user["accessToken"]),
                    ("GET", path, of_user["idToken"]),
                    ("POST", BATCH, of_user["accessToken"], {"userIds": [user_id]}),
                    ("GET", OWN_PROFILE, whole),
                    ("DELETE", OWN_PROFILE, whole),
                    ("GET", "/api/auth/me", whole),
                )
            ]
            _, _, batch, _ = await call("POST", BATCH, reading, {"userIds": [user_id]})
            changed = await call("PATCH", path, whole, {"bio": "x"})
            erased = await call("DELETE", path, whole)
            gone = await call("GET", OWN_PROFILE, of_user["accessToken"])
        ended = await program.end(signal.SIGTERM)

    assert (read[0], read[2]) == (200, saved)
    assert [(status, code) for status, code, _, _ in unscoped] == [(403, "insufficient_scope")] * 2
    assert [headers["WWW-Authenticate"] for _, _, _, headers in unscoped] == [
        f'Bearer error="insufficient_scope", scope="profiles/profiles.{name}"'
        for name in ("write", "erase")
    ]
    assert [(status, code) for status, code, _, _ in confused] == [(401, "token_invalid")] * 6
    assert batch["profiles"] == {user_id: saved}
    assert (changed[0], changed[2]["bio"], erased[0], gone[0]) == (200, "x", 204, 404)
    lines = [json.loads(line) for line in ended.output.splitlines()]
    events = {line["event"]: line for line in lines if line.get("client_id") == client_id}
    assert events.keys() >= {
        *("profile_changed_by_service", "profile_erased_by_service", "service_call_refused"),
        "request_finished",
    }
    assert events["profile_erased_by_service"]["sub"] == user_id
    for secret in (machine["ClientSecret"], whole, reading):
        assert secret not in ended.output + ended.errors + created.output + created.errors


def _new_user(local: LocalAws, config: Config) -> dict[str, str]:
    """Create alice, and return her attributes."""
    named = {"UserPoolId": config.cognito.user_pool_id, "Username": ALICE["username"]}
    call(local, "admin_create_user", **named, MessageAction="SUPPRESS")
    password = {"Password": ALICE["password"], "Permanent": True}
    call(local, "admin_set_user_password", **named, **password)
    attributes = call(local, "admin_get_user", **named)["UserAttributes"]
    return {each["Name"]: each["Value"] for each in attributes}
