"""A program that provides credentials does not outlive the attempt that waits for it."""

import asyncio
import os
from pathlib import Path

import pytest

from service.aws.session import sdk_session
from service.aws.token_files import credential_resolver


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
