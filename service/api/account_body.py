"""
Bodies of the calls that go on to Cognito.

They are small, and whoever sends too many of them is refused before one is read.
"""

from typing import Any

from aiohttp import web
from marshmallow import Schema

from service.api import request_body
from service.api.audit_log import AuditEvent, emit
from service.api.client_address import client_address
from service.api.cognito_guard import RATE_LIMITER
from service.api.schemas.account_fields import MAX_VALUES
from service.domain.errors import ServiceError
from service.rate_limiting.limited_actions import RateLimitedAction


async def load(
    request: web.Request,
    kind: RateLimitedAction,
    schema: Schema,
    *,
    refused: AuditEvent,
    types: tuple[str, ...] = (request_body.JSON,),
) -> Any:  # noqa: ANN401 -- what the schema makes
    """
    Return the body of a call as *schema* makes it.

    A body that is refused counts against the client's address, like a call; one that is taken is counted
    by the attempt that follows. *refused* is the event that a refusal of the address is written as.
    Raises TooManyAttempts before the body is read, and as `bodies.load`.
    """
    front_door, address = request.app[RATE_LIMITER], client_address(request)
    try:
        front_door.check_address(kind, address)
    except ServiceError as error:
        emit(request, refused, refusal=error)
        raise
    try:
        return await request_body.load(request, schema, types=types, most_values=MAX_VALUES)
    except (ServiceError, web.HTTPException):
        front_door.count_refused_body(kind, address)
        raise
