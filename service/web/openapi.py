"""The API document, OpenAPI 3.1, made of the routes, their operations and their schemas."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from service.domain.errors import ServiceError
from service.web import bodies
from service.web.keys import Access
from service.web.middlewares.identity import OIDC_IDENTITY
from service.web.middlewares.request_context import REQUEST_ID_HEADER
from service.web.operations import Answer, Operation
from service.web.problems import PROBLEM_JSON, STATUSES
from service.web.routes import Route, all_routes
from service.web.schemas.errors import ProblemSchema
from service.web.schemas.profiles import ProfileSchema, StoredProfileSchema

DESCRIPTION = """\
Accounts in Amazon Cognito, profiles in DynamoDB. The `userId` that logging in returns is the Cognito
`sub`; sent as `x-amzn-oidc-identity` (by the load balancer, or by hand where the deployment trusts
the header) it names the profile's owner.

Every refusal is `application/problem+json` with a `code` to switch on and a `requestId` that finds it
in the log.
"""
RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
}
IDENTITY_SCHEME = "identity"


def document(profile_schema: type[Schema], *, version: str) -> bytes:
    """Return the document of a service whose profiles have the fields of *profile_schema*."""
    plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
    spec = APISpec(
        title="User Profile Service",
        version=version,
        openapi_version="3.1.0",
        info={"description": DESCRIPTION, "license": {"name": "Apache-2.0"}},
        plugins=[plugin],
    )
    spec.components.security_scheme(
        IDENTITY_SCHEME,
        {
            "type": "apiKey",
            "in": "header",
            "name": OIDC_IDENTITY,
            "description": "The `userId` that logging in returned.",
        },
    )
    spec.components.schema("Problem", schema=ProblemSchema)
    spec.components.schema("ProfileFields", schema=profile_schema)
    spec.components.schema("Stored", schema=StoredProfileSchema)
    spec.components.schema(
        "Profile",
        {"allOf": [{"$ref": _ref("Stored")}, {"$ref": _ref("ProfileFields")}]},
    )
    for route, access in all_routes():
        _add(spec, route, access)
    return json.dumps(spec.to_dict(), ensure_ascii=False, indent=1).encode()


def _add(spec: APISpec, route: Route, access: Access) -> None:
    operation = route.operation
    described: dict[str, Any] = {
        "operationId": operation.call.__name__,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [*_path_parameters(route.path), *_header_parameters(operation)],
        "responses": {
            **{str(status.value): _success(made) for status, made in operation.answers.items()},
            **_refusals(operation.all_refusals(public=access is Access.PUBLIC)),
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {bodies.JSON: {"schema": _schema(operation.body)}},
        }
    if access is Access.IDENTIFIED:
        described["security"] = [{IDENTITY_SCHEME: []}]
    spec.path(path=route.path, operations={route.method.lower(): described})


def _schema(schema: type[Schema]) -> object:
    """Return a schema as apispec resolves it; a profile's by the names that the deployment fills."""
    named = {ProfileSchema: "ProfileFields", StoredProfileSchema: "Profile"}
    return {"$ref": _ref(named[schema])} if schema in named else schema


def _ref(name: str) -> str:
    return f"#/components/schemas/{name}"


def _schema_name(schema: type[Schema] | Schema) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema")


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}}
        for name, meaning in operation.headers.items()
    ]


def _headers(named: Iterable[tuple[str, str]]) -> dict[str, Any]:
    named = (*named, (REQUEST_ID_HEADER, "Finds the request in the log."))
    return {name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in named}


def _success(made: Answer) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": made.description,
        "headers": _headers((made.headers or {}).items()),
    }
    match made.content:
        case None:
            pass
        case str():
            described["content"] = {made.content: {"schema": {}}}
        case tuple():
            one_of = [_schema(schema) for schema in made.content]
            described["content"] = {bodies.JSON: {"schema": {"oneOf": one_of}}}
        case _:
            described["content"] = {bodies.JSON: {"schema": _schema(made.content)}}
    return described


def _refusals(refusals: Iterable[type[ServiceError]]) -> dict[str, Any]:
    """Return the refusals by status, each with the codes that it can have there."""
    by_status: dict[HTTPStatus, list[type[ServiceError]]] = defaultdict(list)
    for refusal in dict.fromkeys(refusals):
        by_status[STATUSES[refusal]].append(refusal)
    return {
        str(status.value): {
            "description": " ".join(f"`{refusal.code}`: {refusal.detail}" for refusal in found),
            "headers": {**_headers(()), **RETRY_AFTER},
            "content": {
                PROBLEM_JSON: {
                    "schema": {
                        "allOf": [
                            {"$ref": _ref("Problem")},
                            {"properties": {"code": {"enum": [refusal.code for refusal in found]}}},
                        ]
                    }
                }
            },
        }
        for status, found in sorted(by_status.items())
    }
