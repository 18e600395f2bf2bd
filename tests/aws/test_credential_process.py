"""A program that provides credentials does not outlive the attempt that waits for it."""

import asyncio
import os
from pathlib import Path

import pytest

from service.aws.session import sdk_session
from service.aws.token_files import credential_resolver

PATIENCE_S = 5.0  # for milliseconds of work on an idle machine


async def _ended(process_id: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                os.kill(process_id, 0)
            except ProcessLookupError:
                return
            await asyncio.sleep(0.01)


async def test_program_is_killed_with_the_attempt(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """When an attempt is given up, its program ends, so that none pile up beside the service."""
    started = tmp_path / "started"
    os.mkfifo(started)
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $$ >{started}\nexec sleep 600\n", encoding="utf-8")
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

    await _ended(process_id)
    assert failure.value.__traceback__ is not None
