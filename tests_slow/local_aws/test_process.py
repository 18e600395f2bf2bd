"""The local AWS as a program."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import local_aws

LOCAL = Path(local_aws.__file__).parent
PAGE = (Path(__file__).parents[2] / "docs/local-aws.md").read_text(encoding="utf-8")
COMMAND = (sys.executable, "-m", "local_aws", "--port")
ENVIRON = os.environ | {"PYTHONPATH": str(LOCAL.parent)}
RUN_ALONE = """
import runpy, sys
sys.path.append(sys.argv.pop(1))
runpy.run_module("local_aws", run_name="__main__", alter_sys=True)
"""


def _started(process: subprocess.Popen[str]) -> str:
    """Return the URL from the first line; fails with the program's error if there is none."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    match = re.fullmatch(r"local AWS listens on (http://127\.0\.0\.1:\d+)\n", line)
    assert match is not None, line + process.stderr.read()
    return match[1]


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_process_prints_its_address_and_ends_at_a_signal(sent: signal.Signals) -> None:
    """One line has the address; a signal ends the process at once with status 0."""
    with subprocess.Popen(  # noqa: S603 -- our own module
        [*COMMAND, "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRON
    ) as process:
        url = _started(process)
        with urllib.request.urlopen(f"{url}/local-aws/outbox") as answer:  # noqa: S310 -- ours
            assert answer.read() == b"[]"
        stopping = time.perf_counter()
        process.send_signal(sent)
        assert process.wait(timeout=10) == 0
        assert time.perf_counter() - stopping < 4
        assert process.stdout is not None
        assert process.stderr is not None
        (_, *shown) = re.findall(
            r"^(?:\$ python -m local_aws|local AWS|export) .*\n", PAGE, re.MULTILINE
        )
        greeting = f"local AWS listens on {url}\n{process.stdout.read()}"
        assert greeting == "".join(shown).replace("http://127.0.0.1:5000", url)
        assert process.stderr.read() == ""


def test_unreadable_data_are_named_and_set_aside(tmp_path: Path) -> None:
    """A damaged file is named on standard error, and the process starts without it."""
    (tmp_path / "aws.jsonl").write_text("damaged", encoding="utf-8")
    command = [*COMMAND, "0", "--data", str(tmp_path)]
    with subprocess.Popen(  # noqa: S603 -- our own module
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRON
    ) as process:
        _started(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == (
            f"local AWS: {tmp_path / 'aws.jsonl'} cannot be read (it is not the JSON of a saved "
            "state): it is now aws.jsonl.unreadable-1\n"
        )
    assert (tmp_path / "aws.jsonl.unreadable-1").read_text(encoding="utf-8") == "damaged"


def test_taken_port_is_one_sentence() -> None:
    """A port on which another program listens ends the process with status 1 and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(  # noqa: S603 -- our own module
            [*COMMAND, str(port)], capture_output=True, text=True, env=ENVIRON, check=False
        )
    assert (ended.returncode, ended.stdout) == (1, "")
    expected = f"local AWS cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    assert ended.stderr == expected


def _installed(requirement: Requirement, seen: set[str]) -> Iterator[Path]:
    """Yield the top-level files and folders of a requirement and of everything that it requires."""
    if requirement.name in seen:
        return
    seen.add(requirement.name)
    package = distribution(requirement.name)
    tops = {path.parts[0] for path in package.files or ()} - {".."}
    yield from (Path(str(package.locate_file(top))) for top in tops)
    for line in package.requires or ():
        needed = Requirement(line)
        extras = requirement.extras or {""}
        if needed.marker is None or any(needed.marker.evaluate({"extra": one}) for one in extras):
            yield from _installed(needed, seen)


def test_runs_with_nothing_but_moto(tmp_path: Path) -> None:
    """
    The local AWS starts and serves Cognito where only `moto[server]` and its dependencies are installed.

    Its image has nothing else.
    """
    for path in {LOCAL, *_installed(Requirement("moto[server]"), set())}:
        (tmp_path / path.name).symlink_to(path)
    assert not (tmp_path / "service").exists()
    command = [sys.executable, "-I", "-S", "-c", RUN_ALONE, str(tmp_path), "--port", "0"]
    call = b'{"PoolName": "alone"}'
    with subprocess.Popen(  # noqa: S603 -- our own module
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            request = urllib.request.Request(  # noqa: S310 -- ours
                _started(process),
                call,
                {
                    "Content-Type": "application/x-amz-json-1.1",
                    "X-Amz-Target": "AWSCognitoIdentityProviderService.CreateUserPool",
                    "Authorization": "AWS4-HMAC-SHA256 Credential="
                    "local/20270101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=0",
                },
            )
            with urllib.request.urlopen(request) as answer:  # noqa: S310 -- ours
                assert b'"Name": "alone"' in answer.read()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
