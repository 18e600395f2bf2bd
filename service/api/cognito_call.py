"""Operations that call Cognito: rate limited and audited as they declare."""

import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias, Unpack

from aiohttp import web

from service.api import keys
from service.api.audit_log import AuditEvent, emit
from service.api.client_address import client_address
from service.api.cognito_guard import RATE_LIMITER, caller_of, guarded_call
from service.api.middlewares import refresh_cookie
from service.api.operations import Contract, Operation
from service.api.request_parsing import request_body
from service.api.schemas.account_fields import MAX_VALUES, MetadataSchema
from service.config.settings import Config
from service.domain.client import Client
from service.domain.errors import ServiceError
from service.domain.identity_provider import IdentityProvider
from service.rate_limiting.limited_actions import RateLimitedAction
from service.rate_limiting.rate_limiter import RateLimiter


class CognitoCall:
    """
    A request to an operation that calls Cognito.

    *account* is the user name that it concerns, known from `guarded` on; None where the caller is
    signed in or the name is unknown. *detail* is that of the event of success.
    """

    __slots__ = ("_limit", "_operation", "account", "detail", "request")

    def __init__(
        self, request: web.Request, operation: Operation, limit: RateLimitedAction
    ) -> None:
        self.request = request
        self.account: str | None = None
        self.detail: str | None = None
        self._operation = operation
        self._limit = limit

    @property
    def config(self) -> Config:
        """The settings."""
        return self.request.app[keys.CONFIG]

    @property
    def rate_limiter(self) -> RateLimiter:
        """The rate limiter."""
        return self.request.app[RATE_LIMITER]

    @property
    def provider(self) -> IdentityProvider:
        """The ports of the user pool."""
        return self.request.app[keys.IDENTITY_PROVIDER]

    @property
    def access_token(self) -> str:
        """The verified access token of a signed-in caller."""
        return self.request[keys.ACCESS_TOKEN]

    @property
    def sub(self) -> str:
        """The `sub` of a signed-in caller."""
        return self.request[keys.IDENTITY].sub

    async def load_body(self, **options: Any) -> Any:  # noqa: ANN401 -- as the schema takes and makes
        """
        Return the body as loaded by the operation's schema, whose constructor takes *options*.

        A MetadataSchema accepts the keys of `[auth] client-metadata`.

        An invalid body counts against the client's address, a valid one is counted by `guarded`. Raises
        TooManyAttempts before the body is read, and as `request_body.load`.
        """
        schema = self._operation.body
        assert schema is not None  # noqa: S101 -- declared by each caller
        if issubclass(schema, MetadataSchema):
            options["metadata_keys"] = self.config.auth.client_metadata
        address = client_address(self.request)
        try:
            self.rate_limiter.check_address(self._limit, address)
        except ServiceError as error:
            emit(self.request, self._operation.refused, refusal=error)
            raise
        try:
            return await request_body.load(
                self.request,
                schema(**options),
                types=self._operation.body_types,
                max_values=MAX_VALUES,
                may_be_empty=self._operation.takes_refresh_cookie,
            )
        except (ServiceError, web.HTTPException, web.RequestPayloadError):
            self.rate_limiter.count_refused_body(self._limit, address)
            raise

    def guarded(
        self,
        action: RateLimitedAction | None = None,
        *,
        account: str | None = None,
        metadata: Mapping[str, str] | None = None,
        recipients: Sequence[str] = (),
        pad_success: bool = False,
    ) -> AbstractAsyncContextManager[Client]:
        """Return a `guarded_call`, by default for the operation's action."""
        self.account = account
        return guarded_call(
            self.request,
            action or self._limit,
            account=account,
            metadata=metadata,
            recipients=recipients,
            pad_success=pad_success,
            refused=self._operation.refused,
        )


CognitoHandler: TypeAlias = Callable[[CognitoCall], Awaitable[web.StreamResponse]]


def cognito_operation(
    summary: str,
    *,
    limit: RateLimitedAction,
    audit: AuditEvent | None = None,
    refused: AuditEvent | None = None,
    **contract: Unpack[Contract],
) -> Callable[[CognitoHandler], Operation]:
    """
    Return a decorator that makes a handler an Operation that calls Cognito.

    The event *audit* is written when the handler returns, *refused* when a limit or Cognito refuses.
    """

    def decorate(handler: CognitoHandler) -> Operation:
        @functools.wraps(handler)
        async def call(request: web.Request) -> web.StreamResponse:
            cognito_call = CognitoCall(request, operation, limit)
            response = await handler(cognito_call)
            emit(
                request,
                audit,
                sub=caller_of(request),
                account=cognito_call.account,
                detail=cognito_call.detail,
            )
            refresh_cookie.write(request, response)
            return response

        operation = Operation(
            call=call, summary=summary, limit=limit, audit=audit, refused=refused, **contract
        )
        return operation

    return decorate
