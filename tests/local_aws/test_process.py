"""The local AWS runs as a process, also in its own image."""

import ast
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

import local_aws
from local_aws.__main__ import main
from local_aws.saved_state.file import StateFile

LOCAL = Path(local_aws.__file__).parent
OTHERS = ("load_balancer", "pytest_plugin")  # which run only in `make run` and in tests
OF_THE_IMAGE = [path for path in sorted(LOCAL.rglob("*.py")) if not path.name.startswith(OTHERS)]


@pytest.mark.parametrize(
    ("options", "url"),
    [((), "http://127.0.0.1:"), (("--public-url", "http://a.test:8/"), "http://a.test:8\n")],
)
def test_main_serves_until_a_signal(
    options: Sequence[str], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Main prints the URL for clients, ends with status 0 at a signal, and restores the signal mask."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    caller = threading.get_ident()
    # Blocked here first, so that the signal stays pending until main() waits for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        signal.pthread_kill(caller, signal.SIGTERM)
        assert main(["--port", "0", *options]) == 0
        assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, set())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert capsys.readouterr().out.startswith(f"local AWS listens on {url}")


def test_taken_port_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken is named in one sentence, and the exit status is 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    expected = f"local AWS cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    assert capsys.readouterr() == ("", expected)


def test_number_that_is_no_port_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """A number above 65535 ends with status 1 too, and with its bounds."""
    assert main(["--port", "99999"]) == 1
    expected = (
        "local AWS cannot listen on 127.0.0.1 port 99999: a port is a number from 0 to 65535\n"
    )
    assert capsys.readouterr() == ("", expected)


def test_folder_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder in use, and a file in its place, are named in one sentence, and the status is 1."""
    with closing(StateFile(tmp_path / "data")):
        assert main(["--port", "0", "--data", str(tmp_path / "data")]) == 1
    in_use = f"local AWS cannot start: {tmp_path / 'data'} is in use by another process\n"
    assert capsys.readouterr() == ("", in_use)
    (tmp_path / "file").touch()
    assert main(["--port", "0", "--data", str(tmp_path / "file")]) == 1
    no_folder = f"local AWS cannot save to {tmp_path / 'file'}: File exists\n"
    assert capsys.readouterr() == ("", no_folder)


@pytest.mark.parametrize("path", OF_THE_IMAGE, ids=lambda path: path.stem)
def test_module_needs_only_what_its_image_has(path: Path) -> None:
    """Modules import only local_aws, the standard library and what moto requires."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    brought = {"moto", "boto3", "botocore", "cryptography", "flask", "joserfc", "werkzeug"}
    allowed = {*brought, "_typeshed", *sys.stdlib_module_names}
    outside = {
        name
        for name in imported
        if name.split(".")[0] not in allowed and not name.startswith("local_aws")
    }
    assert outside == set()
