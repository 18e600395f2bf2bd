"""The program that `credential_process` of an AWS profile names; botocore leaves it running for ever."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from contextlib import suppress
from typing import Any, Final

# A process that has left the group can keep the output open; the attempt does not wait longer for it.
OUTPUT_CLOSES_S: Final = 1.0


class CredentialProcess:
    """A program that is killed, with its children, when the wait for its output is cancelled."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def returncode(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """Return the output and the errors when the program has ended."""
        try:
            return await self._process.communicate()
        except asyncio.CancelledError:
            await _kill(self._process)
            raise


async def start(*arguments: str, **options: Any) -> CredentialProcess:  # noqa: ANN401 -- botocore's
    """Start a program; botocore calls this in place of `asyncio.create_subprocess_exec`."""
    # asyncio leaves pipes open where it is cancelled while it connects them.
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(*arguments, start_new_session=True, **options)
    )
    try:
        return CredentialProcess(await asyncio.shield(starting))
    except asyncio.CancelledError:
        await _kill(await starting)
        raise


async def _kill(process: Process) -> None:
    """Kill *process* and its children, and wait until asyncio has closed its transport."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(OUTPUT_CLOSES_S):
            await process.communicate()
