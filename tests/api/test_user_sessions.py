"""The active sessions of a user over HTTP, with a fake user pool."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.app import Adapters
from service.config.loader import Settings
from service.domain.errors import ServiceError, Throttled, UpstreamUnavailable
from service.domain.user_sessions import UserSession
from tests.api.conftest import Api, Start
from tests.support.accounts import PASSWORD
from tests.support.fakes.user_pool import MemoryUserPool
from tests.support.fakes.user_pool_rules import PoolRules
from tests.support.fakes.user_sessions import MemoryUserSessions

SESSIONS = "/api/auth/sessions"
CHANGE = "/api/auth/password/change"
ALICE = {"username": "alice", "password": PASSWORD}
NEW_PASSWORD = "New" + PASSWORD
UNKNOWN = "tkn" + "z" * 25


@dataclass(frozen=True)
class Caller:
    """A session of alice."""

    api: Api
    tokens: Mapping[str, Any]

    async def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[int, Any]:
        """Send a request; return the status and the JSON, if any."""
        headers = {"Authorization": f"Bearer {self.tokens['accessToken']}"}
        answer = await self.api.request(method, path, json=body, headers=headers)
        return answer.status, await answer.json() if await answer.read() else None

    async def sessions(self) -> dict[str, Any]:
        """Return the sessions by id."""
        status, body = await self.call("GET", SESSIONS)
        assert status == 200
        return {session["id"]: session for session in body["sessions"]}

    async def own_id(self) -> str:
        """Return the id of this session."""
        sessions = await self.sessions()
        (session_id,) = (name for name, session in sessions.items() if session["current"])
        return session_id

    async def is_signed_in(self) -> bool:
        """Return whether the access token is accepted."""
        status, _ = await self.call("GET", "/api/auth/me")
        return status == 200


async def _log_in(api: Api, password: str = PASSWORD) -> Caller:
    answer = await api.post("/api/auth/login", json={**ALICE, "password": password})
    assert answer.status == 200
    return Caller(api, await answer.json())


@pytest.fixture
def user_pool() -> MemoryUserPool:
    """Return accounts of a pool that tracks sessions."""
    return MemoryUserPool(PoolRules(tracks_sessions=True))


@pytest.fixture(name="ready")
async def _ready(api: Api, user_pool: MemoryUserPool) -> Api:
    """Sign alice up."""
    await api.post("/api/auth/signup", json={**ALICE, "attributes": {"email": "a@example.com"}})
    confirmation = {"username": "alice", "code": user_pool.code("alice")}
    await api.post("/api/auth/confirm", json=confirmation)
    return api


async def test_sessions_are_listed(ready: Api) -> None:
    """Each sign-in is a session; one of them is the current one, and what is unknown is left out."""
    here, there = await _log_in(ready), await _log_in(ready)

    sessions = await here.sessions()

    assert len(sessions) == 2
    assert await here.own_id() != await there.own_id()
    assert {frozenset(session) for session in sessions.values()} == {
        frozenset({"id", "kind", "clientId", "createdAt", "lastActiveAt", "current"})
    }


class Described(MemoryUserSessions):
    """Reports all that Cognito can report of a session."""

    async def active(self, access_token: str) -> tuple[UserSession, ...]:
        """Return one session with all details, and one without a city."""
        del access_token
        moment = datetime(2026, 11, 23, 3, 14, 15, 926_535, UTC)
        session = UserSession(
            session_id=UNKNOWN,
            kind="sso",
            client_id="abc",
            created_at=moment,
            last_active_at=moment,
            current=False,
            device="Firefox on Linux",
            address="203.0.113.7",
            city="Pune",
            country="India",
        )
        return session, replace(session, city=None)


async def test_details_are_passed_on(ready: Api, start: Start, memory: Adapters) -> None:
    """Device, address and location are members where Cognito reports them."""
    alice = await _log_in(ready)
    provider = replace(memory.identity_provider, user_sessions=Described(MemoryUserPool()))
    api = await start(adapters=replace(memory, identity_provider=provider))

    _, body = await Caller(api, alice.tokens).call("GET", SESSIONS)

    assert body["sessions"][0] == {
        "id": UNKNOWN,
        "kind": "sso",
        "clientId": "abc",
        "createdAt": "2026-11-23T03:14:15.926Z",
        "lastActiveAt": "2026-11-23T03:14:15.926Z",
        "device": "Firefox on Linux",
        "address": "203.0.113.7",
        "location": {"city": "Pune", "country": "India"},
        "current": False,
    }
    assert body["sessions"][1]["location"] == {"country": "India"}


@pytest.mark.parametrize("query", ["", "?linked=true", "?linked=false"])
async def test_session_is_ended_by_id(ready: Api, query: str) -> None:
    """A revoked session is refused at once; a second revocation does not find it."""
    here, there = await _log_in(ready), await _log_in(ready)
    path = f"{SESSIONS}/{await there.own_id()}{query}"

    with capture_logs() as logs:
        ended = await here.call("DELETE", path)
        again = await here.call("DELETE", path)

    assert ended == (204, None)
    assert (again[0], again[1]["code"]) == (404, "session_not_found")
    assert not await there.is_signed_in()
    assert await here.is_signed_in()
    events = [event["event"] for event in logs if event["event"] != "request_finished"]
    assert events == ["session_revoked", "sign_out_refused"]


async def test_current_session_is_not_ended(ready: Api) -> None:
    """The current session ends by logging out."""
    alice = await _log_in(ready)

    status, problem = await alice.call("DELETE", f"{SESSIONS}/{await alice.own_id()}")

    assert (status, problem["code"]) == (409, "session_is_current")
    assert await alice.is_signed_in()


@pytest.mark.parametrize("name", [UNKNOWN, "x", "%E2%82%AC", "a%20b"])
async def test_unknown_session_is_not_found(ready: Api, name: str) -> None:
    """An id that no session has is 404, whatever its form."""
    status, problem = await (await _log_in(ready)).call("DELETE", f"{SESSIONS}/{name}")

    assert (status, problem["code"]) == (404, "session_not_found")


@pytest.mark.parametrize("query", ["linked=yes", "linked=", "linked", "linked=true&linked=true"])
async def test_unclear_flag_is_refused(ready: Api, query: str) -> None:
    """`linked` is true or false, once."""
    here, there = await _log_in(ready), await _log_in(ready)

    status, problem = await here.call("DELETE", f"{SESSIONS}/{await there.own_id()}?{query}")

    assert (status, [error["field"] for error in problem["errors"]]) == (422, ["linked"])
    assert await there.is_signed_in()


async def test_all_others_are_ended(ready: Api) -> None:
    """DELETE of the collection leaves the current session, and can be repeated."""
    here, *others = [await _log_in(ready) for _ in range(3)]

    with capture_logs() as logs:
        answers = [await here.call("DELETE", SESSIONS) for _ in range(2)]

    assert answers == [(204, None)] * 2
    assert [*await here.sessions()] == [await here.own_id()]
    assert [await other.is_signed_in() for other in others] == [False, False]
    assert [entry["event"] for entry in logs].count("other_sessions_revoked") == 2


async def test_password_change_ends_the_other_sessions(ready: Api) -> None:
    """With signOutOthers, only the session that changes the password goes on."""
    here, there = await _log_in(ready), await _log_in(ready)
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, "signOutOthers": True}

    with capture_logs() as logs:
        changed = await here.call("POST", CHANGE, change)

    assert changed == (204, None)
    assert (await here.is_signed_in(), await there.is_signed_in()) == (True, False)
    events = [event["event"] for event in logs if event["event"] != "request_finished"]
    assert events == ["other_sessions_revoked", "password_changed"]


@pytest.mark.parametrize("more", [{}, {"signOutOthers": False}], ids=str)
async def test_password_change_alone_ends_no_session(
    ready: Api, more: Mapping[str, object]
) -> None:
    """By default the other sessions go on."""
    here, there = await _log_in(ready), await _log_in(ready)
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, **more}

    assert await here.call("POST", CHANGE, change) == (204, None)
    assert await there.is_signed_in()


async def test_refused_password_change_ends_no_session(ready: Api) -> None:
    """With a wrong password nothing happens."""
    here, there = await _log_in(ready), await _log_in(ready)
    change = {"currentPassword": "wrong", "newPassword": NEW_PASSWORD, "signOutOthers": True}

    status, problem = await here.call("POST", CHANGE, change)

    assert (status, problem["code"]) == (401, "invalid_credentials")
    assert await there.is_signed_in()


@pytest.mark.parametrize("value", ["true", 1, None])
async def test_flag_of_a_password_change_is_a_boolean(ready: Api, value: object) -> None:
    """Anything but true and false is an invalid field."""
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, "signOutOthers": value}

    status, problem = await (await _log_in(ready)).call("POST", CHANGE, change)

    assert (status, problem["errors"][0]["field"]) == (422, "signOutOthers")


class Failing(MemoryUserSessions):
    """Ends no sessions: raises *error*, or hangs where it is None."""

    def __init__(self, pool: MemoryUserPool, error: ServiceError | None) -> None:
        super().__init__(pool)
        self._error = error

    async def revoke_others(self, access_token: str) -> None:
        """Fail."""
        del access_token
        if self._error is None:
            await asyncio.Event().wait()
        else:
            raise self._error


SHORT: Settings = {"server": {"request-deadline-s": "0.5"}}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamUnavailable(retry_after_s=1), "upstream_unavailable"),
        (Throttled(retry_after_s=1), "throttled"),
        (None, "deadline_exceeded"),
    ],
    ids=["unavailable", "throttled", "hanging"],
)
async def test_sessions_that_go_on_after_a_password_change_are_reported(  # noqa: PLR0913, PLR0917 -- fixtures
    error: ServiceError | None,
    code: str,
    ready: Api,
    user_pool: MemoryUserPool,
    start: Start,
    memory: Adapters,
) -> None:
    """The password is changed: that is no error, and the response does not claim the rest."""
    alice = await _log_in(ready)
    provider = replace(memory.identity_provider, user_sessions=Failing(user_pool, error))
    api = await start(SHORT, adapters=replace(memory, identity_provider=provider))
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, "signOutOthers": True}

    with capture_logs() as logs:
        changed = await Caller(api, alice.tokens).call("POST", CHANGE, change)

    assert changed == (200, {"signedOutOthers": False})
    await _log_in(ready, NEW_PASSWORD)
    refused = [entry["code"] for entry in logs if entry["event"] == "sign_out_refused"]
    assert refused == [code]
    assert "password_changed" in [entry["event"] for entry in logs]


async def test_pool_that_does_not_track_sessions_is_501(
    ready: Api, user_pool: MemoryUserPool
) -> None:
    """Nothing is offered then, and a password change that asks for more changes nothing."""
    user_pool.rules = PoolRules()
    alice = await _log_in(ready)
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, "signOutOthers": True}

    answers = [
        await alice.call("GET", SESSIONS),
        await alice.call("DELETE", SESSIONS),
        await alice.call("DELETE", f"{SESSIONS}/{UNKNOWN}"),
        await alice.call("POST", CHANGE, change),
    ]

    assert [(status, body["code"]) for status, body in answers] == [
        (501, "feature_unavailable")
    ] * 4
    await _log_in(ready)
