"""The API document (OpenAPI 3.1), generated from the routes, their operations and their schemas."""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

import orjson
from marshmallow import Schema

from service.api import request_body
from service.api.http_errors import MethodNotAllowed, RouteNotFound, leaves
from service.api.keys import Access
from service.api.middlewares.request_context import REQUEST_ID_HEADER
from service.api.openapi.components import (
    ACCESS_TOKEN,
    DESCRIPTION,
    HEADERS,
    IDENTITY,
    MISSING_SCOPE,
    REFRESH_COOKIE,
    SECURITY_SCHEMES,
    SERVICE_TOKEN,
    STATUS_HEADERS,
    TAGS,
)
from service.api.openapi.json_schema import OPENAPI_VERSION, Schemas, component
from service.api.operations import Operation, QueryParameter, Success
from service.api.problem_details import PROBLEM_JSON, STATUSES, envelope
from service.api.routes import Route, all_routes
from service.api.schemas.errors import ProblemSchema
from service.domain.errors import InsufficientScope, Overloaded, ServiceError

UNROUTED: Final = (
    RouteNotFound,
    MethodNotAllowed,
    Overloaded,
)  # of requests that reach no operation


@functools.lru_cache(maxsize=4)
def document(profile_schema: type[Schema], *, version: str) -> bytes:
    """Return the document for profiles with the fields of *profile_schema*."""
    schemas = Schemas(profile_schema)
    schemas.reference(ProblemSchema)  # _refusal refers to it by name
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for route, access in all_routes():
        paths[route.path][route.method.lower()] = _operation(route, access, schemas)
    made = {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "User Profile Service",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "."}],  # relative to the document, for any path prefix
        "tags": [{"name": tag, "description": meaning} for tag, meaning in TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": SECURITY_SCHEMES,
            "headers": HEADERS,
            "schemas": schemas.components(),
            "examples": {refusal.code: {"value": _example(refusal)} for refusal in leaves()},
            "responses": {
                "Options": {  # every path supports it
                    "description": "The methods that the path supports.",
                    "headers": _headers("Allow"),
                },
                **{
                    refusal.__name__: _refusal(STATUSES[refusal], [refusal]) for refusal in UNROUTED
                },
            },
        },
    }
    return orjson.dumps(made)


def operation_id(operation: Operation) -> str:
    """
    Return the operation id, by default derived from the handler's name.

    To a name of one word the module's noun is added: `accounts.confirm` is `confirmAccount`.
    """
    if operation.operation_id is not None:
        return operation.operation_id
    words = operation.call.__name__.split("_")
    if len(words) == 1:
        words.append(operation.call.__module__.rpartition(".")[2].removesuffix("s"))
    return words[0] + "".join(word.title() for word in words[1:])


def _operation(route: Route, access: Access, schemas: Schemas) -> dict[str, Any]:
    operation = route.operation
    refusals = operation.all_refusals(access)
    described: dict[str, Any] = {
        "operationId": operation_id(operation),
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": _security(operation, access),
        "parameters": [
            *_path_parameters(route.path),
            *_query_parameters(operation),
            *_header_parameters(operation),
        ],
        "responses": {
            **{
                str(status.value): _success(made, schemas)
                for status, made in operation.answers.items()
            },
            **_refusals(refusals),
        },
    }
    if operation.body is not None:
        content: dict[str, Any] = {"schema": schemas.reference(operation.body)}
        shown = schemas.example(operation.body)
        if shown is not None:
            content["example"] = shown
        described["requestBody"] = {
            "required": not operation.takes_refresh_cookie,
            "content": dict.fromkeys(operation.body_types, content),
        }
    return described


def _security(operation: Operation, access: Access) -> list[dict[str, list[str]]]:
    """Return the security requirements; `{}` makes authentication optional."""
    if access is Access.IDENTIFIED:
        return [{IDENTITY: []}, {ACCESS_TOKEN: []}]  # either, by `[identity] sources`
    if access is Access.SIGNED_IN:
        return [{ACCESS_TOKEN: []}]
    if operation.scope is not None:
        return [{SERVICE_TOKEN: [operation.scope.value]}]
    optional = [ACCESS_TOKEN] if "Authorization" in operation.headers else []
    if operation.takes_refresh_cookie:
        optional.append(REFRESH_COOKIE)
    schemes: list[dict[str, list[str]]] = [{scheme: []} for scheme in optional]
    return [{}, *schemes] if schemes else []


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    flags = {
        name: QueryParameter(meaning, {"type": "boolean"})
        for name, meaning in operation.flags.items()
    }
    return [
        {"name": name, "in": "query", "description": made.description, "schema": {**made.schema}}
        for name, made in {**flags, **operation.query}.items()
    ]


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}}
        for name, meaning in operation.headers.items()
        if name != "Authorization"  # described by `security`; OpenAPI ignores it here
    ]


def _headers(*names: str) -> dict[str, Any]:
    return {name: component("headers", name) for name in (REQUEST_ID_HEADER, *names)}


def _success(made: Success, schemas: Schemas) -> dict[str, Any]:
    own = {
        name: {"description": meaning, "required": True, "schema": {"type": "string"}}
        for name, meaning in made.headers.items()
    }
    described: dict[str, Any] = {"description": made.description, "headers": own | _headers()}
    match made.content:
        case None:
            pass
        case str():
            kind = "object" if made.content.endswith("json") else "string"
            described["content"] = {made.content: {"schema": {"type": kind}}}
        case tuple():
            one_of = [schemas.reference(schema) for schema in made.content]
            described["content"] = {request_body.JSON: {"schema": {"oneOf": one_of}}}
        case _:
            described["content"] = {request_body.JSON: {"schema": schemas.reference(made.content)}}
    return described


def _refusals(refusals: Iterable[type[ServiceError]]) -> dict[str, Any]:
    """Return the error responses by status."""
    by_status: dict[HTTPStatus, list[type[ServiceError]]] = defaultdict(list)
    for refusal in dict.fromkeys(refusals):
        by_status[STATUSES[refusal]].append(refusal)
    return {
        str(status.value): _refusal(status, found) for status, found in sorted(by_status.items())
    }


def _refusal(status: HTTPStatus, refusals: list[type[ServiceError]]) -> dict[str, Any]:
    """Return the error response of a status, with its possible codes."""
    codes = [refusal.code for refusal in refusals]
    only = {"status": {"const": status.value}, "code": {"enum": codes}}
    return {
        "description": "\n".join(f"- `{refusal.code}`: {refusal.detail}" for refusal in refusals),
        "headers": {
            **_headers(*([STATUS_HEADERS[status]] if status in STATUS_HEADERS else [])),
            **({"WWW-Authenticate": MISSING_SCOPE} if InsufficientScope in refusals else {}),
        },
        "content": {
            PROBLEM_JSON: {
                "schema": {"allOf": [component("schemas", "Problem"), {"properties": only}]},
                "examples": {code: component("examples", code) for code in codes},
            }
        },
    }


def _example(refusal: type[ServiceError]) -> dict[str, object]:
    return envelope(refusal(), "8d1f0c3a5b7e4f62a9c0d4e6b8f1a2c3")
