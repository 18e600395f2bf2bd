"""The API document is valid, complete, and matches the routes and the errors."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import orjson
import pytest
from marshmallow import Schema
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.api import http_errors, keys
from service.api.http_errors import leaves
from service.api.keys import Access
from service.api.openapi import document as openapi
from service.api.openapi.components import TAGS
from service.api.problem_details import PROBLEM_JSON, STATUSES, envelope
from service.api.routes import Route, all_routes
from service.api.schemas.profiles import ProfileSchema
from service.app import create_app
from service.domain.errors import ServiceError
from tests.api.conftest import Api
from tests.support.configs import configured

# The errors that no operation has, and why.
OF_NO_OPERATION = {
    http_errors.MethodNotAllowed: "an operation is a method that is allowed; Problem.code lists it",
}
MAX_BYTES = 120_000
WITH_ACCESS = list(all_routes())
ROUTES = [route for route, _ in WITH_ACCESS]
IDS = [f"{route.method} {route.path}" for route in ROUTES]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return the parsed default document."""
    return _parsed(openapi.document(ProfileSchema, version="1"))


def _parsed(text: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(text)
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _resolved(document: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    """Return a response, which the document may have as a component."""
    if "$ref" not in response:
        return response
    name = response["$ref"].removeprefix("#/components/responses/")
    found: dict[str, Any] = document["components"]["responses"][name]
    return found


def _codes(document: dict[str, Any], response: dict[str, Any]) -> set[str]:
    """Return the codes of an error response; empty for others."""
    response = _resolved(document, response)
    if PROBLEM_JSON not in response.get("content", {}):
        return set()
    _, only = response["content"][PROBLEM_JSON]["schema"]["allOf"]
    return set(only["properties"]["code"]["enum"])


def _validator(document: dict[str, Any], schema: dict[str, Any]) -> OAS31Validator:
    return OAS31Validator({**schema, "components": document["components"]})


def test_document_is_valid(document: dict[str, Any]) -> None:
    """The document is OpenAPI 3.1, its schemas and examples included."""
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


async def test_document_is_served(api: Api) -> None:
    """The document is served without authentication."""
    response = await api.get("/openapi.json")

    assert (response.status, response.content_type) == (200, "application/json")
    assert _parsed(await response.read())["openapi"] == "3.1.0"


def test_every_route_is_documented_and_nothing_else() -> None:
    """The router and the document have the same operations, apart from HEAD and OPTIONS."""
    app = create_app(configured())
    routed = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None
    }
    documented = {(method, path) for method, path, _ in _operations(_parsed(app[keys.OPENAPI]))}

    assert {
        (method, path) for method, path in routed if method not in {"HEAD", "OPTIONS"}
    } == documented
    assert {path for method, path in routed if method == "OPTIONS"} == {
        path for _, path in documented
    }
    assert {path for method, path in routed if method == "HEAD"} == {
        path for method, path in documented if method == "GET"
    }


def test_every_operation_has_its_own_name(document: dict[str, Any]) -> None:
    """Operation ids are unique and in camelCase."""
    ids = [operation["operationId"] for _, _, operation in _operations(document)]

    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name)] == []


def test_every_tag_is_described_and_used(document: dict[str, Any]) -> None:
    """Every tag is described and used."""
    used = {tag for _, _, operation in _operations(document) for tag in operation["tags"]}

    assert used == set(TAGS) == {tag["name"] for tag in document["tags"]}


@pytest.mark.parametrize(("route", "access"), WITH_ACCESS, ids=IDS)
def test_operation_documents_who_may_call(
    document: dict[str, Any], route: Route, access: Access
) -> None:
    """Public operations have no required security scheme; all others have one."""
    security = document["paths"][route.path][route.method.lower()]["security"]

    assert (security == [] or {} in security) is (access is Access.PUBLIC)


@pytest.mark.parametrize(("route", "access"), WITH_ACCESS, ids=IDS)
def test_operation_documents_its_statuses_and_codes(
    document: dict[str, Any], route: Route, access: Access
) -> None:
    """The document has exactly the statuses and codes of each operation."""
    responses = document["paths"][route.path][route.method.lower()]["responses"]
    expected: dict[str, set[str]] = {str(status.value): set() for status in route.operation.answers}
    for refusal in route.operation.all_refusals(access):
        expected.setdefault(str(STATUSES[refusal].value), set()).add(refusal.code)

    assert expected == {
        status: _codes(document, response) for status, response in responses.items()
    }


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_no_status_means_success_and_refusal(route: Route) -> None:
    """No status of an operation is both a success and an error."""
    assert {STATUSES[refusal] for refusal in route.operation.refusals}.isdisjoint(
        route.operation.answers
    )
    assert all(status < HTTPStatus.BAD_REQUEST for status in route.operation.answers)


def test_codes_are_one_closed_list(document: dict[str, Any]) -> None:
    """Each error has a unique code and a status, and the document lists all."""
    codes = [leaf.code for leaf in leaves()]
    listed = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]

    assert set(leaves()) == set(STATUSES)
    assert sorted(set(codes)) == sorted(codes) == listed


def test_every_error_can_be_met() -> None:
    """Each error is documented by an operation, or is listed with a reason."""
    met: set[type[ServiceError]] = set()
    for route, access in WITH_ACCESS:
        met |= {*route.operation.all_refusals(access)}

    assert set(leaves()) - met == set(OF_NO_OPERATION)


def test_every_error_is_valid_by_the_schema_of_its_responses(document: dict[str, Any]) -> None:
    """The body of each error is valid by every response that lists its code."""
    bodies = {error.code: envelope(error(), "r") for error in leaves()}
    checked: set[str] = set()
    for response in document["components"]["responses"].values():
        for code in _codes(document, response):
            schema = response["content"][PROBLEM_JSON]["schema"]
            _validator(document, schema).validate(bodies[code])
            checked.add(code)

    assert bodies.keys() - checked == {error.code for error in OF_NO_OPERATION}


def test_every_error_says_when_to_try_again_and_how_to_authenticate(
    document: dict[str, Any],
) -> None:
    """401 has WWW-Authenticate; what may succeed later has Retry-After, and nothing else has it."""
    headers = {
        name: set(response.get("headers", {}))
        for name, response in document["components"]["responses"].items()
    }
    waiting = {name for name, found in headers.items() if "Retry-After" in found}
    challenging = {name for name, found in headers.items() if "WWW-Authenticate" in found}

    assert {name[:4] for name in waiting} == {"E429", "E503", "E504"}
    assert {name for name in headers if name[:4] in {"E429", "E503", "E504"}} == waiting
    assert {name for name in headers if name.startswith("E401")} <= challenging


def test_errors_are_documented_once(document: dict[str, Any]) -> None:
    """Error responses are components, each with another status or set of codes; all are used."""
    used = [
        response["$ref"].rpartition("/")[2]
        for _, _, operation in _operations(document)
        for status, response in operation["responses"].items()
        if int(status) >= 400
    ]
    responses = document["components"]["responses"]
    sets = {(name[:4], *sorted(_codes(document, responses[name]))) for name in responses}

    assert set(used) == set(responses)
    assert len(sets) == len(responses)
    assert len(openapi.document(ProfileSchema, version="1")) < MAX_BYTES


def test_every_part_is_described(document: dict[str, Any]) -> None:
    """Each operation has a sentence, each path parameter a meaning and an example."""
    for method, path, operation in _operations(document):
        assert operation["description"].endswith("."), (method, path)
        described = {
            parameter["name"]: parameter
            for parameter in operation.get("parameters", [])
            if parameter.get("in") == "path"
        }
        assert set(described) == set(re.findall(r"\{(\w+)\}", path)), (method, path)
        for parameter in described.values():
            assert parameter["description"], (method, path)
            assert parameter["example"], (method, path)


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ("LogOut", {}),
        ("Refresh", {}),
        ("ChangeAttributes", {"attributes": {}}),
        ("ChallengeAnswer", {"name": "SMS_MFA", "session": "s", "username": "a", "answer": {}}),
        ("LogIn", {"username": "a", "password": "b", "preferredChallenge": "PASSWORD"}),
    ],
)
def test_what_is_always_refused_is_invalid(
    document: dict[str, Any], schema: str, body: dict[str, Any]
) -> None:
    """A body that no deployment accepts is invalid by the document."""
    described = document["components"]["schemas"][schema]

    assert not _validator(document, described).is_valid(body)


WITH_BODY = [route for route in ROUTES if route.operation.body]


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: f"{route.method} {route.path}")
def test_body_example_is_accepted(document: dict[str, Any], route: Route) -> None:
    """The example of each body is valid by the document and by the service's schema."""
    operation = document["paths"][route.path][route.method.lower()]
    content = operation["requestBody"]["content"]["application/json"]
    schema: type[Schema] = route.operation.body or Schema

    _validator(document, content["schema"]).validate(content["example"])
    assert _problems(schema, content["example"]) == {}


def _problems(schema: type[Schema], body: dict[str, Any]) -> dict[str, Any]:
    problems = schema().validate(body)
    # these values are settings, not part of the schema
    settings = {"attributes", "fields", "provider", "redirectUri"}
    return {name: problem for name, problem in problems.items() if name not in settings}


def test_document_works_behind_a_path_prefix(document: dict[str, Any]) -> None:
    """The server URL is relative to the document."""
    assert document["servers"] == [{"url": "."}]


def test_authorization_is_a_matter_of_security_schemes(document: dict[str, Any]) -> None:
    """The log-out has the token's security scheme and no parameter Authorization, which is ignored."""
    operation = document["paths"]["/api/auth/logout"]["post"]

    assert operation["security"] == [{}, {"accessToken": []}, {"refreshCookie": []}]
    assert "parameters" not in operation


def test_refresh_token_may_be_in_a_cookie(document: dict[str, Any]) -> None:
    """Refresh and log-out, and no others, take the cookie in place of a body."""
    scheme = document["components"]["securitySchemes"]["refreshCookie"]
    taking = {
        path
        for _, path, operation in _operations(document)
        if {"refreshCookie": []} in operation["security"]
    }
    optional = {
        path
        for _, path, operation in _operations(document)
        if not operation.get("requestBody", {"required": True})["required"]
    }

    assert (scheme["in"], scheme["name"]) == ("cookie", "__Secure-refresh")
    assert taking == optional == {"/api/auth/refresh", "/api/auth/logout"}
