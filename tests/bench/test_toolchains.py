"""Peers that cannot run on a machine are left out, with the reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import servers, toolchains
from bench.toolchains import Peer, Unavailable


def test_peer_that_cannot_run_has_a_reason() -> None:
    """Peers that are not asked for are not prepared."""
    prepared = []

    def missing() -> None:
        raise Unavailable("go is not installed")

    peers = {
        "Go": Peer((), missing),
        "Node": Peer((), lambda: prepared.append("Node")),
        "other": Peer((), missing),
    }

    reasons = toolchains.unavailable(peers, [servers.FLOOR, "Go", "Node"])

    assert reasons == {"Go": "go is not installed"}
    assert prepared == ["Node"]
    assert toolchains.left_out(reasons) == "Left out: Go: go is not installed."
    assert toolchains.left_out({}) == ""


def test_missing_python_package_is_named() -> None:
    """A peer in Python needs its packages in the benchmark's environment."""
    toolchains.require_modules("aiohttp")

    with pytest.raises(Unavailable, match="no_such_package is not installed"):
        toolchains.require_modules("aiohttp", "no_such_package")


@pytest.mark.parametrize(
    ("prepare", "program"), [(toolchains.build_go, "go"), (toolchains.install_node, "node")]
)
def test_missing_toolchain_is_named_with_its_package(
    prepare: Callable[[], None], program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Unavailable, match=rf"^{program} is not installed \(Debian: "):
        prepare()


def test_reason_of_a_failed_build_is_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler without the SDK's sources fails; the benchmark goes on without the peer."""
    compiler = tmp_path / "go"
    compiler.write_text("#!/bin/sh\necho first >&2\necho 'cannot find package' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Unavailable, match=r"^go fails: cannot find package$"):
        toolchains.build_go(tmp_path / "built")
