"""Bodies: JSON in, checked by a schema, and JSON out."""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any

import orjson
from aiohttp import hdrs, web
from marshmallow import Schema, ValidationError

from service.api import content_codings, keys, strict_json
from service.api.http_errors import (
    BodyTooLarge,
    InvalidFields,
    MalformedRequest,
    UnsupportedMediaType,
)
from service.api.media_type import media_type
from service.domain.errors import FieldProblem, Overloaded

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"  # RFC 7396
PATCHES = (MERGE_PATCH, JSON)  # what every PATCH takes
MAX_PROBLEMS = 50  # of one answer; who has more wrong than that corrects these first
MAX_NAME_CHARACTERS = 64  # of a field that is named to the caller
MOST_WAITING = 128
SMALL = 16  # so many of them are as the largest: they are waited for always


async def load(
    request: web.Request,
    schema: Schema,
    *,
    types: tuple[str, ...] = (JSON,),
    most_values: int = strict_json.MAX_VALUES,
) -> Any:  # noqa: ANN401 -- what the schema makes
    """
    Return the request's body, of one of *types*, as *schema* makes it.

    It may hold *most_values* names and values. Raises UnsupportedMediaType, MalformedRequest,
    InvalidFields, Overloaded, and for a body that is too large, as sent or decoded, BodyTooLarge or
    aiohttp's own error.
    """
    sent = media_type(request.headers.get(hdrs.CONTENT_TYPE, ""))
    if sent is None or sent.name not in types or not sent.charsets <= {"utf-8"}:
        raise UnsupportedMediaType(f"Send the body with Content-Type: {' or '.join(types)}.")
    coding = content_codings.coding_of(request.headers.getall(hdrs.CONTENT_ENCODING, ()))
    try:
        body = await _received(request)
    except web.RequestPayloadError:
        raise MalformedRequest("The body is cut short or wrongly encoded.") from None
    decoded = content_codings.decoded(body, coding, max_bytes=request.client_max_size)
    value = strict_json.loads(decoded, most_values=most_values)
    if not isinstance(value, dict):
        raise MalformedRequest("The body must be a JSON object.")
    return loaded(schema, value)


async def _received(request: web.Request) -> bytes:
    """
    Return the body, still in its content coding, when all of it has come.

    Until then the request takes no place of those in flight: clients that send slowly would take all
    of them. Raises Overloaded where there is none when it is whole.
    """
    if request.content.is_eof():
        return await request.read()
    room = request[keys.SLOTS]
    room.in_flight -= 1
    try:
        body = await _waited_for(request)
    finally:
        room.in_flight += 1
    if room.in_flight > request.app[keys.CONFIG].server.max_in_flight:
        request.app[keys.METRICS].request_shed("requests")
        raise Overloaded(retry_after_s=1)
    return body


async def _waited_for(request: web.Request) -> bytes:
    """
    Return a body that comes bit by bit; raises BodyTooLarge, and Overloaded.

    All that are waited for have MOST_WAITING times the bytes of the largest; else every connection that
    may be open could hold that many. Beyond it those that are large are refused.
    """
    load, largest = request.app[keys.SERVER_LOAD], request.client_max_size
    body = bytearray()
    try:
        while part := await request.content.readany():
            body += part
            load.waiting_bytes += len(part)
            if len(body) > largest:
                raise BodyTooLarge
            if load.waiting_bytes > MOST_WAITING * largest and len(body) * SMALL > largest:
                request.app[keys.METRICS].request_shed("requests")
                raise Overloaded(retry_after_s=1)
    finally:
        load.waiting_bytes -= len(body)
    return bytes(body)


def loaded(schema: Schema, value: Mapping[str, object]) -> Any:  # noqa: ANN401 -- what the schema makes
    """Return *value* as *schema* makes it; raises InvalidFields."""
    try:
        return schema.load(value)
    except ValidationError as error:
        problems = tuple(islice(_problems(error.messages_dict), MAX_PROBLEMS))
        raise InvalidFields(problems=problems) from None


def answer(
    data: Mapping[str, object],
    *,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Return *data* as a JSON answer."""
    return web.Response(body=dumps(data), status=status, headers=headers, content_type=JSON)


def dumps(data: Mapping[str, object]) -> bytes:
    """Return *data* as JSON in UTF-8; integers of any size, which another program may have stored."""
    try:
        return orjson.dumps(data)
    except orjson.JSONEncodeError:
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _problems(messages: Mapping[str, Any], path: str = "") -> Iterator[FieldProblem]:
    """Flatten marshmallow's nested messages into dotted paths."""
    for name, found in messages.items():
        here = _printable(f"{path}.{name}" if path else str(name))
        if isinstance(found, Mapping):
            yield from _problems(found, here)
        else:
            yield FieldProblem(here, " ".join(found))


def _printable(name: str) -> str:
    """Return a field's name so that it can be shown to a person: bounded, without control characters."""
    kept = name[:MAX_NAME_CHARACTERS]
    shown = "".join(character if character.isprintable() else "?" for character in kept)
    return shown if len(name) <= MAX_NAME_CHARACTERS else shown + "…"
