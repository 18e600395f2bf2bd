"""
botocore's credential chain, with two corrections.

Editors and `kubectl create secret` end files of tokens with a line feed, which botocore takes for a part
of the token. It leaves the program that `credential_process` of a profile names running for ever.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from aiobotocore import credentials
from botocore.utils import FileWebIdentityTokenLoader

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

# A process that has left the group can keep the output open; the attempt does not wait longer for it.
OUTPUT_CLOSES_S: Final = 1.0

_botocore: Any = credentials  # the types of botocore lack what its providers call internally


def credential_resolver(session: AioSession, region: str) -> Any:  # noqa: ANN401 -- botocore's
    """
    Return botocore's credential chain.

    It drops white space around the tokens that it reads, and kills programs that an attempt gave up.
    """
    resolver = _botocore.create_credential_resolver(session, region_name=region)
    for index, provider in enumerate(resolver.providers):
        if isinstance(provider, _botocore.AioContainerProvider):
            resolver.providers[index] = _ContainerProvider()
        elif isinstance(provider, _botocore.AioAssumeRoleWithWebIdentityProvider):
            provider._token_loader_cls = _WebIdentityToken  # noqa: SLF001 -- the session makes it without one
        elif isinstance(provider, _botocore.AioProcessProvider):
            provider._popen = start_process  # noqa: SLF001 -- likewise
    return resolver


class _ContainerProvider(_botocore.AioContainerProvider):  # type: ignore[misc]  # see _botocore
    """The provider of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE; botocore's fails for a line feed."""

    def _validate_auth_token(self, token: str) -> None:
        super()._validate_auth_token(token.strip())

    def _build_headers(self) -> dict[str, str] | None:
        headers: dict[str, str] | None = super()._build_headers()
        return headers and {name: value.strip() for name, value in headers.items()}


class _WebIdentityToken(FileWebIdentityTokenLoader):
    """The loader of AWS_WEB_IDENTITY_TOKEN_FILE; botocore's sends the line feed to STS."""

    def __call__(self) -> str:
        token: str = super().__call__()
        return token.strip()


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


async def start_process(*arguments: str, **options: Any) -> CredentialProcess:  # noqa: ANN401 -- botocore's
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
