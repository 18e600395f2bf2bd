"""`docker compose up` offers what `make run` offers, and prints its commands."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from service.commands import local_flows
from service.commands.local_settings import PREFERENCES
from service.config.settings import environment_name

COMPOSE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "docker-compose.yml").read_text(encoding="utf-8")
)
SERVICES: dict[str, Any] = COMPOSE["services"]


@pytest.mark.parametrize("section", ["auth", "auth-config"])
def test_api_has_the_settings_of_make_run(section: str) -> None:
    """The sign-up and sign-in options are those of `make run`."""
    environ = SERVICES["api"]["environment"]
    wanted = {environment_name(section, key): text for key, text in PREFERENCES[section].items()}
    assert {name: environ.get(name) for name in wanted} == wanted


def test_commands_of_make_run_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`try-it` prints the commands of `make run`, with the ports of this machine."""
    assert SERVICES["try-it"]["entrypoint"] == ["python", "-m", local_flows.__name__]
    file = tmp_path / "config.ini"
    file.write_text("[aws]\nregion = eu-west-1\n[aws.cognito]\nuser-pool-id = p\nclient-id = c\n")
    api, aws, settings = SERVICES["try-it"]["command"]
    local_flows.main([api, aws, str(file)])

    printed = capsys.readouterr().out
    assert SERVICES["setup"]["command"][-1] == settings
    assert f"The API listens on {api} " in printed
    assert f"The local AWS listens on {aws}, user pool p, app client c:" in printed
    assert f"CODE=$(curl -s {aws}/local-aws/codes/alice)" in printed
    assert SERVICES["api"]["ports"] == ["127.0.0.1:${SERVER_PORT:-8080}:8080"]
    assert SERVICES["moto"]["ports"] == ["127.0.0.1:${AWS_PORT:-8082}:5000"]
