"""Operations that call Cognito: limits, audit events, and bodies of bounded size."""

from collections.abc import Mapping

import jwt
import pytest
import structlog

from service.api import routes
from service.api.keys import Dependency
from service.rate_limiting.limited_actions import RateLimitedAction
from tests.api.conftest import Api, Start
from tests.support.fakes.user_pool import SIGNING_KEY

ONE_A_DAY = {"limits": {"address-burst": "1", "address-per-s": "0.001"}}
TOKEN = jwt.encode({"sub": "alice", "token_use": "access"}, SIGNING_KEY, algorithm="HS256")
ACCESS = {"Authorization": f"Bearer {TOKEN}"}
# Every route with a body that calls Cognito, with the audit event of its refusals.
ROUTES = [
    ("POST", "/api/auth/signup", {}, "sign_up_refused"),
    ("POST", "/api/auth/confirm", {}, "confirmation_refused"),
    ("POST", "/api/auth/resend", {}, "code_request_refused"),
    ("POST", "/api/auth/login", {}, "sign_in_refused"),
    ("POST", "/api/auth/challenge", {}, "sign_in_refused"),
    ("POST", "/api/auth/refresh", {}, "token_refresh_refused"),
    ("POST", "/api/auth/logout", {}, "sign_out_refused"),
    ("POST", "/api/auth/password/forgot", {}, "password_reset_request_refused"),
    ("POST", "/api/auth/password/reset", {}, "password_reset_refused"),
    ("POST", "/api/auth/password/change", ACCESS, "password_change_refused"),
    ("PATCH", "/api/auth/me", ACCESS, "attribute_change_refused"),
    ("POST", "/api/auth/me/verification", ACCESS, "code_request_refused"),
    ("POST", "/api/auth/me/verification/confirm", ACCESS, "attribute_verification_refused"),
    ("PUT", "/api/auth/mfa", ACCESS, "mfa_change_refused"),
    ("POST", "/api/auth/mfa/totp/verify", ACCESS, "mfa_change_refused"),
    ("POST", "/api/auth/passkeys", ACCESS, "passkey_change_refused"),
]


def test_every_operation_that_calls_cognito_is_limited_and_audited() -> None:
    """An operation that depends on Cognito has a limit, and all but reads an event of refusals."""
    limited = [route.operation for route, _ in routes.all_routes() if route.operation.limit]
    calling = {
        handler
        for handler, dependency in routes.dependencies().items()
        if dependency in {Dependency.COGNITO, Dependency.COGNITO_DOMAIN}
    }

    assert {operation.call for operation in limited} == calling
    assert {operation.limit for operation in limited if operation.refused is None} == {
        RateLimitedAction.READ
    }


@pytest.mark.parametrize(("method", "path", "headers", "event"), ROUTES)
async def test_refused_bodies_count_and_then_none_is_read(
    start: Start, method: str, path: str, headers: Mapping[str, str], event: str
) -> None:
    """A refused body counts against its address; beyond the limit no body is read."""
    api = await start(ONE_A_DAY)
    statuses = []
    with structlog.testing.capture_logs() as logged:
        for body in (b'{"no": "such field"}', b"no JSON"):
            json = {**headers, "Content-Type": "application/json"}
            answer = await api.request(method, path, data=body, headers=json)
            statuses.append((answer.status, (await answer.json())["code"]))

    assert statuses == [(422, "invalid_fields"), (429, "too_many_attempts")]
    assert int(answer.headers["Retry-After"]) > 0
    events = [(line["event"], line["code"]) for line in logged if line["event"] == event]
    assert events == [(event, "too_many_attempts")]


async def test_body_that_is_taken_counts_once(start: Start) -> None:
    """A call with a valid body counts once against its address."""
    api = await start({"limits": {"address-burst": "2", "address-per-s": "0.001"}})

    statuses = [
        (await api.post("/api/auth/resend", json={"username": f"user{number}"})).status
        for number in range(3)
    ]

    assert statuses == [202, 202, 429]


async def test_body_of_too_many_values_is_refused(api: Api) -> None:
    """A body of a call to Cognito with more than 300 names and values is refused."""
    answered = {"credential": {"a": [0] * 300}}
    body = {"name": "WEB_AUTHN", "session": "s", "username": "u", "answer": answered}

    answer = await api.post("/api/auth/challenge", json=body)

    assert answer.status == 400
    assert "more than 300 names and values" in (await answer.json())["detail"]


@pytest.mark.parametrize(("count", "field"), [(50, "attributes.custom:a0"), (51, "attributes")])
async def test_attributes_are_at_most_fifty(start: Start, count: int, field: str) -> None:
    """50 attributes are passed to Cognito, which refuses the first; 51 are refused as one field."""
    names = [f"custom:a{number}" for number in range(51)]
    api = await start({"auth": {"writable-attributes": " ".join(names)}})
    attributes = dict.fromkeys(names[:count], "x")
    account = {"username": "carol", "password": "YourPass123!", "attributes": attributes}

    answer = await (await api.post("/api/auth/signup", json=account)).json()

    (problem,) = answer["errors"]
    assert problem["field"] == field
    assert (problem["message"] == "Must not have more than 50 attributes.") is (count > 50)
