"""Calls by other services: who is admitted, within which scope and limit, and what is logged."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from service.api import keys
from service.api.audit_log import AuditEvent
from service.api.keys import Access
from service.api.operations import Operation
from service.api.routes import SERVICE
from service.api.service_call import service_operation
from service.app import Adapters, create_app
from service.config.loader import Settings
from service.domain.errors import ProfileNotFound
from service.domain.identity import ServiceScope
from tests.support.configs import configured, opening
from tests.support.fakes.user_pool import MemoryUserPool

PATH: Final = "/v1/probe/{userId}"
OWN: Final = {"Authorization": "Bearer service~billing~profiles.read~profiles.write"}
REALM: Final = 'Bearer realm="user-profile-service"'


@service_operation(
    "Change",
    scope=ServiceScope.WRITE,
    audit=AuditEvent.PROFILE_CHANGED_BY_SERVICE,
    tag="",
    answers={},
)
async def probe(request: web.Request) -> web.Response:
    """Return the caller; the user "missing" has no profile."""
    if request.match_info["userId"] == "missing":
        raise ProfileNotFound
    return web.json_response({"caller": request[keys.SERVICE_CALLER].client_id})


class Probed:
    """The service with one more operation."""

    def __init__(self, adapters: Adapters, *settings: Settings) -> None:
        self._app = create_app(configured(*settings), opening(adapters))
        self._app.router.add_get(PATH, probe.call)
        cast("dict[Any, Access]", self._app[keys.ACCESS])[probe.call] = Access.SERVICE

    async def answers(
        self, *requests: tuple[str, Sequence[tuple[str, str]] | Mapping[str, str]]
    ) -> list[tuple[int, Any, str | None]]:
        """Return status, code or body, and WWW-Authenticate of each request."""
        found = []
        async with TestClient(TestServer(self._app)) as client:
            for path, headers in requests:
                answer = await client.get(path, headers=headers)
                body = json.loads(await answer.read())
                challenge = answer.headers.get("WWW-Authenticate")
                found.append((answer.status, body.get("code", body), challenge))
        return found


async def test_service_with_the_scope_is_served_and_named_in_the_log(memory: Adapters) -> None:
    """The handler, the audit event and the request's log line have the client id."""
    with capture_logs() as logs:
        (served,) = await Probed(memory).answers(("/v1/probe/alice", OWN))

    assert served == (200, {"caller": "billing"}, None)
    event, line = logs
    assert (event["event"], event["client_id"], event["sub"]) == (
        "profile_changed_by_service", "billing", "alice",
    )  # fmt: skip
    assert (line["event"], line["client_id"]) == ("request_finished", "billing")
    assert "sub" not in line


async def test_missing_scope_is_403_and_named(memory: Adapters) -> None:
    """The response names the scope as the token needs it, with the resource server."""
    server: Settings = {"services": {"resource-server": "https://p.example"}}
    headers = {"Authorization": "Bearer service~billing~profiles.read~profiles.erase"}
    with capture_logs() as logs:
        (refused,) = await Probed(memory, server).answers(("/v1/probe/alice", headers))

    challenge = 'Bearer error="insufficient_scope", scope="https://p.example/profiles.write"'
    assert refused == (403, "insufficient_scope", challenge)
    event, line = logs
    assert (event["event"], event["client_id"]) == ("service_call_refused", "billing")
    assert event["code"] == line["code"] == "insufficient_scope"
    assert line["client_id"] == "billing"


NOT_AUTHENTICATED: Final = (401, "not_authenticated", REALM)
INVALID: Final = (401, "token_invalid", f'{REALM}, error="invalid_token"')
REFUSED: Final[Mapping[str, tuple[Sequence[tuple[str, str]], tuple[int, str, str]]]] = {
    "nothing": ([], NOT_AUTHENTICATED),
    "Basic": ([("Authorization", "Basic eDp5")], NOT_AUTHENTICATED),
    "no scheme": ([("Authorization", OWN["Authorization"][7:])], NOT_AUTHENTICATED),
    "a user's name": ([("x-amzn-oidc-identity", "alice")], NOT_AUTHENTICATED),
    "the service's name": ([("x-amzn-oidc-identity", "billing")], NOT_AUTHENTICATED),
    "the load balancer's": (
        [("x-amzn-oidc-accesstoken", OWN["Authorization"][7:])],
        NOT_AUTHENTICATED,
    ),
    "twice": ([*OWN.items()] * 2, NOT_AUTHENTICATED),
    "two schemes": ([("Authorization", "Basic eDp5"), *OWN.items()], NOT_AUTHENTICATED),
    "no token": ([("Authorization", "Bearer")], INVALID),
    "two tokens": ([("Authorization", f"{OWN['Authorization']} x")], INVALID),
    "garbage": ([("Authorization", "Bearer garbage")], INVALID),
}


async def test_request_without_one_service_token_is_401(memory: Adapters) -> None:
    """Only `Authorization: Bearer` is read: headers of a load balancer prove no service."""
    found = await Probed(memory).answers(
        *(("/v1/probe/alice", sent) for sent, _ in REFUSED.values())
    )

    expected = dict(zip(REFUSED, (answer for _, answer in REFUSED.values()), strict=True))
    assert dict(zip(REFUSED, found, strict=True)) == expected


async def test_user_is_no_service_and_service_is_no_user(
    memory: Adapters, user_pool: MemoryUserPool
) -> None:
    """Tokens of users are 401 for services, tokens of services are 401 for every route of users."""
    user = user_pool.add("alice", "YourPass123!", {})
    token = user_pool.grant(user).access_token
    signed_in = {"Authorization": f"Bearer {token}"}
    calls = (("/v1/probe/alice", signed_in), ("/api/auth/me", OWN), ("/v1/user/profile", OWN))
    own_name = [("x-amzn-oidc-identity", "billing")]
    with_client: Settings = {"services": {"clients": "billing"}}

    found = await Probed(memory).answers(*calls)
    (named,) = await Probed(memory, with_client).answers(("/v1/user/profile", own_name))

    assert [(status, code) for status, code, _ in found] == [
        (401, "token_invalid"),
        (401, "token_invalid"),
        (401, "not_authenticated"),
    ]
    assert named == NOT_AUTHENTICATED


async def test_client_beyond_its_limit_is_429(memory: Adapters) -> None:
    """Calls without the scope count too; other clients are served."""
    few: Settings = {"services": {"client-burst": "2", "client-per-s": "0.001"}}
    headers = {"Authorization": "Bearer service~billing~profiles.read"}
    other = {"Authorization": "Bearer service~search~profiles.write"}
    with capture_logs() as logs:
        *allowed, refused, served = await Probed(memory, few).answers(
            ("/v1/probe/a", headers),
            ("/v1/probe/a", OWN),
            ("/v1/probe/a", OWN),
            ("/v1/probe/a", other),
        )

    assert [status for status, _, _ in (*allowed, served)] == [403, 200, 200]
    assert refused == (429, "too_many_attempts", None)
    assert [line["code"] for line in logs if line["event"] == "service_call_refused"] == [
        "insufficient_scope",
        "too_many_attempts",
    ]


async def test_failed_call_writes_no_audit_event(memory: Adapters) -> None:
    """The event of a change is written after the change only."""
    with capture_logs() as logs:
        (missing,) = await Probed(memory).answers(("/v1/probe/missing", OWN))

    assert missing[:2] == (404, "profile_not_found")
    assert [line["event"] for line in logs] == ["request_finished"]


def test_every_service_operation_has_a_scope() -> None:
    """A route of services without a scope would be open to every service."""
    operations: list[Operation] = [route.operation for route in SERVICE]
    assert all(operation.scope is not None for operation in operations)
