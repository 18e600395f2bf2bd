"""`setup --resource-server`: what another service needs to call, and a call with it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local_aws.server import LocalAws
from service.__main__ import main
from service.aws.clients import open_clients
from service.config import loader
from service.config.settings import Config
from tests.support.configs import CREDENTIALS, configured
from tests.support.token_endpoint import post_token

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
