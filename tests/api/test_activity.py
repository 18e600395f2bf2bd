"""The activity of users over HTTP, with fakes behind."""

from dataclasses import replace
from typing import Any

import pytest

from service.api.activity.recording import RECORDER
from service.app import Adapters
from service.config.loader import Settings
from tests.api.conftest import ALICE, Api, Start
from tests.support.accounts import PASSWORD
from tests.support.fakes.profile_history import MemoryProfileHistory
from tests.support.fakes.profiles import MemoryProfileStore
from tests.support.fakes.user_pool import MemoryUserPool

PATH = "/v1/user/activity"
ON: Settings = {"activity": {"days": "30"}}
LOGIN = {"username": "alice", "password": PASSWORD}


@pytest.fixture(name="recording")
async def _recording(start: Start) -> Api:
    return await start(ON)


async def _read(
    api: Api, sub: str = "alice", **query: str
) -> tuple[list[dict[str, Any]], str | None]:
    """Store what is queued; return a page and its cursor."""
    await api.app[RECORDER].flush(5)
    answer = await api.get(PATH, params=query, headers={"x-amzn-oidc-identity": sub})
    assert answer.status == 200
    page = await answer.json()
    return page["events"], page.get("next")


async def _sign_in(api: Api, user_pool: MemoryUserPool) -> tuple[str, dict[str, str]]:
    """Return the sub of a new user, and the headers of a sign-in."""
    attributes = {"email": "a@example.com"}
    await api.post("/api/auth/signup", json={**LOGIN, "attributes": attributes})
    confirmation = {"username": "alice", "code": user_pool.code("alice")}
    await api.post("/api/auth/confirm", json=confirmation)
    tokens = await (await api.post("/api/auth/login", json=LOGIN)).json()
    return tokens["userId"], {"Authorization": f"Bearer {tokens['accessToken']}"}


async def test_activity_is_off_by_default(api: Api) -> None:
    """Nothing is recorded, and the call is not offered."""
    answer = await api.get(PATH, headers=ALICE)

    assert (answer.status, (await answer.json())["code"]) == (501, "feature_unavailable")
    assert RECORDER not in api.app


async def test_events_of_the_account_are_listed(recording: Api, user_pool: MemoryUserPool) -> None:
    """Sign-ins, changes and refusals of a known user are listed, newest first, with their client."""
    sub, headers = await _sign_in(recording, user_pool)
    agent = {"User-Agent": "Browser \x81" + "x" * 300}
    wrong = {"currentPassword": "wrong" + PASSWORD, "newPassword": "New" + PASSWORD}
    await recording.post("/api/auth/password/change", json=wrong, headers=headers | agent)
    changes = {"attributes": {"name": "Alice", "email": "b@example.com"}}
    await recording.patch("/api/auth/me", json=changes, headers=headers)
    await recording.put("/api/auth/mfa", json={"enabled": []}, headers=headers)

    events, following = await _read(recording, sub)

    assert following is None
    assert {(event["event"], event.get("detail")) for event in events} == {
        ("signed_up", None),
        ("signed_in", None),
        ("password_change_refused", "invalid_credentials"),
        ("attributes_changed", "email name"),
        ("mfa_disabled", None),
    }
    assert [event["at"] for event in events] == sorted(
        (each["at"] for each in events), reverse=True
    )
    assert {event["address"] for event in events} == {"127.0.0.1"}
    (refused,) = (event for event in events if event["event"] == "password_change_refused")
    assert refused["device"] == ("Browser " + "x" * 300)[:256]
    assert PASSWORD not in str(events)


async def test_writes_of_the_profile_are_listed(recording: Api) -> None:
    """Creation and changes are events with the names of the fields; a write without effect is none."""
    for method, fields in (
        ("POST", {"city": "Mumbai"}),
        ("POST", {"city": "Mumbai"}),
        ("PATCH", {"bio": "new", "city": "Pune"}),
        ("PATCH", {"bio": "new"}),
        ("POST", {"bio": "new", "city": "Goa", "company": None}),
        ("PUT", {"city": "Goa", "company": "Example"}),
    ):
        answer = await recording.request(method, "/v1/user/profile", json=fields, headers=ALICE)
        assert answer.ok

    events, _ = await _read(recording)

    assert sorted((event["event"], event["detail"]) for event in events) == [
        ("profile_created", "city"),
        ("profile_updated", "bio city"),
        ("profile_updated", "bio company"),
        ("profile_updated", "city"),
    ]
    assert await _read(recording, "bob") == ([], None)


async def test_revert_is_listed_if_it_changes_something(start: Start, memory: Adapters) -> None:
    """A return to a past version is an event with the fields that it changed."""
    store = MemoryProfileStore()
    history = MemoryProfileHistory(store, days=1)
    api = await start(ON, adapters=replace(memory, profile_store=store, profile_history=history))
    for fields in ({"city": "Mumbai", "bio": "b"}, {"city": "Pune"}):
        await api.post("/v1/user/profile", json=fields, headers=ALICE)
    for _ in range(2):
        wanted = {"version": 1}
        answer = await api.post("/v1/user/profile/revert", json=wanted, headers=ALICE)
        assert answer.status == 200

    events, _ = await _read(api)

    reverted = [event for event in events if event["event"] == "profile_reverted"]
    assert [event["detail"] for event in reverted] == ["city"]


async def test_change_by_a_service_names_the_service(recording: Api) -> None:
    """The user sees which service changed the profile, and not its address; no change is no event."""
    service = {"Authorization": "Bearer service~billing~profiles.write"}
    await recording.post("/v1/user/profile", json={"city": "Mumbai"}, headers=ALICE)
    for city in ("Mumbai", "Pune", "Pune"):
        answer = await recording.patch(
            "/v1/users/alice/profile", json={"city": city}, headers=service
        )
        assert answer.status == 200

    events, _ = await _read(recording)

    (event,) = (event for event in events if event["event"] != "profile_created")
    assert event == {
        "at": event["at"],
        "event": "profile_changed_by_service",
        "detail": "billing",
    }


async def test_deleted_profile_takes_its_activity_along(recording: Api) -> None:
    """After the deletion no event is left, also of those that were queued."""
    await recording.post("/v1/user/profile", json={"city": "Mumbai"}, headers=ALICE)
    answer = await recording.delete("/v1/user/profile", headers=ALICE)
    assert answer.status == 204

    assert await _read(recording) == ([], None)


async def test_rate_limited_calls_are_no_activity(start: Start, user_pool: MemoryUserPool) -> None:
    """A caller cannot cause events without end."""
    api = await start(ON, {"limits": {"update-per-s": "0.001"}})
    sub, headers = await _sign_in(api, user_pool)
    statuses = [
        (await api.put("/api/auth/mfa", json={"enabled": []}, headers=headers)).status
        for _ in range(3)
    ]
    assert statuses == [204, 429, 429]

    events, _ = await _read(api, sub)

    assert sorted(event["event"] for event in events) == ["mfa_disabled", "signed_in", "signed_up"]


async def test_pages_follow_each_other(recording: Api) -> None:
    """`next` is the cursor of the following page; the last page has none."""
    for number in range(5):
        await recording.patch("/v1/user/profile", json={"bio": str(number)}, headers=ALICE)
        await recording.post("/v1/user/profile", json={"bio": str(number)}, headers=ALICE)

    whole, _ = await _read(recording)
    read: list[dict[str, Any]] = []
    query: dict[str, str] = {"limit": "3"}
    while True:
        events, following = await _read(recording, **query)
        read += events
        if following is None:
            break
        query["before"] = following

    assert read == whole
    assert len(whole) == 5


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=", "limit"),
        ("limit=1e1", "limit"),
        ("limit=-1", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=1&limit=2", "limit"),
        ("before=", "before"),
        ("before=2026-11-23T03:14:15.926Z", "before"),
        ("before=2026-13-23T03:14:15.926Z.abcdefgh", "before"),
        ("before=2026-11-23T03:14:15.926Z.abcdefghi", "before"),
        ("before=2026-11-23T03:14:15.926Z%23abcdefgh", "before"),
        ("before=" + "9" * 3_000, "before"),
        (
            "before=2026-11-23T03:14:15.926Z.abcdefgh&before=2026-11-23T03:14:15.926Z.abcdefgh",
            "before",
        ),
    ],
)
async def test_wrong_query_is_named(recording: Api, query: str, field: str) -> None:
    """A limit or cursor that is none is 422 and named."""
    answer = await recording.get(f"{PATH}?{query}", headers=ALICE)

    body = await answer.json()
    assert (answer.status, body["code"]) == (422, "invalid_fields")
    assert [problem["field"] for problem in body["errors"]] == [field]
