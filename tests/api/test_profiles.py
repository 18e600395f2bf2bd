"""The caller's profile over HTTP, with a fake store."""

import asyncio
from dataclasses import replace

import pytest

from service.app import Adapters
from service.domain.profiles import Profile
from tests.api.conftest import ALICE, Api, Start
from tests.support.fakes.profiles import MemoryProfileStore

PATH = "/v1/user/profile"
BOB = {"x-amzn-oidc-identity": "bob"}


async def test_user_without_a_profile_gets_a_404(api: Api) -> None:
    """A GET without a profile is 404."""
    answer = await api.get(PATH, headers=ALICE)

    assert (answer.status, (await answer.json())["code"]) == (404, "profile_not_found")


async def test_first_post_creates(api: Api) -> None:
    """The first POST is 201 with the profile, Location and ETag; a GET returns the same."""
    created = await api.post(PATH, json={"city": "Mumbai", "country": "India"}, headers=ALICE)
    read = await api.get(PATH, headers=ALICE)

    body = await created.json()
    assert created.status == 201
    assert created.headers["Location"] == PATH
    assert body == {
        "userId": "alice",
        "createdAt": body["createdAt"],
        "updatedAt": body["createdAt"],
        "version": 1,
        "city": "Mumbai",
        "country": "India",
    }
    assert (read.status, await read.read()) == (200, await created.read())
    assert read.headers["ETag"] == created.headers["ETag"]
    assert read.headers["Cache-Control"] == "private, no-cache, no-transform"


async def test_later_post_merges(api: Api) -> None:
    """A later POST sets its fields, removes those that are null, and keeps the others."""
    created = await api.post(PATH, json={"city": "Mumbai", "bio": "old"}, headers=ALICE)

    merged = await api.post(PATH, json={"city": None, "company": "Example"}, headers=ALICE)

    body = await merged.json()
    assert merged.status == 200
    assert (body.get("city"), body["bio"], body["company"], body["version"]) == (
        None,
        "old",
        "Example",
        2,
    )
    assert "city" not in body
    assert "Location" not in merged.headers
    assert merged.headers["ETag"] != created.headers["ETag"]


async def test_post_that_changes_nothing_writes_nothing(api: Api) -> None:
    """A repeated POST returns the same profile at the same version."""
    body = {
        "city": "Mumbai",
        "bio": None,
        "preferences": {"theme": "dark", "list": [{"b": 1, "a": [2]}]},
    }
    created = await api.post(PATH, json=body, headers=ALICE)

    repeated = await api.post(PATH, json=body, headers=ALICE)

    assert (created.status, repeated.status) == (201, 200)
    assert await repeated.read() == await created.read()


async def test_empty_post_creates_an_empty_profile(api: Api) -> None:
    """Every field is optional."""
    answer = await api.post(PATH, json={}, headers=ALICE)

    assert set(await answer.json()) == {"userId", "createdAt", "updatedAt", "version"}


async def test_profiles_belong_to_their_users(api: Api) -> None:
    """Users have separate profiles."""
    await api.post(PATH, json={"city": "Mumbai"}, headers=ALICE)

    assert (await api.get(PATH, headers=BOB)).status == 404


async def test_head_has_the_tag_and_no_body(api: Api) -> None:
    """HEAD returns the headers of GET."""
    created = await api.post(PATH, json={"city": "Mumbai"}, headers=ALICE)

    answer = await api.head(PATH, headers=ALICE)

    assert (answer.status, await answer.read()) == (200, b"")
    assert answer.headers["ETag"] == created.headers["ETag"]


async def test_known_tag_is_not_modified(api: Api) -> None:
    """If-None-Match with the current entity tag is 304; after a write it is the profile."""
    created = await api.post(PATH, json={"city": "Mumbai"}, headers=ALICE)
    known = {**ALICE, "If-None-Match": f'"other", W/{created.headers["ETag"]}'}

    unchanged = await api.get(PATH, headers=known)
    await api.post(PATH, json={"city": "Pune"}, headers=ALICE)
    changed = await api.get(PATH, headers=known)

    assert (unchanged.status, await unchanged.read()) == (304, b"")
    assert unchanged.headers["ETag"] == created.headers["ETag"]
    assert unchanged.headers["Cache-Control"] == "private, no-cache, no-transform"
    assert changed.status == 200


@pytest.mark.parametrize("mark", ['W/"{}"', '"{}-gzip"', '"{}-br"', '"{}--gzip"', 'W/"{};gzip"'])
async def test_tag_that_a_proxy_has_changed_is_valid_once(api: Api, mark: str) -> None:
    """A tag as a compressing proxy has changed it admits one write; the next with it is 412."""
    created = await api.post(PATH, json={"city": "Mumbai"}, headers=ALICE)
    changed = mark.format(created.headers["ETag"].strip('"'))
    conditional = {**ALICE, "If-Match": f'"other", {changed}'}

    unchanged = await api.get(PATH, headers={**ALICE, "If-None-Match": changed})
    first = await api.patch(PATH, json={"city": "Pune"}, headers=conditional)
    second = await api.patch(PATH, json={"city": "Delhi"}, headers=conditional)
    read = await api.get(PATH, headers={**ALICE, "If-None-Match": changed})

    assert [unchanged.status, first.status, second.status] == [304, 200, 412]
    assert (read.status, (await read.json())["city"]) == (200, "Pune")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"If-Match": '"stale"'}, 412),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"stale"', "If-None-Match": "*"}, 412),
        ({"If-Match": "*", "If-None-Match": "*"}, 304),
        ({"If-Match": "no quotes"}, 400),
        ({"If-None-Match": "no quotes"}, 400),
        ({"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 412),
        ({"If-Unmodified-Since": "Thu, 01 Jan 2970 00:00:00 GMT"}, 200),
    ],
    ids=str,
)
async def test_conditions_hold_for_reading(
    api: Api, method: str, condition: dict[str, str], status: int
) -> None:
    """A GET checks If-Match before If-None-Match."""
    await api.post(PATH, json={"city": "Mumbai"}, headers=ALICE)

    answer = await api.request(method, PATH, headers={**ALICE, **condition})

    assert answer.status == status


async def test_current_tag_lets_a_write_through_and_a_stale_one_does_not(api: Api) -> None:
    """If-Match writes only to the state with that entity tag."""
    tag = (await api.post(PATH, json={"city": "Mumbai"}, headers=ALICE)).headers["ETag"]
    conditional = {**ALICE, "If-Match": tag}

    first = await api.post(PATH, json={"city": "Pune"}, headers=conditional)
    second = await api.post(PATH, json={"city": "Nagpur"}, headers=conditional)

    assert (first.status, second.status) == (200, 412)
    assert (await second.json())["code"] == "precondition_failed"
    assert (await (await api.get(PATH, headers=ALICE)).json())["city"] == "Pune"


async def test_create_only_is_refused_where_there_is_a_profile(api: Api) -> None:
    """If-None-Match: * creates and never merges."""
    create_only = {**ALICE, "If-None-Match": "*"}

    first = await api.post(PATH, json={"city": "Mumbai"}, headers=create_only)
    second = await api.post(PATH, json={"city": "Pune"}, headers=create_only)

    assert (first.status, second.status) == (201, 412)


async def test_write_on_a_state_that_never_was_is_refused(api: Api) -> None:
    """If-Match creates nothing."""
    answer = await api.post(PATH, json={}, headers={**ALICE, "If-Match": "*"})

    assert answer.status == 412
    assert (await api.get(PATH, headers=ALICE)).status == 404


async def test_malformed_condition_is_refused(api: Api) -> None:
    """A malformed condition is refused."""
    answer = await api.post(PATH, json={}, headers={**ALICE, "If-Match": "now"})

    assert (answer.status, (await answer.json())["code"]) == (400, "malformed_request")


async def test_simultaneous_posts_lose_nothing(api: Api) -> None:
    """Concurrent writes of different fields have no conflicts and are all stored."""
    fields = [
        "givenName",
        "familyName",
        "nickname",
        "bio",
        "company",
        "city",
        "region",
        "postalCode",
    ]

    answers = await asyncio.gather(
        *(api.post(PATH, json={field: field}, headers=ALICE) for field in fields)
    )

    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
    profile = await (await api.get(PATH, headers=ALICE)).json()
    assert {field: profile[field] for field in fields} == {field: field for field in fields}


class PreparedStore(MemoryProfileStore):
    """A store with a profile of another application."""

    async def find(self, user_id: str) -> Profile | None:
        """Return the profile of the other application."""
        return Profile(
            user_id,
            "2020-01-01T00:00:00Z",
            "2020-01-01T00:00:00Z",
            0,
            {"city": "Mumbai", "bio": None, "passwordHash": "SECRET", "preferences": {"n": 10**30}},
        )


async def test_attributes_outside_the_schema_are_never_shown(
    start: Start, memory: Adapters
) -> None:
    """Undeclared attributes of another application are not in responses."""
    api = await start(adapters=replace(memory, profile_store=PreparedStore()))

    answer = await api.get(PATH, headers=ALICE)

    assert answer.status == 200
    assert await answer.json() == {
        "userId": "alice",
        "createdAt": "2020-01-01T00:00:00Z",
        "updatedAt": "2020-01-01T00:00:00Z",
        "version": 0,
        "city": "Mumbai",
        "preferences": {"n": 10**30},
    }


@pytest.mark.parametrize("name", ["userId", "createdAt", "updatedAt", "version"])
async def test_field_of_the_service_is_refused_by_name(api: Api, name: str) -> None:
    """System fields are refused, and other invalid fields are named too."""
    answer = await api.post(PATH, json={name: "x", "city": 7, "admin": True}, headers=ALICE)

    assert answer.status == 422
    assert {entry["field"]: entry["message"] for entry in (await answer.json())["errors"]} == {
        name: "Is set by the service; leave it out.",
        "city": "Not a valid string.",
        "admin": "Unknown field; /openapi.json lists the fields.",
    }
