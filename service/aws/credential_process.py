"""The program that `credential_process` of an AWS profile names; botocore leaves it running for ever."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from contextlib import suppress
from typing import Any


class CredentialProcess:
    """A program that is killed when the wait for its output is cancelled."""

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
        finally:
            with suppress(ProcessLookupError):
                self._process.kill()


async def start(*arguments: str, **options: Any) -> CredentialProcess:  # noqa: ANN401 -- botocore's
    """Start a program; botocore calls this in place of `asyncio.create_subprocess_exec`."""
    return CredentialProcess(await asyncio.create_subprocess_exec(*arguments, **options))
