"""What the peers need: Python packages, or another language's compiler and packages."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PEERS: Final = ROOT / "bench" / "peers"
GO_SOURCE: Final = PEERS / "go_sdk" / "main.go"
GO_PROGRAM: Final = ROOT / "build" / "bench" / "go_sdk"
GO_PATH: Final = "/usr/share/gocode"  # where Debian's packages install the sources of libraries
NODE_FOLDER: Final = PEERS / "node_sdk"
NODE_PROGRAM: Final = NODE_FOLDER / "server.js"
NODE_PACKAGES: Final = ("fastify", "@aws-sdk/lib-dynamodb")  # that a result names
WITHIN_S: Final = 600.0  # the first build compiles the whole SDK


class Unavailable(Exception):
    """A peer cannot run on this machine; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A stack that is compared with; *prepare* installs what it needs, or raises Unavailable."""

    command: Sequence[str]
    prepare: Callable[[], None]


def unavailable(peers: Mapping[str, Peer], names: Iterable[str]) -> dict[str, str]:
    """Prepare the peers among *names*, and return why the others cannot run, by name."""
    reasons = {}
    for name in names:
        if name in peers:
            try:
                peers[name].prepare()
            except Unavailable as reason:
                reasons[name] = str(reason)
    return reasons


def left_out(reasons: Mapping[str, str]) -> str:
    """Return the line of a result about peers that cannot run; empty if there are none."""
    if not reasons:
        return ""
    return f"Left out: {'; '.join(f'{name}: {why}' for name, why in reasons.items())}."


def require_modules(*names: str) -> None:
    """Raise Unavailable if a Python module is not installed."""
    for name in names:
        if find_spec(name) is None:
            raise Unavailable(f"the Python package {name} is not installed")


def build_go(program: Path = GO_PROGRAM) -> None:
    """Compile the program in Go with the sources that Debian's packages install."""
    go = _required("go", "golang-go and golang-github-aws-aws-sdk-go-v2-dev")
    program.parent.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "GO111MODULE": "off", "GOPATH": GO_PATH, "GOFLAGS": "-buildvcs=false"}
    _run((go, "build", "-o", str(program), str(GO_SOURCE)), environ)


def install_node() -> None:
    """Install the packages of the program in JavaScript, once for each state of the lock."""
    _required("node", "nodejs")
    npm = _required("npm", "npm")
    lock = NODE_FOLDER / "package-lock.json"
    installed = NODE_FOLDER / "node_modules" / ".package-lock.json"  # written last
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        _run((npm, "ci", "--ignore-scripts"), os.environ)


def versions() -> dict[str, str]:
    """Return the versions of the compilers and packages of those peers that are installed."""
    found: dict[str, str] = {}
    if GO_PROGRAM.exists():
        lines = _output((str(GO_PROGRAM), "versions")).splitlines()
        found |= dict(line.split(" ", 1) for line in lines)
    if (NODE_FOLDER / "node_modules").exists() and (node := shutil.which("node")):
        lock = json.loads((NODE_FOLDER / "package-lock.json").read_text(encoding="utf-8"))
        found["node"] = _output((node, "--version")).strip().removeprefix("v")
        for name in NODE_PACKAGES:
            found[name] = lock["packages"][f"node_modules/{name}"]["version"]
    return found


def _required(program: str, packages: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise Unavailable(f"{program} is not installed (Debian: {packages})")
    return found


def _run(command: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run a command; raises Unavailable with its last line if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 -- our own commands
            command,
            env=environ,
            cwd=NODE_FOLDER,  # where npm finds its lock; the others do not care
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{Path(command[0]).name} takes longer than {WITHIN_S:g} s") from None
    if done.returncode:
        last = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise Unavailable(f"{Path(command[0]).name} fails: {last or done.returncode}")


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 -- our own
