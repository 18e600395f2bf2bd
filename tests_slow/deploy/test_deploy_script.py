"""`make deploy` shows what would change, changes nothing unasked, and passes the outputs on."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.deploy.templates import FOLDER
from tests_slow.deploy import aws_cli
from tests_slow.deploy.stacks import HOST, IMAGE, REGION, Cloud

ROOT: Final = FOLDER.parent.parent


@dataclass(frozen=True, slots=True)
class Ended:
    """How a deployment ended."""

    status: int
    output: str
    errors: str
    calls: list[str]
    """The operations of the CLI that it called."""


@dataclass(frozen=True, slots=True)
class Script:
    """`make deploy` for a pair of stacks that nobody else has."""

    cloud: Cloud
    folder: Path
    stack: str

    def deploy(self, answer: str = "", **variables: str) -> Ended:
        """Run it with variables, and *answer* typed at its questions."""
        calls = self.folder / "calls.txt"
        calls.write_text("", encoding="utf-8")
        environ = {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.cloud.url,
            "CALLS": str(calls),
            "PYTHONPATH": str(ROOT),
        }
        ended = subprocess.run(  # noqa: S603 -- what the test says
            [
                shutil.which("make") or "make",
                "--no-print-directory",
                "deploy",
                *(f"{name}={value}" for name, value in ({"STACK": self.stack} | variables).items()),
            ],
            capture_output=True,
            check=False,
            cwd=ROOT,
            encoding="utf-8",
            env=environ,
            input=answer,
            timeout=110,
        )
        made = calls.read_text(encoding="utf-8").splitlines()
        return Ended(ended.returncode, ended.stdout, ended.stderr, made)

    def parameters(self, stack: str) -> Mapping[str, str]:
        """Return the parameters that a stack has."""
        (described,) = self._describe(stack)
        return {
            parameter["ParameterKey"]: parameter["ParameterValue"]
            for parameter in described["Parameters"]
        }

    def outputs(self, stack: str) -> Mapping[str, str]:
        """Return the outputs of a stack."""
        (described,) = self._describe(stack)
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    def stacks(self) -> set[str]:
        """Return the names of its stacks that there are."""
        listed = self.cloud.client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackName"] for stack in listed if stack["StackName"].startswith(self.stack)}

    def _describe(self, stack: str) -> list[dict[str, Any]]:
        described: list[dict[str, Any]] = self.cloud.client("cloudformation").describe_stacks(
            StackName=stack
        )["Stacks"]
        return described


@pytest.fixture(name="script")
def _script(cloud: Cloud, tmp_path: Path) -> Script:
    """Put an `aws` first in PATH."""
    program = tmp_path / "aws"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {aws_cli.__name__} "$@"\n')
    program.chmod(0o755)
    return Script(cloud, tmp_path, f"deploy-{uuid.uuid4().hex[:8]}")


def test_nothing_is_changed_without_a_yes(script: Script) -> None:
    """Where nobody answers, the change set is discarded, and the empty stack that it made."""
    ended = script.deploy()

    assert (ended.status, "execute-change-set" in ended.calls) == (2, False)
    assert f"{script.stack}-data: nothing was changed" in ended.errors
    assert "AWS::DynamoDB::Table" in ended.output
    assert script.stacks() == set()


def test_both_stacks_are_created_and_kept(script: Script) -> None:
    """The second stack gets the outputs of the first; deployed again, nothing changes."""
    certificate = script.cloud.certificate()
    table = f"profiles-{uuid.uuid4().hex[:8]}"
    first = script.deploy(
        "y\ny\n",
        TableName=table,
        DomainName=HOST,
        Image=IMAGE,
        CertificateArn=certificate,
        CorsAllowedOrigins="https://app.example.com https://www.example.com",
    )
    outputs = script.outputs(f"{script.stack}-data")
    parameters = script.parameters(script.stack)

    assert (first.status, first.errors) == (0, "")
    assert first.output.index("Add\tTable") < first.output.index("Execute?")
    assert first.output.count("Execute? [y/N]") == 2
    assert f"SmokeCommand\tpython -m service smoke https://{HOST}" in first.output
    for name in ("TableName", "UserPoolId", "ClientId"):
        assert parameters[name] == outputs[name]
    assert parameters["CorsAllowedOrigins"] == "https://app.example.com https://www.example.com"

    again = script.deploy()

    assert (again.status, again.errors) == (0, "")
    assert "execute-change-set" not in again.calls
    assert f"{script.stack}-data: no changes\n{script.stack}: no changes\n" in again.output
    assert script.parameters(script.stack) == parameters


def test_changed_parameter_is_shown_with_its_old_value(script: Script) -> None:
    """An update says which parameters change; the others keep the values that the stack has."""
    data = f"{script.stack}-data"
    table = f"profiles-{uuid.uuid4().hex[:8]}"
    created = script.deploy(
        YES="1",
        STACKS="data",
        TableName=table,
        # moto can't update a stack in which a condition leaves a resource out.
        BrowserDomainPrefix="profiles",
        DomainName=HOST,
    )
    before = script.parameters(data)
    updated = script.deploy("y\n", STACKS="data", DeletionProtection="false")

    assert (created.status, updated.status, updated.errors) == (0, 0, "")
    assert f"{data}: DeletionProtection changes from 'true' to 'false'" in updated.output
    assert " changes from " not in created.output
    assert script.parameters(data) == {**before, "DeletionProtection": "false"}


def test_pipeline_deploys_one_stack_without_a_question(script: Script) -> None:
    """YES=1 does not ask, and STACKS=data leaves the service alone."""
    table = f"profiles-{uuid.uuid4().hex[:8]}"
    ended = script.deploy(YES="1", STACKS="data", TableName=table)

    assert (ended.status, ended.errors) == (0, "")
    assert "Execute?" not in ended.output
    assert script.stacks() == {f"{script.stack}-data"}
    assert script.parameters(f"{script.stack}-data")["TableName"] == table


def test_events_get_the_stream_of_the_data(script: Script) -> None:
    """STACKS="data events" creates a pipe on the table's stream, without the service."""
    data, events = f"{script.stack}-data", f"{script.stack}-events"
    table = f"profiles-{uuid.uuid4().hex[:8]}"
    ended = script.deploy(YES="1", STACKS="data events", TableName=table, TableStream="true")

    assert (ended.status, ended.errors) == (0, "")
    assert script.stacks() == {data, events}
    assert f":table/{table}/stream/" in script.parameters(events)["TableStreamArn"]


def test_table_and_pool_that_exist_are_named(script: Script) -> None:
    """Without the data stack, the service stands on the table and the pool that the caller names."""
    ended = script.deploy(
        YES="1",
        STACKS="service",
        TableName="profiles-of-before",
        UserPoolId="us-east-1_Example",
        ClientId="7example23client",
        DomainName=HOST,
        Image=IMAGE,
        CertificateArn=script.cloud.certificate(),
    )

    assert (ended.status, ended.errors) == (0, "")
    assert script.stacks() == {script.stack}
    assert script.parameters(script.stack)["UserPoolId"] == "us-east-1_Example"


def test_refusal_of_aws_is_shown(script: Script) -> None:
    """What AWS says of a mistake is printed, and the status is not 0."""
    ended = script.deploy(YES="1", STACKS="data", AWS_ACCESS_KEY_ID="", AWS_PROFILE="nowhere")

    assert ended.status == 2
    assert "nowhere" in ended.errors
    assert "create-change-set" not in ended.calls


def test_unknown_stack_is_refused(script: Script) -> None:
    """STACKS names the templates, nothing else."""
    ended = script.deploy(STACKS="everything")

    assert (ended.status, ended.calls) == (2, [])
    assert "STACKS is a list of data, service and events, and not everything" in ended.errors
