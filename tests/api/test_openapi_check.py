"""The check of responses fails if a response does not match the document."""

from typing import Any

import orjson
import pytest

from service.api.http_errors import MethodNotAllowed, RouteNotFound
from service.api.openapi import document as openapi
from service.api.problem_details import STATUSES
from service.api.schemas.profiles import ProfileSchema
from service.domain.errors import ServiceError
from tests.api.openapi_check import AnswerCheck

PROFILE = {
    "userId": "alice",
    "createdAt": "2026-11-23T03:14:15.926Z",
    "updatedAt": "2026-11-23T03:14:15.926Z",
    "version": 1,
    "city": "Mumbai",
}
JSON = {"Content-Type": "application/json; charset=utf-8", "X-Request-Id": "r"}
PROBLEM = {"Content-Type": "application/problem+json", "X-Request-Id": "r"}
TAGGED = {**JSON, "ETag": '"a"'}


def _problem(status: int, code: str, **others: object) -> dict[str, object]:
    required = {"type": "about:blank", "title": "t", "detail": "d", "requestId": "r"}
    return {**required, "status": status, "code": code, **others}


def _of(error: type[ServiceError]) -> dict[str, object]:
    return _problem(STATUSES[error].value, error.code)


@pytest.fixture(scope="module")
def answers() -> AnswerCheck:
    """Return the checker against the default document."""
    return AnswerCheck(orjson.loads(openapi.document(ProfileSchema, version="1")))


GOOD: dict[str, tuple[str, str, int, dict[str, str], object]] = {
    "a profile": ("GET", "/v1/user/profile", 200, TAGGED, PROFILE),
    "a profile of another program": (
        "GET",
        "/v1/user/profile",
        200,
        TAGGED,
        {**PROFILE, "createdAt": "yesterday", "version": 0, "bio": "\x00 ", "city": ""},
    ),
    "not modified": (
        "GET",
        "/v1/user/profile",
        304,
        {"X-Request-Id": "r", "ETag": '"a"'},
        None,
    ),
    "HEAD as GET": ("HEAD", "/v1/user/profile", 200, TAGGED, None),
    "a refusal": (
        "GET",
        "/v1/user/profile",
        404,
        PROBLEM,
        _problem(404, "profile_not_found"),
    ),
    "wrong fields": (
        "POST",
        "/v1/user/profile",
        422,
        PROBLEM,
        _problem(422, "invalid_fields", errors=[{"field": "city", "message": "Is not text."}]),
    ),
    "who to be": (
        "GET",
        "/v1/user/profile",
        401,
        {**PROBLEM, "WWW-Authenticate": "Bearer"},
        _problem(401, "not_authenticated"),
    ),
    "wait": (
        "GET",
        "/v1/user/profile",
        503,
        {**PROBLEM, "Retry-After": "1"},
        _problem(503, "overloaded"),
    ),
    "no such path": ("GET", "/nowhere", 404, PROBLEM, _of(RouteNotFound)),
    "no such method": (
        "PATCH",
        "/health/live",
        405,
        {**PROBLEM, "Allow": "GET,HEAD"},
        _of(MethodNotAllowed),
    ),
    "a range of media types": (
        "GET",
        "/docs/page.css",
        200,
        {"Content-Type": "text/css", "X-Request-Id": "r", "ETag": '"a"'},
        None,
    ),
}

SHOW: tuple[str, str] = ("GET", "/v1/user/profile")
BAD: dict[str, tuple[str, str, int, dict[str, str], object, str]] = {
    "status": (*SHOW, 418, PROBLEM, _problem(418, "internal_error"), "not among"),
    "status of another operation": (*SHOW, 201, TAGGED, PROFILE, "not among"),
    "code of another operation": (
        *SHOW,
        404,
        PROBLEM,
        _problem(404, "route_not_found"),
        "is not one of",
    ),
    "unknown code": (*SHOW, 500, PROBLEM, _problem(500, "oh_dear"), "is not one of"),
    "status inside": (*SHOW, 404, PROBLEM, _problem(400, "profile_not_found"), "another status"),
    "extra field": (*SHOW, 200, TAGGED, {**PROFILE, "writeId": "w"}, "unexpected"),
    "extra field of a problem": (
        *SHOW,
        404,
        PROBLEM,
        _problem(404, "profile_not_found", trace="x"),
        "unexpected",
    ),
    "missing field": (*SHOW, 200, TAGGED, {"userId": "alice"}, "required"),
    "wrong type": (*SHOW, 200, TAGGED, {**PROFILE, "version": "1"}, "is not of type"),
    "null": (*SHOW, 200, TAGGED, {**PROFILE, "city": None}, "is not of type"),
    "media type": (*SHOW, 200, {**TAGGED, "Content-Type": "text/html"}, PROFILE, "not documented"),
    "no media type": (*SHOW, 200, {"X-Request-Id": "r", "ETag": "a"}, PROFILE, "not documented"),
    "problem as JSON": (*SHOW, 404, JSON, _problem(404, "profile_not_found"), "not documented"),
    "missing header": (*SHOW, 200, JSON, PROFILE, "ETag is missing"),
    "no request id": (*SHOW, 200, {"Content-Type": "application/json"}, PROFILE, "X-Request-Id"),
    "extra header": (*SHOW, 200, {**TAGGED, "Location": "/"}, PROFILE, "Location is not"),
    "negative wait": (
        *SHOW,
        503,
        {**PROBLEM, "Retry-After": "-1"},
        _problem(503, "overloaded"),
        "minimum",
    ),
    "body of no content": ("POST", "/api/auth/logout", 204, JSON, {}, "a body"),
    "body of HEAD": ("HEAD", "/v1/user/profile", 200, TAGGED, PROFILE, "a body"),
    "success of no path": ("GET", "/nowhere", 200, JSON, {}, "not among"),
    "success of no method": ("DELETE", "/health/live", 200, JSON, {}, "not among"),
}


def _body(value: object) -> bytes:
    return b"" if value is None else orjson.dumps(value)


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD)
def test_answer_as_documented_passes(answers: AnswerCheck, answer: tuple[Any, ...]) -> None:
    """A documented response passes."""
    method, path, status, headers, value = answer

    answers.check(method, path, status=status, headers=headers, body=_body(value))


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_answer_that_the_document_lacks_fails(
    answers: AnswerCheck, answer: tuple[Any, ...]
) -> None:
    """An undocumented response fails with its difference."""
    method, path, status, headers, value, complaint = answer

    with pytest.raises(AssertionError, match=complaint):
        answers.check(method, path, status=status, headers=headers, body=_body(value))


def test_format_that_the_document_demands_counts() -> None:
    """Formats are checked."""
    document = orjson.loads(openapi.document(ProfileSchema, version="1"))
    fields = document["components"]["schemas"]["Profile"]["properties"]
    fields["birthdate"] = {"type": "string", "format": "date"}
    body = orjson.dumps({**PROFILE, "birthdate": "soon"})

    with pytest.raises(AssertionError, match="is not a 'date'"):
        AnswerCheck(document).check(*SHOW, status=200, headers=TAGGED, body=body)
