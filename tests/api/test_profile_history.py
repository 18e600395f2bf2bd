"""The routes of the past versions of a profile."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from marshmallow.fields import Integer

from service.api.schemas.profiles import ProfileSchema
from service.app import Adapters
from tests.api.conftest import ALICE, Api, Start
from tests.support.fakes.profile_history import MemoryProfileHistory
from tests.support.fakes.profiles import MemoryProfileStore

PATH = "/v1/user/profile"
NOON = datetime(2026, 2, 28, 12, tzinfo=UTC)


@pytest.fixture
async def api(start: Start, memory: Adapters) -> Api:
    """Start the service with a history, on a clock that is an hour later at each reading."""
    hours = iter(range(10_000))

    def clock() -> datetime:
        return NOON + timedelta(hours=next(hours))

    store = MemoryProfileStore(clock=clock)
    history = MemoryProfileHistory(store, days=365, clock=lambda: NOON)
    return await start(adapters=replace(memory, profile_store=store, profile_history=history))


@pytest.fixture
async def written(api: Api) -> Api:
    """Create a profile and change it twice."""
    for body in ({"city": "Mumbai"}, {"city": "Pune", "bio": "b"}, {"bio": None}):
        await api.post(PATH, json=body, headers=ALICE)
    return api


async def test_past_versions_are_listed(written: Api) -> None:
    """Versions have their time, its end and the changed fields."""
    answer = await written.get(f"{PATH}/history", headers=ALICE)

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    first, second = "2026-02-28T13:00:00.000Z", "2026-02-28T14:00:00.000Z"
    assert await answer.json() == {
        "versions": [
            {"version": 2, "from": first, "until": second, "changed": ["bio", "city"]},
            {"version": 1, "from": "2026-02-28T12:00:00.000Z", "until": first, "changed": ["city"]},
        ]
    }


async def test_versions_continue_before_next(written: Api) -> None:
    """`next` is present where older versions follow."""
    page = await (await written.get(f"{PATH}/history?limit=1", headers=ALICE)).json()
    assert (page["next"], [past["version"] for past in page["versions"]]) == (2, [2])

    query = f"limit=1&before={page['next']}"
    page = await (await written.get(f"{PATH}/history?{query}", headers=ALICE)).json()

    assert [past["version"] for past in page["versions"]] == [1]
    assert "next" not in page


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1.0",
        "limit=",
        "limit=x",
        "limit=1&limit=1",
        "limit=%D9%A1",
        "before=-1",
        "before=1000000000000000",
        "before=v5",
        "before=1_0",
    ],
)
async def test_wrong_page_is_refused(written: Api, query: str) -> None:
    """Limit and cursor are whole numbers within bounds, and occur once."""
    answer = await written.get(f"{PATH}/history?{query}", headers=ALICE)

    assert answer.status == 422
    (problem,) = (await answer.json())["errors"]
    assert problem["field"] == query.partition("=")[0]


async def test_past_version_is_shown(written: Api) -> None:
    """A past version is shown as a profile, the present one too."""
    past = await (await written.get(f"{PATH}/history/1", headers=ALICE)).json()
    present = await (await written.get(f"{PATH}/history/3", headers=ALICE)).json()

    assert (past["version"], past["city"]) == (1, "Mumbai")
    assert past["updatedAt"] == past["createdAt"]
    assert (present["version"], present["city"]) == (3, "Pune")


@pytest.mark.parametrize("version", ["0", "4", "-1", "x", "1.0", "9" * 40, "1%2F2"])
async def test_unknown_version_is_not_found(written: Api, version: str) -> None:
    """What is no version of the profile is 404."""
    answer = await written.get(f"{PATH}/history/{version}", headers=ALICE)

    assert answer.status == 404
    assert (await answer.json())["code"] in {"version_not_found", "route_not_found"}


async def test_profile_as_of_a_time(written: Api) -> None:
    """`asOf` selects the state of that time, with an entity tag of its own."""

    async def city(query: str) -> object:
        answer = await written.get(f"{PATH}?asOf={query}", headers=ALICE)
        assert answer.status == 200
        return (await answer.json())["city"]

    assert await city("2026-02-28T12:59:59.999Z") == "Mumbai"
    assert await city("2026-02-28T15:00:00%2B02:00") == "Pune"
    assert await city("2099-01-01T00:00:00Z") == "Pune"
    answer = await written.get(f"{PATH}?asOf=2026-02-28T11:59:59Z", headers=ALICE)
    problem = await answer.json()
    assert (answer.status, problem["code"]) == (404, "profile_not_found")
    assert "at this time" in problem["detail"]
    old = await written.get(f"{PATH}?asOf=2026-02-28T12:00:00Z", headers=ALICE)
    new = await written.get(f"{PATH}?unknown=1", headers=ALICE)
    assert old.headers["ETag"] != new.headers["ETag"]


@pytest.mark.parametrize(
    "query",
    [
        "asOf=",
        "asOf=yesterday",
        "asOf=2026-02-28",
        "asOf=2026-02-28T12:00:00",
        "asOf=2026-02-30T12:00:00Z",
        "asOf=2026-02-28T12:00:00+02:00",
        "asOf=0001-01-01T00:00:00%2B14:00",
        "asOf=2026-02-28T12:00:00Z&asOf=2026-02-28T12:00:00Z",
    ],
)
async def test_wrong_time_is_refused(written: Api, query: str) -> None:
    """The time is an RFC 3339 timestamp that exists, given once."""
    answer = await written.get(f"{PATH}?{query}", headers=ALICE)

    assert answer.status == 422
    assert [problem["field"] for problem in (await answer.json())["errors"]] == ["asOf"]


async def test_reverting_writes_a_new_version(written: Api) -> None:
    """A revert sets all fields, or the named ones, and responds like any write."""
    some = await written.post(
        f"{PATH}/revert", json={"version": 2, "fields": ["bio"]}, headers=ALICE
    )
    every = await written.post(f"{PATH}/revert", json={"version": 1}, headers=ALICE)

    assert (some.status, every.status) == (200, 200)
    profile = await some.json()
    assert (profile["version"], profile["city"], profile["bio"]) == (4, "Pune", "b")
    profile = await every.json()
    assert (profile["version"], profile["city"]) == (5, "Mumbai")
    assert "bio" not in profile


async def test_revert_of_a_stale_profile_is_refused(written: Api) -> None:
    """If-Match is a precondition of a revert."""
    tag = (await written.get(PATH, headers=ALICE)).headers["ETag"]
    await written.post(PATH, json={"bio": "new"}, headers=ALICE)

    answer = await written.post(
        f"{PATH}/revert", json={"version": 1}, headers={**ALICE, "If-Match": tag}
    )

    assert answer.status == 412
    assert (await (await written.get(PATH, headers=ALICE)).json())["bio"] == "new"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["version"]),
        ({"version": "1"}, ["version"]),
        ({"version": 1.5}, ["version"]),
        ({"version": True}, ["version"]),
        ({"version": -1}, ["version"]),
        ({"version": 10**15}, ["version"]),
        ({"version": None}, ["version"]),
        ({"version": 1, "fields": []}, ["fields"]),
        ({"version": 1, "fields": None}, ["fields"]),
        ({"version": 1, "fields": "city"}, ["fields"]),
        ({"version": 1, "fields": ["city", 7]}, ["fields.1"]),
        ({"version": 1, "fields": ["city", "userId", "version"]}, ["fields.1", "fields.2"]),
        ({"version": 1, "other": 1}, ["other"]),
    ],
)
async def test_wrong_revert_names_the_fields(
    written: Api, body: dict[str, object], fields: list[str]
) -> None:
    """Each wrong member of the body is named."""
    answer = await written.post(f"{PATH}/revert", json=body, headers=ALICE)

    assert answer.status == 422
    assert [problem["field"] for problem in (await answer.json())["errors"]] == fields


async def test_revert_to_a_value_that_the_schema_refuses_names_it(
    start: Start, memory: Adapters
) -> None:
    """A past value is written only if today's schema accepts it."""
    store = MemoryProfileStore()
    history = MemoryProfileHistory(store, days=1)
    api = await start(adapters=replace(memory, profile_store=store, profile_history=history))
    created = await store.create("alice", {"country": ["a", "set"], "city": "Mumbai"})
    await store.update(created, {"country": "India", "city": "Pune"})

    refused = await api.post(f"{PATH}/revert", json={"version": 1}, headers=ALICE)
    answer = await api.post(
        f"{PATH}/revert", json={"version": 1, "fields": ["city"]}, headers=ALICE
    )

    assert refused.status == 422
    assert [problem["field"] for problem in (await refused.json())["errors"]] == ["country"]
    assert (answer.status, (await answer.json())["city"]) == (200, "Mumbai")


async def test_expired_state_is_gone(start: Start, memory: Adapters) -> None:
    """A state that is not kept any more is 410, its version 404."""
    hours = iter(range(2))
    store = MemoryProfileStore(clock=lambda: NOON + timedelta(hours=next(hours)))
    history = MemoryProfileHistory(store, days=1, clock=lambda: NOON + timedelta(days=9))
    api = await start(adapters=replace(memory, profile_store=store, profile_history=history))
    created = await store.create("alice", {"city": "Mumbai"})
    await store.update(created, {"city": "Pune"})

    answer = await api.get(f"{PATH}?asOf=2026-02-28T12:30:00Z", headers=ALICE)

    assert (answer.status, (await answer.json())["code"]) == (410, "history_expired")
    for path in (f"{PATH}/history/1", f"{PATH}/revert"):
        method = "POST" if path.endswith("revert") else "GET"
        answer = await api.request(method, path, json={"version": 1}, headers=ALICE)
        assert (answer.status, (await answer.json())["code"]) == (404, "version_not_found")


@pytest.mark.parametrize(
    "path", ["/history", "/history/1", "?asOf=2026-02-28T12:00:00Z", "/revert"]
)
async def test_nothing_of_a_missing_profile_is_shown(api: Api, path: str) -> None:
    """Without a profile there is no history."""
    method = "POST" if path == "/revert" else "GET"

    answer = await api.request(method, PATH + path, json={"version": 1}, headers=ALICE)

    assert (answer.status, (await answer.json())["code"]) == (404, "profile_not_found")


@pytest.mark.parametrize(
    "path", ["/history", "/history/1", "?asOf=2026-02-28T12:00:00Z", "/revert"]
)
async def test_history_that_is_off_is_not_offered(start: Start, path: str) -> None:
    """With `history-days` 0 the routes respond with 501, and profiles are read as ever."""
    api = await start()
    await api.post(PATH, json={"city": "Mumbai"}, headers=ALICE)
    method = "POST" if path == "/revert" else "GET"

    answer = await api.request(method, PATH + path, json={"version": 1}, headers=ALICE)

    assert (answer.status, (await answer.json())["code"]) == (501, "feature_unavailable")
    assert (await api.get(f"{PATH}?version=1", headers=ALICE)).status == 200


class Shop(ProfileSchema):
    """A profile with a field that does not allow null."""

    points = Integer(strict=True)


async def test_revert_removes_a_field_that_refuses_null(start: Start, memory: Adapters) -> None:
    """A field that a version did not have is removed, as by PUT, and does not refuse the revert."""
    store = MemoryProfileStore()
    history = MemoryProfileHistory(store, days=1)
    api = await start(
        {"profile": {"schema": f"{__name__}:Shop"}},
        adapters=replace(memory, profile_store=store, profile_history=history),
    )
    for body in ({"city": "Mumbai"}, {"city": "Pune"}, {"points": 5}):
        await api.post(PATH, json=body, headers=ALICE)

    absent = await api.post(f"{PATH}/revert", json={"version": 1}, headers=ALICE)
    again = await api.post(f"{PATH}/revert", json={"version": 3}, headers=ALICE)

    assert (absent.status, again.status) == (200, 200)
    reverted = await absent.json()
    assert (reverted["city"], reverted.get("points")) == ("Mumbai", None)
    assert (await again.json())["points"] == 5


async def test_revert_leaves_the_fields_of_services(start: Start, memory: Adapters) -> None:
    """A user cannot bring back what only other services write."""
    store = MemoryProfileStore()
    history = MemoryProfileHistory(store, days=1)
    api = await start(
        {"profile": {"schema": "tests.api.test_user_profiles:Loyalty"}},
        adapters=replace(memory, profile_store=store, profile_history=history),
    )
    created = await store.create("alice", {"city": "Mumbai", "tier": "gold"})
    await store.update(created, {"city": "Pune", "tier": None})

    refused = await api.post(
        f"{PATH}/revert", json={"version": 1, "fields": ["city", "tier"]}, headers=ALICE
    )
    answer = await api.post(f"{PATH}/revert", json={"version": 1}, headers=ALICE)

    assert [problem["field"] for problem in (await refused.json())["errors"]] == ["fields.1"]
    profile = await answer.json()
    assert profile["city"] == "Mumbai"
    assert "tier" not in profile
    past = await (await api.get(f"{PATH}/history/1", headers=ALICE)).json()
    assert past["tier"] == "gold"
