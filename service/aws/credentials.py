"""
Credentials that expire, as a task's role on ECS has them, renewed beside the calls that use them.

botocore lets the call that finds them old wait for the new ones: from 15 minutes before they expire one
call, from 10 minutes on every call, and these fail if renewing does, though the old ones are good still.
Here nobody waits for new credentials before the old ones have expired.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiobotocore.credentials import AioRefreshableCredentials, create_credential_resolver
from botocore.exceptions import BotoCoreError, CredentialRetrievalError, HTTPClientError

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from botocore.credentials import ReadOnlyCredentials

FIRST_S: Final = 15.0  # of the first try: botocore's three requests of two seconds, and more
LONGEST_S: Final = 3.0  # of each one from then on: what trickles must not keep a sound one waiting
PAUSE_S: Final = 1.0  # between the end of a try and the next one


class BackgroundRefreshedCredentials:
    """*credentials* of botocore, renewed in a task of their own when a call finds them old."""

    def __init__(
        self,
        credentials: AioRefreshableCredentials,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credentials: Any = credentials
        self._clock = clock
        self._renewal: asyncio.Task[None] | None = None
        self._again_at = 0.0
        self._failure: Exception | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- botocore's own
        """Return what is asked of botocore's credentials."""
        return getattr(self._credentials, name)

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return the newest credentials; raises CredentialRetrievalError where they have expired."""
        if self._credentials.refresh_needed():
            renewal = self._begun()
            if self._is_expired():
                await asyncio.shield(renewal)  # who leaves must not end it for the others
            if self._is_expired():
                raise CredentialRetrievalError(
                    provider=self._credentials.method, error_msg="expired, and not renewed"
                ) from self._failure
        frozen: ReadOnlyCredentials = self._credentials._frozen_credentials  # noqa: SLF001 -- its getter renews
        return frozen

    async def get_account_id(self) -> str | None:
        """Return the account that the credentials are of, if it is known."""
        return (await self.get_frozen_credentials()).account_id

    async def close(self) -> None:
        """End the renewal that is under way."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait((self._renewal,))

    def _is_expired(self) -> bool:
        expired: bool = self._credentials.refresh_needed(refresh_in=0)
        return expired

    def _begun(self) -> asyncio.Task[None]:
        """Return the try that is under way, or the last one if it is too early for another."""
        if self._renewal is None or (self._renewal.done() and self._clock() >= self._again_at):
            # A context of its own: what is logged of it is no one request's.
            self._renewal = asyncio.create_task(self._renew(), context=Context())
        return self._renewal

    async def _renew(self) -> None:
        self._failure = None
        try:
            async with asyncio.timeout(LONGEST_S):
                await self._credentials.get_frozen_credentials()
        except Exception as failure:  # noqa: BLE001 -- whoever has no others raises it
            self._failure = failure
            structlog.get_logger().warning(
                "credentials_not_renewed", error=type(failure).__name__, expired=self._is_expired()
            )
        finally:
            self._again_at = self._clock() + PAUSE_S


class CredentialProvider:
    """botocore's way of finding credentials, but for how they are renewed."""

    def __init__(self, session: AioSession, region: str) -> None:
        self._resolver: Any = create_credential_resolver(session, region_name=region)
        self._found: BackgroundRefreshedCredentials | None = None

    async def load_credentials(self) -> Any:  # noqa: ANN401 -- botocore's own
        """Return the first credentials that are found, or None; raises BotoCoreError."""
        try:
            async with asyncio.timeout(FIRST_S):
                found = await self._resolver.load_credentials()
        except Exception as error:  # botocore takes on trust whatever an endpoint answers
            if isinstance(error, BotoCoreError) and not isinstance(error, HTTPClientError):
                raise
            # By its name alone: its message may repeat the answer, which has secrets in it.
            raise CredentialRetrievalError(
                provider="the first that has any", error_msg=type(error).__name__
            ) from error
        if not isinstance(found, AioRefreshableCredentials):
            return found
        self._found = BackgroundRefreshedCredentials(found)
        return self._found

    async def close(self) -> None:
        """End the renewal that is under way."""
        if self._found is not None:
            await self._found.close()
