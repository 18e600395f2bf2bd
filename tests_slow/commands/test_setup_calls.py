"""`setup` creates what is missing, prints the ids, and is idempotent."""

import asyncio
import stat
from collections.abc import Mapping
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from local_aws.server import LocalAws
from service.__main__ import main
from service.aws.clients import open_clients
from service.commands.federation_setup import domain_url
from service.config import loader
from service.config.settings import CognitoConfig
from tests.support.configs import CREDENTIALS, configured
from tests.support.scripted_aws import url_of

pytestmark = pytest.mark.usefixtures("process_restored")


@pytest.fixture(name="here", autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, placed: Mapping[str, str]) -> Path:
    """Change to an empty folder, with the local AWS in the environment."""
    monkeypatch.chdir(tmp_path)
    for name, value in placed.items():
        monkeypatch.setenv(name, value)
    return tmp_path


async def _table_status(local: LocalAws, name: str) -> str:
    servers = {"endpoint-url": local.endpoint_url, "read-timeout-s": "20"}
    async with open_clients(configured({"aws.dynamodb": servers}), CREDENTIALS) as clients:
        return (await clients.dynamodb.aioboto3.describe_table(TableName=name))["Table"][
            "TableStatus"
        ]


def test_ids_are_settings(here: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The output, and the written file, are settings for --config: region, pool and client."""
    assert main(["setup", "--user-pool", name, "--write", "ids.ini"]) == 0

    config = loader.load(here / "ids.ini", {})
    assert capsys.readouterr().out == (
        f"[aws]\nregion = us-east-1\n\n[aws.cognito]\n"
        f"user-pool-id = {config.cognito.user_pool_id}\nclient-id = {config.cognito.client_id}\n"
    )
    assert config.cognito.user_pool_id.startswith("us-east-1_")


def test_domain_is_a_setting(
    here: Path, name: str, own_local_aws: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --domain the pool has sign-in pages, and the output the settings of federated sign-in."""
    uris = ["https://a.example/in", "my.app://in"]
    options = ["--domain", name, *(word for uri in uris for word in ("--redirect-uri", uri))]
    command = ["setup", "--user-pool", f"{name}-domain", *options]

    assert main([*command, "--write", "ids.ini"]) == 0
    again = main(command)

    config = loader.load(here / "ids.ini", {})
    assert again == 0
    assert config.federation.domain == own_local_aws.endpoint_url
    assert [*config.federation.redirect_uris] == uris
    assert "domain_found" in capsys.readouterr().err
    client = asyncio.run(_app_client(own_local_aws, config.cognito))
    assert client["CallbackURLs"] == client["LogoutURLs"] == uris
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["AllowedOAuthScopes"] == [*config.federation.scopes]


def test_stand_in_providers_are_those_of_the_settings(
    here: Path, name: str, own_local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --stand-in-providers the pool of a local AWS has them, and the client offers them."""
    monkeypatch.setenv("FEDERATION_PROVIDERS", "COGNITO LocalIdP")
    uri = ["--redirect-uri", "http://localhost:3000/"]
    command = ["setup", "--user-pool", f"{name}-providers", "--domain", f"{name}-2", *uri]

    assert main([*command, "--stand-in-providers", "--write", "ids.ini"]) == 0

    config = loader.load(here / "ids.ini", {})
    client = asyncio.run(_app_client(own_local_aws, config.cognito))
    assert client["SupportedIdentityProviders"] == ["COGNITO", "LocalIdP"]


def test_stand_in_providers_are_of_a_local_aws(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Amazon Cognito has no stand-ins: nothing is called."""
    monkeypatch.delenv("AWS_COGNITO_ENDPOINT_URL")

    assert main(["setup", "--user-pool", "x", "--stand-in-providers"]) == 2
    assert "AWS_COGNITO_ENDPOINT_URL" in capsys.readouterr().err


async def _app_client(local: LocalAws, cognito: CognitoConfig) -> Mapping[str, Any]:
    servers = {"endpoint-url": local.endpoint_url, "read-timeout-s": "20"}
    async with open_clients(configured({"aws.cognito": servers}), CREDENTIALS) as clients:
        described: Any = await clients.cognito.describe_user_pool_client(
            UserPoolId=cognito.user_pool_id, ClientId=cognito.client_id
        )
    found: Mapping[str, Any] = described["UserPoolClient"]
    return found


def test_domain_needs_a_redirect_uri(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A domain without a redirect URI is refused before anything is created."""
    assert main(["setup", "--user-pool", name, "--domain", name]) == 2
    assert "FEDERATION_REDIRECT_URIS" in capsys.readouterr().err


def test_domain_is_named_after_its_region() -> None:
    """The domain has the host of its partition."""
    assert domain_url("p", "eu-west-1") == "https://p.auth.eu-west-1.amazoncognito.com"
    assert domain_url("p", "us-gov-west-1") == "https://p.auth-fips.us-gov-west-1.amazoncognito.com"


def test_second_run_says_the_same(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run finds what the first created, and prints the same ids."""
    assert main(["setup", "--user-pool", name]) == 0
    first = capsys.readouterr()
    assert main(["setup", "--user-pool", name]) == 0
    second = capsys.readouterr()

    assert second.out == first.out
    assert "_created" not in second.err


def test_table_alone(
    name: str,
    own_local_aws: LocalAws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without --user-pool only the table is created, and nothing is printed."""
    monkeypatch.setenv("AWS_DYNAMODB_USER_PROFILE_TABLE", f"{name}-alone")
    monkeypatch.setenv("AWS_COGNITO_USER_POOL_ID", "us-east-1_none")
    monkeypatch.setenv("AWS_COGNITO_CLIENT_ID", "none")

    assert main(["setup", "--write", "ids.ini"]) == 0
    assert capsys.readouterr().out == ""
    assert not Path("ids.ini").exists()
    assert asyncio.run(_table_status(own_local_aws, f"{name}-alone")) == "ACTIVE"


def test_table_needs_no_ids(capsys: pytest.CaptureFixture[str]) -> None:
    """The table is created without the ids of a pool and a client."""
    assert main(["setup"]) == 0
    assert "table_" in capsys.readouterr().err


def test_file_is_replaced_whole(here: Path, name: str) -> None:
    """The file is replaced atomically, and the new one is readable for every user."""
    path = here / "ids.ini"
    old = "# old\n" * 1_000
    path.write_text(old, encoding="utf-8")
    path.chmod(0o600)
    with path.open(encoding="utf-8") as reading:
        assert main(["setup", "--user-pool", name, "--write", str(path)]) == 0
        assert reading.read() == old

    assert path.read_text(encoding="utf-8").startswith("[aws]\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(here.iterdir()) == [path]


def test_sessions_are_tracked(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--sessions applies to the pool of --user-pool, and without it to the configured one."""
    assert main(["setup", "--user-pool", f"{name}-tracked", "--sessions"]) == 0
    created = capsys.readouterr()
    assert main(["setup", "--user-pool", f"{name}-later", "--write", "ids.ini"]) == 0
    config = loader.load(Path("ids.ini"), {})
    capsys.readouterr()
    monkeypatch.setenv("AWS_COGNITO_USER_POOL_ID", config.cognito.user_pool_id)
    assert main(["setup", "--sessions"]) == 0
    configured_later = capsys.readouterr()

    for captured in (created, configured_later):
        assert "session_tracking_enabled" in captured.err
    assert config.cognito.user_pool_id in configured_later.err


def test_sessions_need_a_pool(capsys: pytest.CaptureFixture[str]) -> None:
    """Without any pool, --sessions is refused with what to add."""
    assert main(["setup", "--sessions"]) == 2
    assert "AWS_COGNITO_USER_POOL_ID" in capsys.readouterr().err


def test_file_that_cannot_be_written_is_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be written is named; the ids are printed nevertheless."""
    assert main(["setup", "--user-pool", name, "--write", "nowhere/ids.ini"]) == 2

    captured = capsys.readouterr()
    assert "user-pool-id = us-east-1_" in captured.out
    assert captured.err.endswith(
        "The file nowhere/ids.ini cannot be written: No such file or directory.\n"
    )


def test_server_that_never_comes_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that does not start in time is named, without a traceback."""
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = url_of(closed)
        monkeypatch.setenv("AWS_COGNITO_ENDPOINT_URL", url)
        assert main(["setup", "--user-pool", name, "--wait-s", "0"]) == 2

    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("A call of AWS failed: ")
    assert url in last
    assert "-> No connection" in last


def test_server_is_asked_until_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The circuit breaker does not end the wait for a server."""
    monkeypatch.setattr("service.commands.table_setup.POLL_S", 0)
    monkeypatch.setattr("service.aws.retries.LONGEST_PAUSE_S", 0.001)
    monkeypatch.setenv("UPSTREAMS_BREAKER_FAILURES", "1")
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = url_of(closed)
        monkeypatch.setenv("AWS_DYNAMODB_ENDPOINT_URL", url)
        assert main(["setup", "--wait-s", "0.5"]) == 2

    assert url in capsys.readouterr().err.splitlines()[-1]
