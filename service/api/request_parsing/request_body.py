"""Request bodies: JSON, validated by a schema; and JSON responses."""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any

import orjson
from aiohttp import hdrs, web
from marshmallow import Schema, ValidationError

from service.api import keys
from service.api.http_errors import (
    BodyTooLarge,
    MalformedRequest,
    UnsupportedMediaType,
    is_client_gone,
)
from service.api.request_parsing import content_codings, strict_json
from service.api.request_parsing.media_type import media_type
from service.domain.errors import FieldProblem, InvalidFields, Overloaded

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"  # RFC 7396
PATCHES = (MERGE_PATCH, JSON)  # the media types of every PATCH
MAX_PROBLEMS = 50  # in one response
MAX_NAME_CHARACTERS = 64  # of a field's path in a response
MAX_INCOMPLETE = 128  # bodies of maximum size that may be incomplete at a time
SMALL = 16  # a body of less than a 16th of the maximum size is never refused


async def load(
    request: web.Request,
    schema: Schema,
    *,
    types: tuple[str, ...] = (JSON,),
    max_values: int = strict_json.MAX_VALUES,
    may_be_empty: bool = False,
) -> Any:  # noqa: ANN401 -- as the schema makes
    """
    Return the body, of one of the media *types*, as *schema* loads it.

    It may have *max_values* names and values; if it *may_be_empty*, no body is an empty object. Raises
    UnsupportedMediaType, MalformedRequest, InvalidFields, Overloaded, for a body that is too large as
    sent or decoded BodyTooLarge, and RequestPayloadError if the client has gone.
    """
    if may_be_empty and not request.body_exists:
        return loaded(schema, {})
    sent = media_type(request.headers.get(hdrs.CONTENT_TYPE, ""))
    if sent is None or sent.name not in types or not sent.is_utf_8:
        raise UnsupportedMediaType(
            f"Send the body in UTF-8 with Content-Type: {' or '.join(types)}."
        )
    coding = content_codings.coding_of(request.headers.getall(hdrs.CONTENT_ENCODING, ()))
    try:
        body = await _received(request)
    except web.RequestPayloadError as error:
        if is_client_gone(request, error):
            raise
        raise MalformedRequest(content_codings.NOT_DECODABLE) from None
    decoded = content_codings.decoded(body, coding, max_bytes=request.client_max_size)
    value = strict_json.loads(decoded, max_values=max_values)
    if not isinstance(value, dict):
        raise MalformedRequest("The body must be a JSON object.")
    return loaded(schema, value)


async def _received(request: web.Request) -> bytes:
    """
    Return the complete body, still in its content coding.

    An incomplete request does not count as in flight, or slow clients would occupy all slots. Raises
    Overloaded if no slot is free when the body is complete.
    """
    if request.content.is_eof():
        body = await request.content.read()  # request.read() would keep it until the next request
        if len(body) > request.client_max_size:
            raise BodyTooLarge
        return body
    slots = request[keys.SLOTS]
    slots.in_flight -= 1
    try:
        body = await _read_incomplete(request)
    finally:
        slots.in_flight += 1
    if slots.in_flight > request.app[keys.CONFIG].server.max_in_flight:
        request.app[keys.METRICS].request_shed("requests")
        raise Overloaded(retry_after_s=1)
    return body


async def _read_incomplete(request: web.Request) -> bytes:
    """
    Return a body that arrives in parts; raises BodyTooLarge and Overloaded.

    The incomplete bodies of all connections together are limited to MAX_INCOMPLETE of maximum size;
    beyond that, large ones are refused.
    """
    load, largest = request.app[keys.SERVER_LOAD], request.client_max_size
    body = bytearray()
    try:
        while part := await request.content.readany():
            body += part
            load.waiting_bytes += len(part)
            if len(body) > largest:
                raise BodyTooLarge
            if load.waiting_bytes > MAX_INCOMPLETE * largest and len(body) * SMALL > largest:
                request.app[keys.METRICS].request_shed("requests")
                raise Overloaded(retry_after_s=1)
    finally:
        load.waiting_bytes -= len(body)
    return bytes(body)


def loaded(schema: Schema, value: Mapping[str, object]) -> Any:  # noqa: ANN401 -- as the schema makes
    """Return *value* as *schema* loads it; raises InvalidFields."""
    try:
        return schema.load(value)
    except ValidationError as error:
        problems = tuple(islice(_problems(error.messages_dict), MAX_PROBLEMS))
        raise InvalidFields(problems=problems) from None


def answer(data: Mapping[str, object], *, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return a JSON response."""
    return web.Response(body=dumps(data), status=status, content_type=JSON)


def dumps(data: Mapping[str, object]) -> bytes:
    r"""
    Return *data* as JSON in UTF-8, with integers of any size.

    An unpaired surrogate, which only an upstream can send, is escaped, such as `\ud800`.
    """
    try:
        return orjson.dumps(data)
    except orjson.JSONEncodeError:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace")


def _problems(messages: Mapping[str, Any], path: str = "") -> Iterator[FieldProblem]:
    """Yield marshmallow's nested messages by dotted paths."""
    for name, found in messages.items():
        here = _printable(f"{path}.{name}" if path else str(name))
        if isinstance(found, Mapping):
            yield from _problems(found, here)
        else:
            yield FieldProblem(here, " ".join(found))


def _printable(name: str) -> str:
    """Return a field's name, truncated and without control characters."""
    kept = name[:MAX_NAME_CHARACTERS]
    shown = "".join(character if character.isprintable() else "?" for character in kept)
    return shown if len(name) <= MAX_NAME_CHARACTERS else shown + "…"
