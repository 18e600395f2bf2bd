"""The app client of the user pool: makes each call, with what the client owes Cognito for it."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiohttp import ClientConnectorError
from botocore import xform_name
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
    ParamValidationError,
)
from botocore.exceptions import ConnectionError as NoConnection

from service.aws import retries
from service.aws.errors import translated
from service.aws.retries import ignore_retry
from service.cognito.errors import ERRORS
from service.cognito.masked_errors import OnMasked, Reason, ignore, masked_reason
from service.cognito.secret_hash import secret_hash
from service.domain.errors import FeatureUnavailable, InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.aws.errors import ErrorTable
    from service.config.settings import CognitoConfig
    from service.domain.client import Client

LONGEST_PAUSE_S: Final = 0.2  # before the second try

# Sending these twice does what sending them once does; all others are sent once, for a repetition
# would use up a code, a try or a message, or fail because the first one succeeded.
REPEATABLE: Final = frozenset(
    {
        "DeleteUserAttributes",
        "GetUser",
        "GetUserAuthFactors",
        "GlobalSignOut",
        "ListWebAuthnCredentials",
        "RevokeToken",
        "SetUserMFAPreference",
    }
)


class UserPoolClient:
    """
    An app client of a user pool; the botocore *client* is open and stays its opener's.

    *on_retry* is told of each call that is sent once again, *on_masked* the operation and the reason of
    each refusal that the caller is not told.
    """

    def __init__(
        self,
        client: CognitoIdentityProviderClient,
        *,
        config: CognitoConfig,
        on_retry: Callable[[], None] = ignore_retry,
        on_masked: OnMasked = ignore,
    ) -> None:
        self._client = client
        self._on_masked = on_masked
        self._on_retry = on_retry
        self._client_id = config.client_id
        self._client_secret = config.client_secret
        self._sends_address = config.send_client_address
        self._retries = retries.quota()

    async def call(
        self,
        operation: str,
        *,
        meanings: ErrorTable | None = None,
        **arguments: Any,  # noqa: ANN401 -- botocore's
    ) -> Mapping[str, Any]:
        """
        Make a call and return Cognito's answer.

        *meanings* are those of exceptions that mean something else than ERRORS says. A call is tried
        again, once, where no connection was made or another call overtook it, and a REPEATABLE one
        where its answer was lost.
        Raises FeatureUnavailable where the installed botocore does not know the operation.
        """
        send = getattr(self._client, xform_name(operation), None)
        if send is None:
            raise FeatureUnavailable
        with translated({**ERRORS[operation], **(meanings or {})}):
            try:
                return await self._sent(operation, send, arguments)
            except ClientError as error:
                self._report_masked(operation, error)
                raise
            except (
                ParamValidationError
            ) as error:  # a bound of Cognito's that only it knows for sure
                raise InvalidParameter from error

    def _report_masked(self, operation: str, error: ClientError) -> None:
        """Write to the log and the metrics why Cognito refused, where the answer hides it."""
        reason = masked_reason(operation, error)
        if reason is None:
            return
        self._on_masked(operation, reason.value)
        log = structlog.get_logger()
        expected = reason in {Reason.USER_LIMIT, Reason.LOCKOUT}
        (log.info if expected else log.warning)(
            "cognito_refusal_masked",
            operation=operation,
            error=error.response["Error"]["Code"],
            reason=reason.value,
        )

    async def _sent(
        self,
        operation: str,
        send: Callable[..., Awaitable[Mapping[str, Any]]],
        arguments: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """Send a call, and once again where that can do no harm, and has helped of late."""
        try:
            answer = await send(**arguments)
        except (BotoCoreError, ClientError) as error:
            harmless = operation in REPEATABLE and (
                is_unanswered(error) or _is(error, "InternalErrorException")
            )
            had_no_effect = _never_connected(error) or _is(error, "ConcurrentModificationException")
            if not (harmless or had_no_effect) or not self._retries.acquire(retries.COST):
                raise
        else:
            self._retries.release(retries.EARNED)
            return answer
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 -- spreads load, guards nothing
        self._on_retry()
        answer = await send(**arguments)
        self._retries.release(retries.COST)
        return answer

    async def call_for_user(
        self,
        operation: str,
        username: str,
        client: Client,
        *,
        meanings: ErrorTable | None = None,
        **arguments: Any,  # noqa: ANN401 -- botocore's
    ) -> Mapping[str, Any]:
        """Make a call about a user by name, with the proof that the app client owes for it."""
        return await self.call(
            operation,
            meanings=meanings,
            ClientId=self._client_id,
            Username=username,
            **self.secret_hash("SecretHash", username),
            **self.context(client),
            **arguments,
        )

    @property
    def client_id(self) -> dict[str, Any]:
        """Return the ClientId argument."""
        return {"ClientId": self._client_id}

    def secret_hash(self, name: str, username: str) -> dict[str, Any]:
        """Return the SECRET_HASH of a user under *name*; nothing for a client without a secret."""
        if self._client_secret is None:
            return {}
        return {name: secret_hash(self._client_id, self._client_secret, username)}

    @property
    def secret(self) -> dict[str, Any]:
        """Return the ClientSecret argument; nothing for a client without a secret."""
        return {} if self._client_secret is None else {"ClientSecret": self._client_secret}

    def context(self, client: Client) -> dict[str, Any]:
        """Return the UserContextData argument: what Cognito's threat protection may know."""
        if not self._sends_address or client.address is None:
            return {}
        return {"UserContextData": {"IpAddress": str(client.address)}}


def is_unanswered(error: BaseException | None) -> bool:
    """Tell whether a call was sent and its answer lost, so that nobody knows what it has done."""
    if isinstance(error, EndpointConnectionError):
        return not _never_connected(error)
    return isinstance(error, HTTPClientError)


def _never_connected(error: Exception) -> bool:
    """
    Tell whether a call was never sent.

    aiobotocore raises EndpointConnectionError of connections that were refused, and of those that
    were reset after the call was sent; only aiohttp's own error tells which it was.
    """
    if isinstance(error, EndpointConnectionError):
        return isinstance(error.kwargs["error"], ClientConnectorError)
    return isinstance(error, NoConnection)


def _is(error: Exception, name: str) -> bool:
    return isinstance(error, ClientError) and error.response["Error"].get("Code") == name
