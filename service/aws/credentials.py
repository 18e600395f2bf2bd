"""
Expiring credentials, as a task's role on ECS has them, refreshed in the background.

botocore refreshes within a call. In the 10 minutes before the credentials expire every call waits for the
refresh, and fails with it. Here calls wait only for credentials that have expired.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiobotocore.credentials import AioRefreshableCredentials
from botocore.exceptions import BotoCoreError, CredentialRetrievalError, HTTPClientError

from service.aws.token_files import credential_resolver

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from botocore.credentials import ReadOnlyCredentials

LOAD_TIMEOUT_S: Final = 15.0  # at the start: botocore makes three requests of 2 s and pauses
REFRESH_TIMEOUT_S: Final = 3.0  # a slow response must not delay the next attempt
REFRESH_PAUSE_S: Final = 1.0  # between the end of an attempt and the next one


class BackgroundRefreshedCredentials:
    """botocore's *credentials*, refreshed in a task when a call finds that they expire soon."""

    def __init__(
        self,
        credentials: AioRefreshableCredentials,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credentials: Any = credentials
        self._clock = clock
        self._refresh_task: asyncio.Task[None] | None = None
        self._next_refresh_at = 0.0
        self._failure: Exception | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- botocore's
        """Return an attribute of botocore's credentials."""
        return getattr(self._credentials, name)

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return the newest credentials; raises CredentialRetrievalError where they have expired."""
        if self._credentials.refresh_needed():
            task = self._refreshing()
            if self._is_expired():
                await asyncio.shield(task)  # other calls wait for it, too
            if self._is_expired():
                raise CredentialRetrievalError(
                    provider=self._credentials.method, error_msg="expired, and not renewed"
                ) from self._failure
        frozen: ReadOnlyCredentials = self._credentials._frozen_credentials  # noqa: SLF001 -- its getter would refresh
        return frozen

    async def get_account_id(self) -> str | None:
        """Return the id of the AWS account, or None where it is not known."""
        return (await self.get_frozen_credentials()).account_id

    async def close(self) -> None:
        """Cancel a refresh that is under way."""
        if self._refresh_task is not None:
            self._refresh_task.cancel()
            await asyncio.wait((self._refresh_task,))

    def _is_expired(self) -> bool:
        expired: bool = self._credentials.refresh_needed(refresh_in=0)
        return expired

    def _refreshing(self) -> asyncio.Task[None]:
        """Return the attempt that is under way, or the last one where it is too early for another."""
        task = self._refresh_task
        if task is None or (task.done() and self._clock() >= self._next_refresh_at):
            # An empty context: the log lines of the refresh belong to no request.
            task = self._refresh_task = asyncio.create_task(self._refresh(), context=Context())
        return task

    async def _refresh(self) -> None:
        self._failure = None
        try:
            async with asyncio.timeout(REFRESH_TIMEOUT_S):
                await self._credentials.get_frozen_credentials()
        except Exception as failure:  # noqa: BLE001 -- raised to calls once the credentials have expired
            self._failure = failure
            structlog.get_logger().warning(
                "credentials_not_renewed", error=type(failure).__name__, expired=self._is_expired()
            )
        finally:
            self._next_refresh_at = self._clock() + REFRESH_PAUSE_S


class CredentialProvider:
    """botocore's credential chain; register it as a session's `credential_provider`."""

    def __init__(self, session: AioSession, region: str) -> None:
        self._resolver = credential_resolver(session, region)
        self._refreshed: BackgroundRefreshedCredentials | None = None

    async def load_credentials(self) -> Any:  # noqa: ANN401 -- botocore's
        """Return the first credentials of the chain, or None; raises BotoCoreError."""
        try:
            async with asyncio.timeout(LOAD_TIMEOUT_S):
                found = await self._resolver.load_credentials()
        except Exception as error:  # botocore does not check what an endpoint responds
            if isinstance(error, BotoCoreError) and not isinstance(error, HTTPClientError):
                raise
            # The message may repeat the response, which contains secrets.
            raise CredentialRetrievalError(
                provider="the first that has any", error_msg=type(error).__name__
            ) from error
        if not isinstance(found, AioRefreshableCredentials):
            return found
        self._refreshed = BackgroundRefreshedCredentials(found)
        return self._refreshed

    async def close(self) -> None:
        """Cancel a refresh that is under way."""
        if self._refreshed is not None:
            await self._refreshed.close()
