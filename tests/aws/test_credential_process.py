"""A program that provides credentials does not outlive the attempt that waits for it."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from service.aws import credential_chain
from service.aws.credential_chain import credential_resolver
from service.aws.session import sdk_session


@pytest.mark.parametrize("last", ["exec sleep 600", "sleep 600 & wait"])
async def test_program_has_ended_when_the_attempt_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, last: str
) -> None:
    """A cancelled attempt has killed its program and read its output to the end, its children's too."""
    started = tmp_path / "started"
    os.mkfifo(started)
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $$ >{started}\n{last}\n", encoding="utf-8")
    program.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[profile slow]\ncredential_process = {program}\n", encoding="utf-8")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_PROFILE", "slow")
    chain = credential_resolver(sdk_session(), "us-east-1")

    attempt = asyncio.create_task(chain.load_credentials())
    process_id = int(await asyncio.to_thread(started.read_text))
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError) as failure:  # the service keeps the last one, too
        await attempt

    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)
    assert failure.value.__traceback__ is not None


async def test_program_whose_start_is_cancelled_has_ended() -> None:
    """An attempt may be cancelled before its program has been started."""
    duration_s = f"600.{os.getpid()}"
    await _cancelled(credential_chain.start_process("sleep", duration_s, stdout=PIPE))

    assert _programs_with(duration_s) == []


async def test_program_whose_output_is_awaited_in_vain_has_ended() -> None:
    """An attempt may be cancelled while its program runs."""
    program = await credential_chain.start_process("sleep", "600", stdout=PIPE)
    assert program.returncode is None
    await _cancelled(program.communicate())

    assert program.returncode == -signal.SIGKILL


async def _cancelled(call: Coroutine[Any, Any, object]) -> None:
    """Begin a call, and cancel it."""
    begun = asyncio.create_task(call)
    await asyncio.sleep(0)
    begun.cancel()
    with pytest.raises(asyncio.CancelledError):
        await begun


def _programs_with(argument: str) -> list[Path]:
    """Return the folders in /proc of the programs that have the argument."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended since
            if argument in file.read_text(encoding="utf-8", errors="replace").split("\0"):
                found.append(file.parent)
    return found
