"""The API document (OpenAPI 3.1), generated from the routes, their operations and their schemas."""

import functools
from collections import defaultdict
from typing import Any

import orjson
from marshmallow import Schema

from service.api.keys import Access
from service.api.openapi.components import (
    ACCESS_TOKEN,
    CONTACT,
    DESCRIPTION,
    HEADERS,
    IDENTITY,
    REFRESH_COOKIE,
    SECURITY_SCHEMES,
    SERVICE_TOKEN,
    TAGS,
)
from service.api.openapi.error_responses import ErrorResponses
from service.api.openapi.json_schema import OPENAPI_VERSION, Schemas, component
from service.api.operations import Operation, QueryParameter, Success
from service.api.request_parsing import request_body
from service.api.routes import Route, all_routes
from service.api.schemas.errors import ProblemSchema


@functools.lru_cache(maxsize=4)
def document(profile_schema: type[Schema], *, version: str) -> bytes:
    """Return the document for profiles with the fields of *profile_schema*."""
    schemas = Schemas(profile_schema)
    schemas.reference(ProblemSchema)  # error responses refer to it by name
    errors = ErrorResponses()
    parameters: dict[str, dict[str, Any]] = {}
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for route, access in all_routes():
        paths[route.path][route.method.lower()] = _operation(
            route, access, schemas, errors, parameters
        )
    made = {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "User Profile Service",
            "version": version,
            "description": DESCRIPTION,
            "contact": CONTACT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "."}],  # relative to the document, for any path prefix
        "tags": [{"name": tag, "description": meaning} for tag, meaning in TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": SECURITY_SCHEMES,
            "headers": HEADERS,
            "parameters": parameters,
            "schemas": schemas.components(),
            "responses": errors.components(),
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


def _operation(
    route: Route,
    access: Access,
    schemas: Schemas,
    errors: ErrorResponses,
    parameters: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    operation = route.operation
    described: dict[str, Any] = {
        "operationId": operation_id(operation),
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [operation.tag],
        "security": _security(operation, access),
        "responses": {
            **{
                str(status.value): _success(made, schemas)
                for status, made in operation.answers.items()
            },
            **errors.references(operation.all_refusals(access)),
        },
    }
    sent = [
        *_path_parameters(route),
        *_query_parameters(operation),
        *_header_parameters(operation, parameters),
    ]
    if sent:
        described["parameters"] = sent
    if operation.body is not None:
        shown = {
            "schema": schemas.reference(operation.body),
            "example": schemas.example(operation.body),
        }
        content = {name: value for name, value in shown.items() if value is not None}
        described["requestBody"] = {
            "required": not operation.takes_refresh_cookie,
            "content": dict.fromkeys(operation.body_types, content),
        }
    return described


def _description(operation: Operation) -> str:
    if operation.scope is None:
        return operation.described
    return f"{operation.described} Requires the scope `{operation.scope.value}`."


def _security(operation: Operation, access: Access) -> list[dict[str, list[str]]]:
    """Return the security requirements; `{}` makes authentication optional."""
    if access is Access.IDENTIFIED:
        return [{IDENTITY: []}, {ACCESS_TOKEN: []}]  # either, by `[identity] sources`
    if access is Access.SIGNED_IN:
        return [{ACCESS_TOKEN: []}]
    if operation.scope is not None:
        return [{SERVICE_TOKEN: []}]  # OpenAPI lists scopes of OAuth 2.0 schemes only
    optional = [ACCESS_TOKEN] if "Authorization" in operation.headers else []
    if operation.takes_refresh_cookie:
        optional.append(REFRESH_COOKIE)
    schemes: list[dict[str, list[str]]] = [{scheme: []} for scheme in optional]
    return [{}, *schemes] if schemes else []


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": parameter.description,
            "schema": {"type": "string"},
            "example": parameter.example,
        }
        for name, parameter in route.operation.path.items()
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


def _header_parameters(
    operation: Operation, parameters: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return references to the headers that an operation reads, and add these to *parameters*."""
    references = []
    for name, meaning in operation.headers.items():
        if name == "Authorization":  # described by `security`; OpenAPI ignores it here
            continue
        made = {"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}}
        known = [key for key, other in parameters.items() if other == made]
        key = known[0] if known else f"{name}-{len(parameters) + 1}"
        parameters[key] = made
        references.append(component("parameters", key))
    return references


def _success(made: Success, schemas: Schemas) -> dict[str, Any]:
    own = {
        name: {"description": meaning, "required": True, "schema": {"type": "string"}}
        for name, meaning in made.headers.items()
    }
    described: dict[str, Any] = {"description": made.description}
    if own:
        described["headers"] = own
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
