"""Operations that other services call: with the scope that they declare, rate limited and audited."""

import functools
from collections.abc import Callable
from typing import Final, Unpack

from aiohttp import web

from service.api import keys
from service.api.audit_log import AuditEvent, emit
from service.api.operations import Contract, Handler, Operation
from service.domain.errors import InsufficientScope, ServiceError
from service.domain.identity import ServiceScope
from service.rate_limiting.service_limits import ServiceLimits

SERVICE_LIMITS: Final = web.AppKey("service_limits", ServiceLimits)
USER_ID: Final = "userId"  # in the path, of the operations on one user


def service_operation(
    summary: str,
    *,
    scope: ServiceScope,
    audit: AuditEvent | None = None,
    **contract: Unpack[Contract],
) -> Callable[[Handler], Operation]:
    """
    Return a decorator that makes a handler an Operation of Access.SERVICE.

    The handler finds the verified caller in `request[keys.SERVICE_CALLER]`. The event *audit* is written
    when it returns; SERVICE_CALL_REFUSED when the caller's token lacks *scope* or the caller has reached
    its limit.
    """

    def decorate(handler: Handler) -> Operation:
        @functools.wraps(handler)
        async def call(request: web.Request) -> web.StreamResponse:
            try:
                _admit(request, scope)
            except ServiceError as error:
                emit(request, AuditEvent.SERVICE_CALL_REFUSED, refusal=error)
                raise
            response = await handler(request)
            emit(request, audit, sub=request.match_info.get(USER_ID))
            return response

        return Operation(call=call, summary=summary, audit=audit, scope=scope, **contract)

    return decorate


def _admit(request: web.Request, scope: ServiceScope) -> None:
    """Raise TooManyAttempts beyond the caller's limit, InsufficientScope without *scope*."""
    caller = request[keys.SERVICE_CALLER]
    request.app[SERVICE_LIMITS].admit(caller.client_id)
    if scope not in caller.scopes:
        raise InsufficientScope(request.app[keys.CONFIG].services.scope_of_token(scope))
