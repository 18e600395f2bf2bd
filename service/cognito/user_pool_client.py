"""The app client of a user pool, which makes all calls to Cognito."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
from typing import TYPE_CHECKING, Any, Final

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
from service.aws.errors import required, translated
from service.aws.failure_advice import AwsResource, code_of
from service.aws.retries import ignore_retry
from service.cognito.cognito_request import CognitoRequest, malformed_value
from service.cognito.refusals.errors import ERRORS
from service.cognito.refusals.refused_call import RefusedCall
from service.cognito.refusals.user_existence_errors import OnMasked, ignore_masked
from service.cognito.refusals.wrong_fields import invalid_parameter
from service.domain.errors import FeatureUnavailable
from service.domain.values.json_values import drop_none
from service.observability.upstream_calls import COGNITO

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.aws.errors import ErrorTable
    from service.config.settings import CognitoConfig
    from service.domain.client import Client

LONGEST_PAUSE_S: Final = 0.2  # before the retry

# The idempotent operations. A repetition of any other would use up a code, an attempt or a message, or
# fail because the first call succeeded.
REPEATABLE: Final = frozenset(
    {
        "ConfirmDevice",
        "DeleteUserAttributes",
        "GetUser",
        "GetUserAuthFactors",
        "GlobalSignOut",
        "ListDevices",
        "ListUserSessions",
        "ListWebAuthnCredentials",
        "RevokeToken",
        "SetUserMFAPreference",
    }
)


class UserPoolClient:
    """
    An app client on an open botocore *client*, which the caller closes.

    *client_secret* is None where the app client has none. *on_retry* is called for each retry,
    *on_masked* with the operation and the reason of each masked error.
    """

    def __init__(  # noqa: PLR0913 -- settings and hooks of one client
        self,
        client: CognitoIdentityProviderClient,
        *,
        config: CognitoConfig,
        region: str = "",
        trigger_messages: bool = False,
        on_retry: Callable[[], None] = ignore_retry,
        on_masked: OnMasked = ignore_masked,
    ) -> None:
        self.client_id = config.client_id
        self.client_secret = config.client_secret
        self._client = client
        self._resource = AwsResource(COGNITO, region, client_id=config.client_id)
        self._on_masked = on_masked
        self._on_retry = on_retry
        self._sends_address = config.send_client_address
        self._trigger_messages = trigger_messages
        self._retries = retries.quota()

    async def call(
        self,
        operation: str,
        *,
        overrides: ErrorTable | None = None,
        **arguments: Any,  # noqa: ANN401 -- botocore's
    ) -> Mapping[str, Any]:
        """
        Call an operation and return Cognito's response; arguments that are None are not sent.

        *overrides* are errors that differ from ERRORS. A call is retried once where it had no effect:
        no connection was made, or a concurrent modification won. A REPEATABLE call is also retried
        where its response was lost. A malformed token, session or code is refused before it is sent.
        Raises FeatureUnavailable where the installed botocore lacks the operation.
        """
        send = getattr(self._client, xform_name(operation), None)
        if send is None:
            raise FeatureUnavailable
        request = CognitoRequest(operation, drop_none(arguments))
        refusal = malformed_value(
            self._client.meta.service_model.operation_model(operation), request
        )
        if refusal is not None:
            raise refusal
        table = {**ERRORS[operation], **(overrides or {})}
        details = RefusedCall(request, self._on_masked, self._trigger_messages)
        with translated(table, self._resource, operation, details):
            try:
                return await self._send(operation, send, request.arguments)
            except ParamValidationError as error:  # of a limit in Cognito's service model
                raise invalid_parameter(str(error), request) from error

    async def pages(
        self,
        operation: str,
        member: str,
        *,
        cursor: str = "NextToken",
        **arguments: Any,  # noqa: ANN401 -- botocore's
    ) -> list[Mapping[str, Any]]:
        """
        Return the entries of *member* in all pages of a list; raises what `call` raises.

        *cursor* is the name of the cursor, in requests and responses.
        """
        found: list[Mapping[str, Any]] = []
        next_token: str | None = None
        while True:
            arguments[cursor] = next_token
            page = await self.call(operation, **arguments)
            found += required(page, member)
            next_token = page.get(cursor)
            if not next_token:
                return found

    async def call_for_user(
        self,
        operation: str,
        username: str,
        client: Client,
        overrides: ErrorTable | None = None,
        **arguments: Any,  # noqa: ANN401 -- botocore's
    ) -> Mapping[str, Any]:
        """Call an operation that takes the app client and a user name; see `call`."""
        return await self.call(
            operation,
            overrides=overrides,
            ClientId=self.client_id,
            Username=username,
            SecretHash=self.secret_hash(username),
            UserContextData=self.user_context(client),
            ClientMetadata=client_metadata(client),
            **arguments,
        )

    def secret_hash(self, username: str) -> str | None:
        """Return the SECRET_HASH of a user; None for an app client without a secret."""
        if self.client_secret is None:
            return None
        return secret_hash(self.client_id, self.client_secret, username)

    def user_context(self, client: Client) -> dict[str, str] | None:
        """Return the UserContextData for Cognito's threat protection; None where it is disabled."""
        if not self._sends_address or client.address is None:
            return None
        return {"IpAddress": str(client.address)}

    async def _send(
        self,
        operation: str,
        send: Callable[..., Awaitable[Mapping[str, Any]]],
        arguments: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """Send a call, and retry it once where that is safe and the retry quota allows."""
        try:
            response = await send(**arguments)
        except (BotoCoreError, ClientError) as error:
            repeatable = operation in REPEATABLE and (
                is_unanswered(error) or _is(error, "InternalErrorException")
            )
            had_no_effect = _never_connected(error) or _is(error, "ConcurrentModificationException")
            if not (repeatable or had_no_effect) or not self._retries.acquire(retries.COST):
                raise
        else:
            self._retries.release(retries.EARNED)
            return response
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 -- jitter, not security
        self._on_retry()
        response = await send(**arguments)
        self._retries.release(retries.COST)
        return response


def client_metadata(client: Client) -> dict[str, str] | None:
    """Return the ClientMetadata of a call; None where the request has none."""
    return dict(client.metadata) or None


def is_unanswered(error: BaseException | None) -> bool:
    """Return whether a call was sent and its response lost, so that its effect is unknown."""
    if isinstance(error, EndpointConnectionError):
        return not _never_connected(error)
    return isinstance(error, HTTPClientError)


def _never_connected(error: Exception) -> bool:
    """
    Return whether a call was not sent.

    aiobotocore raises EndpointConnectionError for refused connections and for connections that were
    reset after the call was sent; aiohttp's error distinguishes them.
    """
    if isinstance(error, EndpointConnectionError):
        return isinstance(error.kwargs["error"], ClientConnectorError)
    return isinstance(error, NoConnection)


def _is(error: Exception, name: str) -> bool:
    return isinstance(error, ClientError) and code_of(error) == name


def secret_hash(client_id: str, client_secret: str, username: str) -> str:
    """Return Base64(HMAC-SHA256(secret, username + client id)) (Cognito developer guide)."""
    message = (username + client_id).encode()
    digest = hmac.new(client_secret.encode(), message, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
