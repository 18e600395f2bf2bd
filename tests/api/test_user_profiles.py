"""The profiles of users for other services over HTTP, with a fake store."""

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from marshmallow import fields
from structlog.testing import capture_logs

from service.api import deadlines, keys
from service.api.schemas.profile_fields.text import Line
from service.api.schemas.profiles import ProfileSchema
from service.app import Adapters
from service.domain.profiles import Profile
from tests.api.conftest import ALICE, Api, Start
from tests.support.fakes.profiles import MemoryProfileStore

OWN = "/v1/user/profile"
ALICES = "/v1/users/alice/profile"
BATCH = "/v1/users/profiles/batch"
SERVICE = {
    "Authorization": "Bearer service~billing~profiles.read~profiles.write~profiles.erase",
}


class Loyalty(ProfileSchema):
    """A deployment's schema with fields of services."""

    example = {"city": "Mumbai", "tier": "gold"}  # noqa: RUF012 -- as a deployment writes it

    tier = Line("gold", metadata={"writer": "service"})
    points = fields.Integer(
        data_key="loyalty-points", allow_none=True, metadata={"writer": "service"}
    )
    limits = fields.Dict(keys=fields.String(), allow_none=True, metadata={"writer": "service"})


@pytest.fixture
async def loyalty(start: Start) -> Api:
    """Start the service with Loyalty's fields."""
    return await start({"profile": {"schema": f"{__name__}:Loyalty"}})


async def _json(
    api: Api, method: str, path: str, headers: Mapping[str, str], body: object = None
) -> tuple[int, Any]:
    answer = await api.request(method, path, headers=headers, json=body)
    return answer.status, json.loads(await answer.read() or "null")


async def _problems(
    api: Api, method: str, path: str, headers: Mapping[str, str], body: object = None
) -> dict[str, str]:
    """Return the messages of a refusal by field."""
    status, problem = await _json(api, method, path, headers, body)
    assert (status, problem["code"]) == (422, "invalid_fields")
    return {entry["field"]: entry["message"] for entry in problem["errors"]}


async def test_service_reads_what_the_user_reads(api: Api) -> None:
    """The representation and its validators are those of the user's own GET."""
    await api.put(OWN, json={"city": "Mumbai"}, headers=ALICE)
    own = await api.get(OWN, headers=ALICE)
    read = await api.get(ALICES, headers=SERVICE)
    again = await api.get(ALICES, headers={**SERVICE, "If-None-Match": read.headers["ETag"]})
    stale = await api.get(ALICES, headers={**SERVICE, "If-Match": '"other"'})

    assert (read.status, again.status, stale.status) == (200, 304, 412)
    assert await read.read() == await own.read()
    for name in ("ETag", "Last-Modified", "Cache-Control"):
        assert read.headers[name] == own.headers[name]


async def test_user_without_a_profile_is_404(api: Api) -> None:
    """No call of a service creates a profile."""
    for method, body in (("GET", None), ("PATCH", {"city": "Pune"}), ("DELETE", None)):
        status, problem = await _json(api, method, ALICES, SERVICE, body)
        assert (status, problem["code"]) == (404, "profile_not_found")


async def test_patch_merges_under_a_precondition(api: Api) -> None:
    """A merge patch changes what it names; a stale tag is 412."""
    created = await api.put(
        OWN, json={"city": "Mumbai", "bio": "b", "preferences": {"a": 1, "b": 2}}, headers=ALICE
    )
    matching = {**SERVICE, "If-Match": created.headers["ETag"]}
    changes = {"bio": None, "preferences": {"a": None, "c": 3}}

    status, changed = await _json(api, "PATCH", ALICES, matching, changes)
    stale, _ = await _json(api, "PATCH", ALICES, matching, {"city": "Pune"})

    assert (status, stale) == (200, 412)
    assert (changed["version"], changed["city"]) == (2, "Mumbai")
    assert (changed["preferences"], "bio" in changed) == ({"b": 2, "c": 3}, False)
    assert await _json(api, "GET", OWN, ALICE) == (200, changed)


async def test_erasing_is_that_of_the_user(api: Api) -> None:
    """After 204 nobody reads the profile; the user may create another one."""
    created = await api.put(OWN, json={"city": "Mumbai"}, headers=ALICE)
    stale = await api.delete(ALICES, headers={**SERVICE, "If-Match": '"other"'})
    erased = await api.delete(ALICES, headers={**SERVICE, "If-Match": created.headers["ETag"]})

    assert (stale.status, erased.status, await erased.read()) == (412, 204, b"")
    assert (await api.get(OWN, headers=ALICE)).status == 404
    assert (await api.put(OWN, json={}, headers=ALICE)).status == 201


async def test_batch_has_each_user_in_one_of_two_places(api: Api) -> None:
    """Profiles are those of the single read, and users without one are listed in order."""
    for user in ("alice", "bob"):
        await api.put(OWN, json={"city": user}, headers={"x-amzn-oidc-identity": user})
    alice, bob = [(await _json(api, "GET", f"/v1/users/{u}/profile", SERVICE))[1]
                  for u in ("alice", "bob")]  # fmt: skip

    answer = await api.post(
        BATCH, json={"userIds": ["zoe", "bob", "carol", "alice"]}, headers=SERVICE
    )

    assert await answer.json() == {
        "profiles": {"bob": bob, "alice": alice},
        "missing": ["zoe", "carol"],
    }
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("names", "shown"), [(["city"], {"city"}), ([], set()), (["bio", "email"], {"email"})]
)
async def test_batch_returns_the_fields_that_are_named(
    api: Api, names: list[str], shown: set[str]
) -> None:
    """System fields are always returned, of the others only those that are named."""
    await api.put(OWN, json={"city": "Mumbai", "email": "a@example.com"}, headers=ALICE)

    _, body = await _json(api, "POST", BATCH, SERVICE, {"userIds": ["alice"], "fields": names})

    assert body["profiles"]["alice"].keys() == {
        "userId", "createdAt", "updatedAt", "version", *shown,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"userIds"}),
        ({"userIds": []}, {"userIds"}),
        ({"userIds": "alice"}, {"userIds"}),
        ({"userIds": [str(number) for number in range(101)]}, {"userIds"}),
        ({"userIds": ["a", "b", "a"]}, {"userIds.2"}),
        ({"userIds": ["", "a b", "\u00e9", "a~history", "a" * 256, "a\u007f", "ok"]},
         {f"userIds.{number}" for number in range(6)}),
        ({"userIds": [1, None, {}]}, {"userIds.0", "userIds.1", "userIds.2"}),
        ({"userIds": ["a"], "fields": ["city", "writeId", "userId", "city"]},
         {"fields.1", "fields.2", "fields.3"}),
        ({"userIds": ["a"], "fields": None}, {"fields"}),
        ({"userIds": ["a"], "consistent": True}, {"consistent"}),
    ],
)  # fmt: skip
async def test_wrong_batch_is_refused_by_name(
    api: Api, body: Mapping[str, object], wrong: Collection[str]
) -> None:
    """Every wrong entry is named by its place."""
    assert (await _problems(api, "POST", BATCH, SERVICE, body)).keys() == {*wrong}


async def test_longest_batch_fits_into_a_body(api: Api) -> None:
    """100 ids of the maximum length, with characters that JSON escapes, are not too large."""
    users = [f"{number:03}" + '"' * 252 for number in range(100)]
    text = json.dumps({"userIds": users}).replace('\\"', "\\u0022")

    answer = await api.post(
        BATCH, data=text, headers={**SERVICE, "Content-Type": "application/json"}
    )

    assert (await answer.json())["missing"] == users


@pytest.mark.parametrize("user", ["a~history", "a~activity", "~", "a b", "é", "a" * 256, "\x7f"])
async def test_id_that_no_user_has_is_refused(api: Api, user: str) -> None:
    """An id in a path never leads to another partition than a user's."""
    path = f"/v1/users/{quote(user, safe='')}/profile"
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert (await _problems(api, method, path, SERVICE, body)).keys() == {"userId"}
    store = api.app[keys.PROFILE_STORE]
    assert isinstance(store, MemoryProfileStore)
    assert store.reads == 0


@pytest.mark.parametrize("user", ["a/b", "a%b", "profiles", ".x", "a?b#c", "a" * 255, "a;b"])
async def test_id_of_any_visible_characters_is_served(api: Api, user: str) -> None:
    """An id is percent-encoded in the path."""
    await api.put(OWN, json={"city": "Mumbai"}, headers={"x-amzn-oidc-identity": user})

    status, body = await _json(api, "GET", f"/v1/users/{quote(user, safe='')}/profile", SERVICE)

    assert (status, body["userId"]) == (200, user)


async def test_scopes_are_of_their_calls(api: Api) -> None:
    """Each call needs its scope; no other one suffices."""
    calls = {
        ("GET", ALICES): "read",
        ("POST", BATCH): "read",
        ("PATCH", ALICES): "write",
        ("DELETE", ALICES): "erase",
    }
    for (method, path), needed in calls.items():
        others = [scope for scope in ("read", "write", "erase") if scope != needed]
        token = "~".join(["service~billing", *(f"profiles.{scope}" for scope in others)])
        answer = await api.request(method, path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status == 403
        assert f"/profiles.{needed}" in answer.headers["WWW-Authenticate"]


async def test_users_are_not_let_in(api: Api) -> None:
    """The identity of a user, even the same one, is none of a service."""
    assert (await api.get(ALICES, headers=ALICE)).status == 401
    assert (await api.post(BATCH, json={"userIds": ["alice"]}, headers=ALICE)).status == 401
    assert (await api.get(OWN, headers=SERVICE)).status == 401


async def test_audit_events_name_client_and_user(api: Api) -> None:
    """Each call that succeeds writes an event with the client id; one that fails writes none."""
    await api.put(OWN, json={}, headers=ALICE)
    with capture_logs() as logs:
        for method, path, body in (
            ("GET", ALICES, None),
            ("POST", BATCH, {"userIds": ["alice"]}),
            ("PATCH", ALICES, {"city": "Pune"}),
            ("DELETE", ALICES, None),
            ("DELETE", ALICES, None),
        ):
            await _json(api, method, path, SERVICE, body)

    events = [entry for entry in logs if entry["event"].endswith("_by_service")]
    assert [(entry["event"], entry["client_id"], entry.get("sub")) for entry in events] == [
        ("profile_read_by_service", "billing", "alice"),
        ("profiles_read_by_service", "billing", None),
        ("profile_changed_by_service", "billing", "alice"),
        ("profile_erased_by_service", "billing", "alice"),
    ]


class _Hanging(MemoryProfileStore):
    """A store whose reads never end."""

    async def find_many(self, user_ids: Collection[str]) -> Mapping[str, Profile]:
        """Wait for ever."""
        await asyncio.Event().wait()
        return await super().find_many(user_ids)


async def test_batch_that_is_not_complete_in_time_is_503(
    start: Start, memory: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the deadline the caller is told to try again; a part is never returned."""
    monkeypatch.setattr(deadlines, "READ_SHARE", 0.001)
    api = await start(adapters=replace(memory, profile_store=_Hanging()))

    answer = await api.post(BATCH, json={"userIds": ["alice"]}, headers=SERVICE)

    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert (await answer.json())["code"] == "upstream_unavailable"


async def test_text_that_is_not_unicode_names_its_user(api: Api) -> None:
    """A profile that cannot be returned fails the batch, and the response says whose it is."""
    store = api.app[keys.PROFILE_STORE]
    await store.create("bob", {"city": "\ud800"})

    status, problem = await _json(api, "POST", BATCH, SERVICE, {"userIds": ["alice", "bob"]})

    assert (status, problem["code"]) == (502, "upstream_fault")
    assert [entry["field"] for entry in problem["errors"]] == ["userIds.1"]


async def test_field_of_services_is_read_only_for_users(loyalty: Api) -> None:
    """Users read what a service wrote; no write of theirs sets or removes it."""
    await loyalty.put(OWN, json={"city": "Mumbai"}, headers=ALICE)
    changes = {"tier": "gold", "loyalty-points": 7, "limits": {"a": 1}, "bio": "b"}

    status, changed = await _json(loyalty, "PATCH", ALICES, SERVICE, changes)

    assert status == 200
    assert await _json(loyalty, "GET", OWN, ALICE) == (200, changed)
    assert changes.items() <= changed.items()
    for method in ("POST", "PUT", "PATCH"):
        for value in ("silver", None, 5, "gold"):
            refused: dict[str, object] = {"tier": value, "limits": {}, "city": 5}
            assert await _problems(loyalty, method, OWN, ALICE, refused) == {
                "tier": "Is read only; other services write it.",
                "limits": "Is read only; other services write it.",
                "city": "Not a valid string.",
            }
    for method in ("PUT", "POST", "PATCH"):
        status, kept = await _json(loyalty, method, OWN, ALICE, {"city": method})
        assert status == 200
        assert (kept["tier"], kept["loyalty-points"], kept["limits"]) == ("gold", 7, {"a": 1})
    assert "bio" not in kept


async def test_service_removes_and_validates_its_fields(loyalty: Api) -> None:
    """A merge patch of a service reaches into objects, null removes, wrong values are named."""
    await loyalty.put(OWN, json={}, headers=ALICE)
    await _json(loyalty, "PATCH", ALICES, SERVICE, {"tier": "gold", "limits": {"a": 1, "b": 2}})

    _, changed = await _json(
        loyalty, "PATCH", ALICES, SERVICE, {"tier": None, "limits": {"a": None}}
    )
    wrong = await _problems(
        loyalty, "PATCH", ALICES, SERVICE, {"loyalty-points": "many", "tier": "", "version": 1}
    )

    assert (changed["limits"], "tier" in changed) == ({"b": 2}, False)
    assert wrong.keys() == {"loyalty-points", "tier", "version"}


async def test_documents_mark_the_fields_of_services(loyalty: Api, api: Api) -> None:
    """Users see them as readOnly and not in the example; services write them."""
    _, schema = await _json(loyalty, "GET", f"{OWN}/schema", {})
    document = json.loads(loyalty.app[keys.OPENAPI])
    parts = document["components"]["schemas"]

    assert schema["properties"]["tier"]["readOnly"]
    assert schema["properties"]["loyalty-points"]["readOnly"]
    assert "readOnly" not in schema["properties"]["city"]
    assert parts["ProfileFields"]["properties"]["tier"]["readOnly"]
    assert "readOnly" not in parts["ServiceProfileFields"]["properties"]["tier"]
    bodies = {
        path: document["paths"][path]["patch"]["requestBody"]["content"]["application/json"]
        for path in (OWN, "/v1/users/{userId}/profile")
    }
    assert bodies[OWN] == {
        "schema": {"$ref": "#/components/schemas/ProfileFields"},
        "example": {"city": "Mumbai"},
    }
    assert bodies["/v1/users/{userId}/profile"] == {
        "schema": {"$ref": "#/components/schemas/ServiceProfileFields"},
        "example": {"city": "Mumbai", "tier": "gold"},
    }
    assert "ServiceProfileFields" not in json.loads(api.app[keys.OPENAPI])["components"]["schemas"]
    assert "ServiceProfileFields" not in json.dumps(schema)
