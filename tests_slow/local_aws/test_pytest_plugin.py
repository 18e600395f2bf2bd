"""Projects that install the package get the fixture `local_cognito`."""

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/local-aws.md").read_text(encoding="utf-8")
EXAMPLE = """
import os
import boto3
import pytest

PASSWORD = "Passw0rd!"

def sign_up(pool, username="alice"):
    cognito = pool.client()
    attributes = [{"Name": "email", "Value": f"{username}@example.com"}]
    cognito.sign_up(
        ClientId=pool.client_id, Username=username, Password=PASSWORD, UserAttributes=attributes
    )
    return cognito

def test_sign_in(local_cognito):
    cognito = sign_up(local_cognito)
    cognito.confirm_sign_up(
        ClientId=local_cognito.client_id,
        Username="alice",
        ConfirmationCode=local_cognito.code("alice"),
    )
    signed_in = cognito.initiate_auth(
        ClientId=local_cognito.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "alice", "PASSWORD": PASSWORD},
    )
    assert signed_in["AuthenticationResult"]["AccessToken"]

def test_pool_is_new(local_cognito):
    with pytest.raises(LookupError, match="alice"):
        local_cognito.code("alice")
    assert local_cognito.client().list_users(UserPoolId=local_cognito.user_pool_id)["Users"] == []

def test_program_by_environment(local_cognito, monkeypatch):
    for name, value in local_cognito.environ.items():
        monkeypatch.setenv(name, value)
    assert boto3.client("dynamodb").list_tables()["TableNames"] == []
    cognito, pool = boto3.client("cognito-idp"), local_cognito.user_pool_id
    cognito.create_user_pool_domain(UserPoolId=pool, Domain="example")
    cognito.update_user_pool(UserPoolId=pool, DeletionProtection="ACTIVE")

def test_protected_pool_was_removed(local_cognito):
    pools = local_cognito.client().list_user_pools(MaxResults=60)["UserPools"]
    assert [pool["Id"] for pool in pools] == [local_cognito.user_pool_id]
"""
UNUSED = """
import sys

def test_nothing_is_loaded():
    assert not {"boto3", "moto", "local_aws.server"} & {*sys.modules}
"""


def _pytest(folder: Path, text: str) -> str:
    (folder / "test_example.py").write_text(text, encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "."],
        cwd=folder,
        env={**clean, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_package_brings_the_fixture() -> None:
    """The fixture is registered with pytest by the package's metadata."""
    (found,) = [each for each in entry_points(group="pytest11") if each.name == "local_aws"]
    assert found.value == "local_aws.pytest_plugin"


def test_tests_of_a_project_use_it(tmp_path: Path) -> None:
    """A test signs users up, reads their codes and signs them in, in a pool of its own."""
    assert "4 passed" in _pytest(tmp_path, EXAMPLE)


def test_example_of_the_documentation_passes(tmp_path: Path) -> None:
    """The test that docs/local-aws.md shows passes as it stands."""
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)

    assert "1 passed" in _pytest(tmp_path, example)


def test_it_costs_nothing_unused(tmp_path: Path) -> None:
    """A run that does not use the fixture imports neither moto nor boto3."""
    assert "1 passed" in _pytest(tmp_path, UNUSED)
