"""The local AWS as a program of its own."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import local_aws

LOCAL = Path(local_aws.__file__).parent


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_process_says_where_it_listens_and_ends_when_told(sent: signal.Signals) -> None:
    """One line names the address; a signal ends it at once with status 0."""
    command = [sys.executable, "-m", "local_aws", "--port", "0"]
    environ = os.environ | {"PYTHONPATH": str(LOCAL.parent.parent)}
    with subprocess.Popen(  # noqa: S603 -- our own module
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        url = line.split()[-1]
        assert line == f"local AWS listens on {url}\n"
        with urllib.request.urlopen(f"{url}/local-aws/outbox") as answer:  # noqa: S310 -- ours
            assert answer.read() == b"[]"
        stopping = time.perf_counter()
        process.send_signal(sent)
        assert process.wait(timeout=10) == 0
        assert time.perf_counter() - stopping < 4
        assert process.stdout.read() == process.stderr.read() == ""
