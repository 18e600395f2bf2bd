"""`docker compose up` offers what `make run` offers, and prints its commands."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.commands import local_flows
from service.commands.local_settings import PREFERENCES
from service.config.settings import environment_name

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]


@pytest.mark.parametrize("section", ["auth", "auth-config", "federation"])
def test_api_has_the_settings_of_make_run(section: str) -> None:
    """The sign-up and sign-in options are those of `make run`, the page of the API first."""
    page = "http://localhost:${SERVER_PORT:-8080}/docs "
    environ = {
        name: value.removeprefix(page) for name, value in SERVICES["api"]["environment"].items()
    }
    wanted = {environment_name(section, key): text for key, text in PREFERENCES[section].items()}
    assert {name: environ.get(name) for name in wanted} == wanted


def test_commands_of_make_run_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`try-it` prints the commands of `make run`, with the ports of this machine."""
    assert SERVICES["try-it"]["entrypoint"] == ["python", "-m", local_flows.__name__]
    file = tmp_path / "config.ini"
    file.write_text(
        "[aws]\nregion = eu-west-1\n[aws.cognito]\nuser-pool-id = p\nclient-id = c\n"
        "[federation]\nredirect-uris = http://localhost:8080/docs http://localhost:3000/\n"
    )
    api, aws, settings = SERVICES["try-it"]["command"]
    local_flows.main([api, aws, str(file)])

    printed = capsys.readouterr().out
    assert SERVICES["setup"]["command"][-1] == settings
    assert f"The API listens on {api} " in printed
    assert f"The local AWS listens on {aws}, user pool p, app client c:" in printed
    assert f"CODE=$(curl -s {aws}/local-aws/codes/alice)" in printed
    assert f"{api}/api/auth/federated " in printed
    assert '"redirectUri": "http://localhost:8080/docs"' in printed
    assert SERVICES["api"]["ports"] == ["127.0.0.1:${SERVER_PORT:-8080}:8080"]
    assert SERVICES["local-aws"]["ports"] == ["127.0.0.1:${AWS_PORT:-8082}:5000"]


def test_browsers_and_the_service_reach_the_sign_in_pages() -> None:
    """The domain is at the published port, the token endpoint at the service's name in the network."""
    environ = SERVICES["api"]["environment"]
    (published,) = SERVICES["local-aws"]["ports"]
    host, _, _ = published.rpartition(":")
    assert environ["FEDERATION_DOMAIN"] == f"${{FEDERATION_DOMAIN:-http://{host}}}"
    assert environ["FEDERATION_ENDPOINT_URL"] == environ["AWS_COGNITO_ENDPOINT_URL"]
    assert SERVICES["local-aws"]["command"] == ["--public-url", f"http://{host}"]


def test_local_aws_has_an_image_of_its_own() -> None:
    """Compose builds it from a stage that the service's image takes nothing from."""
    service = SERVICES["local-aws"]
    assert service["build"]["target"] == "local-aws"
    assert "volumes" not in service
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = dict(
        re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", text, re.MULTILINE | re.DOTALL)
    )
    assert "COPY local_aws/ local_aws/" in stages["local-aws"]
    with_local_aws = {name for name, stage in stages.items() if re.search("local.aws", stage)}
    assert with_local_aws == {"local-aws", "local-aws-dependencies", "test"}
    assert not re.search("--from=(test|local-aws)", stages["service"])
