"""`serve` serves by the environment's settings, logs them, and ends on a signal."""

import asyncio
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local_aws.server import LocalAws
from service.aws.clients import open_clients
from service.commands import provisioning, serve, table_setup
from service.startup_errors import AwsUnusable
from tests.least_privilege.plugin import Guarded
from tests.support.configs import CREDENTIALS, configured
from tests_slow.commands.running import Ended, becomes, imported, printed_by, running

TABLE = "served-profiles"


@dataclass(frozen=True, slots=True)
class Service:
    """The responses of a service, and its output until its end."""

    answers: dict[str, int]
    client_secret: str
    ended: Ended

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the events *name* of its log; every line must be JSON."""
        lines = map(json.loads, self.ended.output.splitlines())
        return [event for event in lines if event["event"] == name]


@pytest.fixture(name="service", scope="module")
def _service(
    own_local_aws: LocalAws, guarded: Guarded, tmp_path_factory: pytest.TempPathFactory
) -> Service:
    """Run the service once for all tests."""
    folder = tmp_path_factory.mktemp("serve")
    return asyncio.run(_seen(own_local_aws.endpoint_url, guarded(TABLE), folder))


async def _seen(url: str, role_url: str, folder: Path) -> Service:
    settings = configured(
        {
            "aws.cognito": {"endpoint-url": url},
            "aws.dynamodb": {"endpoint-url": url, "read-timeout-s": "20"},
        }
    )
    async with open_clients(settings, CREDENTIALS) as clients:
        await table_setup.create_table(clients.dynamodb.aioboto3, TABLE)
        pool_id = await provisioning.create_user_pool(clients.cognito, "served")
        created = await clients.cognito.create_user_pool_client(
            UserPoolId=pool_id, ClientName="served", GenerateSecret=True
        )
    app_client = created["UserPoolClient"]
    environ = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": settings.aws.region,
        "AWS_COGNITO_USER_POOL_ID": pool_id,
        "AWS_COGNITO_CLIENT_ID": app_client["ClientId"],
        "AWS_COGNITO_CLIENT_SECRET": app_client["ClientSecret"],
        "AWS_COGNITO_ENDPOINT_URL": url,
        "AWS_DYNAMODB_ENDPOINT_URL": role_url,
        "AWS_DYNAMODB_USER_PROFILE_TABLE": TABLE,
        "AWS_DYNAMODB_READ_TIMEOUT_S": "20",
        "IDENTITY_HEADER_PEERS": "127.0.0.0/8 10.0.0.0/8",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
        # Of a Kubernetes Service named server-metrics.
        "SERVER_METRICS_PORT": "tcp://10.96.0.7:9090",
        "SERVER_METRICS_SERVICE_HOST": "10.96.0.7",
    }
    options = ("-X", "importtime")
    async with (
        running("serve", folder=folder, environ=environ, options=options, measured=True) as program,
        aiohttp.ClientSession() as session,
    ):
        listening = json.loads(await program.until('"listening"'))
        # The first round of checks takes longer than a second where other programs use the cores.
        await becomes(f"http://{listening['host']}:{listening['port']}/health/ready", 200)
        answers = {}
        for path in ("/health/live", "/health/ready", "/v1/user/profile"):
            there = f"http://{listening['host']}:{listening['port']}{path}"
            async with session.get(there) as response:
                answers[path] = response.status
        return Service(answers, app_client["ClientSecret"], await program.end(signal.SIGTERM))


def test_service_becomes_ready(service: Service) -> None:
    """After `listening` is logged, the service responds and has checked its table."""
    assert service.answers == {
        "/health/live": 200,
        "/health/ready": 200,
        "/v1/user/profile": 401,
    }


def test_unverified_source_is_warned_of(service: Service) -> None:
    """Networks of other machines that are believed without proof are a warning at every start."""
    (event,) = service.events("identity_unverified")

    assert event["level"] == "warning"
    assert event["header"] == "x-amzn-oidc-identity"
    assert event["believed_from"] == ["10.0.0.0/8"]


def test_ignored_variable_is_warned_of(service: Service) -> None:
    """A setting's variable with the address of another service is ignored with a warning."""
    (event,) = service.events("variable_ignored")

    assert (event["level"], event["variable"]) == ("warning", "SERVER_METRICS_PORT")
    assert service.events("metrics_listening") == []


def test_configuration_is_logged_without_secrets(service: Service) -> None:
    """The log has the settings, where each comes from, and no secret."""
    (event,) = service.events("starting")

    sources = event["sources"]
    assert {name: {*keys} for name, keys in sources.items()} == {
        name: {*keys} for name, keys in event["settings"].items()
    }
    assert sources["aws.cognito"]["client-secret"] == "environment"
    assert sources["profile"]["schema"] == "default"

    assert event["settings"]["aws.dynamodb"]["user-profile-table"] == TABLE
    assert event["settings"]["aws.cognito"]["client-secret"] == "(set)"
    assert service.client_secret not in service.ended.output + service.ended.errors


def test_sigterm_ends_it_well(service: Service) -> None:
    """SIGTERM ends the service with status 0 at once despite idle connections."""
    assert (service.ended.status, printed_by(service.ended.errors)) == (0, "")
    assert service.ended.took_s < 5
    assert len(service.events("stopped")) == 1


def test_local_aws_is_not_loaded(service: Service) -> None:
    """`serve` imports nothing that the production image lacks."""
    modules = imported(service.ended.errors)

    assert "service.commands.serve" in modules
    assert "aioboto3" in modules
    packages = {module.split(".")[0] for module in modules}
    assert packages.isdisjoint({"moto", "flask", "werkzeug"})
    assert not [module for module in modules if module.startswith("local_aws")]


@pytest.mark.usefixtures("process_restored")
def test_profile_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A missing AWS profile is one sentence."""
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))

    with pytest.raises(AwsUnusable, match=r"settings for AWS .* \(nowhere\)"):
        serve.run(configured({"server": {"port": "0"}}), {}, {})
