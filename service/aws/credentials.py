"""
Credentials that are looked for, and refreshed, in the background.

botocore looks for credentials once, when a client is made. A service that starts before its role exists
would have none for ever; here the search is repeated.

botocore refreshes within a call. In the 10 minutes before the credentials expire every call waits for the
refresh, and fails with it. Here calls wait only for credentials that have expired.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiobotocore.credentials import AioRefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    CredentialRetrievalError,
    InfiniteLoopConfigError,
    InvalidConfigError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    UnknownCredentialError,
)

from service.aws.failure_advice import known_cause
from service.aws.failure_causes import NOT_RETRIEVED

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

START_PATIENCE_S: Final = 2.0  # the service then starts without credentials
ATTEMPT_TIMEOUT_S: Final = 5.0  # a slow response must not delay the next attempt
ATTEMPT_PAUSE_S: Final = 1.0  # between the end of an attempt and the next one
REPORT_INTERVAL_S: Final = 60.0  # between two log lines about the same failure
NO_FILE: Final = (
    "A file of the credentials can't be read: mount the token that AWS_WEB_IDENTITY_TOKEN_FILE or "
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names, or the program of credential_process."
)
# Waiting does not help against these: an operator has to correct the configuration.
UNUSABLE_CONFIGURATION: Final = (
    ConfigParseError,
    InfiniteLoopConfigError,
    InvalidConfigError,
    PartialCredentialsError,
    ProfileNotFound,
    UnknownCredentialError,
)


class BackgroundCredentials:
    """
    Credentials of botocore's chain, found and refreshed in a task when a call needs them.

    *new_resolver* returns a chain that has read the configuration anew.
    """

    method = "background"

    def __init__(
        self, new_resolver: Callable[[], Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._new_resolver = new_resolver
        self._clock = clock
        self._found: Any = None
        self._attempt: asyncio.Task[None] | None = None
        self._next_attempt_at = 0.0
        self._had_any = False
        self._failure: Exception | None = None
        self._reported: tuple[str, float] | None = None  # the failure, and when

    async def first_attempt(self) -> Any:  # noqa: ANN401 -- botocore's
        """
        Return fixed credentials if the chain has some at once, and otherwise this object.

        Raises what is in UNUSABLE_CONFIGURATION.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(START_PATIENCE_S):
                await asyncio.shield(self._attempting())
        if isinstance(self._failure, UNUSABLE_CONFIGURATION):
            raise self._failure
        is_fixed = self._found is not None and not isinstance(
            self._found, AioRefreshableCredentials
        )
        return self._found if is_fixed else self

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """
        Return the newest credentials.

        Raises NoCredentialsError if there are none yet, CredentialRetrievalError if they could not be
        fetched or have expired.
        """
        if self._found is None or self._is_expiring():
            attempt = self._attempting()
            if self._is_missing():
                await asyncio.shield(attempt)  # other calls wait for it, too
            if self._is_missing():
                raise self._missing() from self._failure
        found: Any = self._found
        is_refreshable = isinstance(found, AioRefreshableCredentials)
        frozen: ReadOnlyCredentials = (
            found._frozen_credentials  # noqa: SLF001 -- its getter would refresh
            if is_refreshable
            else await found.get_frozen_credentials()
        )
        return frozen

    async def get_account_id(self) -> str | None:
        """Return the id of the AWS account, or None where it is not known."""
        return (await self.get_frozen_credentials()).account_id

    def get_deferred_property(self, name: str) -> Callable[[], Awaitable[Any]]:
        """Return the getter of a property; botocore uses it for `account_id`."""
        getter: Callable[[], Awaitable[Any]] = getattr(self, f"get_{name}")
        return getter

    async def close(self) -> None:
        """Cancel an attempt that is under way."""
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.wait((self._attempt,))

    def _is_expiring(self, **within: int) -> bool:
        is_refreshable = isinstance(self._found, AioRefreshableCredentials)
        return is_refreshable and self._found.refresh_needed(**within)

    def _is_missing(self) -> bool:
        return self._found is None or self._is_expiring(refresh_in=0)

    def _missing(self) -> BotoCoreError:
        if not self._had_any and isinstance(self._failure, NoCredentialsError):
            return NoCredentialsError()
        return CredentialRetrievalError(
            provider=getattr(self._found, "method", "the first that has any"),
            error_msg="expired, and not renewed"
            if self._had_any
            # Not the message: it may repeat the response, which contains secrets.
            else type(self._failure).__name__,
        )

    def _attempting(self) -> asyncio.Task[None]:
        """Return the attempt that is under way, or the last one where it is too early for another."""
        task = self._attempt
        if task is None or (task.done() and self._clock() >= self._next_attempt_at):
            # An empty context: the log lines of the attempt belong to no request.
            task = self._attempt = asyncio.create_task(self._fetch(), context=Context())
        return task

    async def _fetch(self) -> None:
        is_refresh = self._found is not None
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                if is_refresh:
                    await self._found.get_frozen_credentials()
                else:
                    await self._find()
        except Exception as failure:  # noqa: BLE001 -- raised to calls while there are no credentials
            self._failure = failure
            self._report(failure)
            if self._is_missing():
                self._found = None  # the next attempt reads the configuration anew
        else:
            self._had_any = True
            self._failure = None
            if self._reported is not None:
                self._reported = None
                structlog.get_logger().info("credentials_found", method=self._found.method)
        finally:
            if is_refresh or self._found is None:
                self._next_attempt_at = self._clock() + ATTEMPT_PAUSE_S

    async def _find(self) -> None:
        found = await self._new_resolver().load_credentials()
        if found is None:
            raise NoCredentialsError
        self._found = found
        if self._is_missing():  # only their source is known yet
            await found.get_frozen_credentials()

    def _report(self, failure: Exception) -> None:
        name, now = _name(failure), self._clock()
        reported, at = self._reported or ("", now)
        if reported == name and now < at + REPORT_INTERVAL_S:
            return
        self._reported = (name, now)
        log, advice = structlog.get_logger(), _advice(failure)
        if self._had_any:
            expired = self._is_missing()
            log.warning("credentials_not_renewed", error=name, advice=advice, expired=expired)
        else:
            log.warning("credentials_missing", error=name, advice=advice)


def _name(failure: Exception) -> str:
    if isinstance(failure, ClientError):
        return str(failure.response["Error"].get("Code"))
    return type(failure).__name__


def _advice(failure: Exception) -> str:
    cause = known_cause(failure)
    if cause is None and isinstance(failure, OSError) and not isinstance(failure, TimeoutError):
        return NO_FILE
    return (cause or NOT_RETRIEVED).advice


class CredentialProvider:
    """botocore's credential chain; register it as a session's `credential_provider`."""

    def __init__(self, new_resolver: Callable[[], Any]) -> None:
        self._credentials = BackgroundCredentials(new_resolver)

    async def load_credentials(self) -> Any:  # noqa: ANN401 -- botocore's
        """Return credentials, which may have to be found first; raises BotoCoreError."""
        return await self._credentials.first_attempt()

    async def close(self) -> None:
        """Cancel an attempt that is under way."""
        await self._credentials.close()
