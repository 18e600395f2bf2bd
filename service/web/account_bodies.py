"""
Bodies of the calls that go on to Cognito.

They are small, and whoever sends too many of them is refused before one is read.
"""

from typing import Any

from aiohttp import web
from marshmallow import Schema

from service.domain.errors import ServiceError
from service.web import bodies
from service.web.attempts import FRONT_DOOR
from service.web.client_address import client_address
from service.web.limited_actions import Kind
from service.web.schemas.account_fields import MAX_VALUES
from service.web.security_events import SecurityEvent, record


async def load(
    request: web.Request,
    kind: Kind,
    schema: Schema,
    *,
    refused: SecurityEvent,
    types: tuple[str, ...] = (bodies.JSON,),
) -> Any:  # noqa: ANN401 -- what the schema makes
    """
    Return the body of a call as *schema* makes it.

    A body that is refused counts against the client's address, like a call; one that is taken is counted
    by the attempt that follows. *refused* is the event that a refusal of the address is written as.
    Raises TooManyAttempts before the body is read, and as `bodies.load`.
    """
    front_door, address = request.app[FRONT_DOOR], client_address(request)
    try:
        front_door.check_address(kind, address)
    except ServiceError as error:
        record(request, refused, refusal=error)
        raise
    try:
        return await bodies.load(request, schema, types=types, most_values=MAX_VALUES)
    except (ServiceError, web.HTTPException):
        front_door.count_refused_body(kind, address)
        raise
