"""PUT, PATCH and DELETE of the caller's profile over HTTP, with a fake store."""

from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from service.app import Adapters
from service.domain.profiles import Profile
from tests.api.conftest import ALICE, Api, Start
from tests.support.fakes.profiles import MemoryProfileStore

PATH = "/v1/user/profile"
MERGE_PATCH = {**ALICE, "Content-Type": "application/merge-patch+json"}
SEED = {
    "city": "Mumbai",
    "country": "India",
    "preferences": {"theme": "dark", "mail": {"on": True}},
}


class ForeignTimes(MemoryProfileStore):
    """A store in which another application wrote `updatedAt` in another format."""

    async def find(self, user_id: str) -> Profile | None:
        """Return the live profile, or None."""
        profile = await super().find(user_id)
        return None if profile is None else replace(profile, updated_at="yesterday")


@pytest.fixture
async def created(api: Api) -> Api:
    """Start a service with alice's profile."""
    answer = await api.post(PATH, json=SEED, headers=ALICE)
    assert answer.status == 201
    return api


async def _read(api: Api) -> dict[str, Any]:
    answer = await api.get(PATH, headers=ALICE)
    assert answer.status == 200
    body: dict[str, Any] = await answer.json()
    return body


async def test_put_creates(api: Api) -> None:
    """A PUT without a profile is 201 with Location and ETag."""
    answer = await api.put(PATH, json=SEED, headers=ALICE)

    assert (answer.status, answer.headers["Location"]) == (201, PATH)
    assert await answer.json() == await _read(api)


async def test_put_replaces_all_fields(created: Api) -> None:
    """A PUT removes all other fields and keeps `createdAt`."""
    before = await _read(created)

    answer = await created.put(PATH, json={"bio": "new"}, headers=ALICE)

    body = await answer.json()
    assert (answer.status, "Location" in answer.headers) == (200, False)
    assert body == {
        "userId": "alice",
        "createdAt": before["createdAt"],
        "updatedAt": body["updatedAt"],
        "version": 2,
        "bio": "new",
    }


async def test_same_put_writes_nothing(created: Api) -> None:
    """A repeated PUT returns the same profile at the same version."""
    answers = [
        await created.put(PATH, json={"bio": "x", "city": None}, headers=ALICE) for _ in "ab"
    ]

    assert [answer.status for answer in answers] == [200, 200]
    assert await answers[0].read() == await answers[1].read()


@pytest.mark.parametrize("headers", [MERGE_PATCH, ALICE], ids=["merge patch", "JSON"])
async def test_patch_merges_inside_a_field_too(created: Api, headers: dict[str, str]) -> None:
    """A PATCH merges objects, and null removes a member at any depth (RFC 7396)."""
    patch = {"country": None, "preferences": {"theme": None, "mail": {"daily": False}}}

    answer = await created.patch(PATH, json=patch, headers=headers)

    body = await answer.json()
    assert answer.status == 200
    assert body["preferences"] == {"mail": {"on": True, "daily": False}}
    assert (body["city"], "country" in body, body["version"]) == ("Mumbai", False, 2)
    assert body == await _read(created)


async def test_patch_of_nothing_is_a_404(api: Api) -> None:
    """A PATCH without a profile is 404."""
    answer = await api.patch(PATH, json={"city": "Pune"}, headers=MERGE_PATCH)

    assert (answer.status, (await answer.json())["code"]) == (404, "profile_not_found")


async def test_patches_cannot_add_up_to_too_much(created: Api) -> None:
    """The merged result of patches is validated like a single write."""
    half = {f"name{number}": number for number in range(1_500)}
    other = {f"other{number}": number for number in range(1_500)}
    first = await created.patch(PATH, json={"preferences": half}, headers=MERGE_PATCH)

    second = await created.patch(PATH, json={"preferences": other}, headers=MERGE_PATCH)

    assert (first.status, second.status) == (200, 422)
    assert [entry["field"] for entry in (await second.json())["errors"]] == ["preferences"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/json-patch+json", "text/json"])
async def test_patch_of_another_kind_is_refused(created: Api, media_type: str) -> None:
    """Another patch format is refused with Accept-Patch."""
    answer = await created.patch(PATH, data=b"{}", headers={**ALICE, "Content-Type": media_type})

    problem = await answer.json()
    assert (answer.status, problem["code"]) == (415, "unsupported_media_type")
    assert "application/merge-patch+json" in problem["detail"]
    assert answer.headers["Accept-Patch"] == "application/merge-patch+json, application/json"


async def test_deleted_profile_is_gone_and_can_be_made_anew(created: Api) -> None:
    """After a DELETE there is no profile, and a later POST creates a new one."""
    before = await _read(created)

    deleted = await created.delete(PATH, headers=ALICE)
    again = await created.delete(PATH, headers=ALICE)
    read = await created.get(PATH, headers=ALICE)
    fresh = await created.post(PATH, json={"bio": "new"}, headers=ALICE)

    body = await fresh.json()
    assert (deleted.status, await deleted.read()) == (204, b"")
    assert (again.status, read.status, fresh.status) == (404, 404, 201)
    assert (body["version"], "city" in body) == (1, False)
    assert body["createdAt"] >= before["createdAt"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"If-Match": '"stale"'}, 412),
        ({"If-Match": "*"}, None),
        ({"If-None-Match": "*"}, 412),
        ({"If-None-Match": '"other"'}, None),
        ({"If-Match": "no quotes"}, 400),
        ({"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 412),
        ({"If-Unmodified-Since": "Thu, 01 Jan 2970 00:00:00 GMT"}, None),
        ({"If-Unmodified-Since": "no date"}, None),
        ({"If-Match": "*", "If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, None),
    ],
    ids=str,
)
async def test_conditions_hold_for_every_write(
    created: Api, method: str, condition: dict[str, str], status: int | None
) -> None:
    """A write whose condition fails changes nothing."""
    before = await _read(created)
    body = None if method == "DELETE" else {"city": "Pune"}

    answer = await created.request(method, PATH, json=body, headers={**ALICE, **condition})

    assert answer.status == (status or (204 if method == "DELETE" else 200))
    if status is not None:
        assert await _read(created) == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_if_match_needs_a_profile(api: Api, method: str) -> None:
    """If-Match without a profile fails."""
    body = None if method == "DELETE" else {"city": "Pune"}

    answer = await api.request(method, PATH, json=body, headers={**ALICE, "If-Match": "*"})

    assert (answer.status, (await answer.json())["code"]) == (412, "precondition_failed")


async def test_last_modified_is_when_the_profile_was_written(created: Api) -> None:
    """Every response with the profile has Last-Modified."""
    read = await created.get(PATH, headers=ALICE)
    written = await created.patch(PATH, json={"city": "Pune"}, headers=ALICE)

    for answer in (read, written):
        told = parsedate_to_datetime(answer.headers["Last-Modified"])
        updated = datetime.fromisoformat((await answer.json())["updatedAt"])
        assert timedelta() <= updated - told < timedelta(seconds=1)


async def test_if_modified_since_is_not_heeded(created: Api) -> None:
    """If-Modified-Since is ignored."""
    read = await created.get(PATH, headers=ALICE)
    since = {"If-Modified-Since": read.headers["Last-Modified"]}

    answer = await created.get(PATH, headers={**ALICE, **since})

    assert answer.status == 200


async def test_time_that_another_program_wrote_need_not_be_one(
    start: Start, memory: Adapters
) -> None:
    """A profile with an invalid `updatedAt` has no Last-Modified."""
    api = await start(adapters=replace(memory, profile_store=ForeignTimes()))
    await api.post(PATH, json=SEED, headers=ALICE)

    read = await api.get(PATH, headers=ALICE)
    since = {**ALICE, "If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}
    written = await api.patch(PATH, json={"city": "Pune"}, headers=since)

    assert (read.status, "Last-Modified" in read.headers) == (200, False)
    assert written.status == 200


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (PATH, "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"),
        ("/api/auth/passkeys", "GET,HEAD,OPTIONS,POST"),
        ("/api/auth/passkeys/x", "DELETE,OPTIONS"),
        ("/health/live", "GET,HEAD,OPTIONS"),
    ],
)
async def test_options_and_405_list_the_methods_of_a_path(
    api: Api, path: str, allowed: str
) -> None:
    """Allow of OPTIONS and of a 405 are the same and correct."""
    asked = await api.options(path)
    refused = await api.request("PROPFIND", path)

    assert (asked.status, await asked.read(), asked.headers["Allow"]) == (204, b"", allowed)
    assert (refused.status, refused.headers["Allow"]) == (405, allowed)
    patches = "application/merge-patch+json, application/json" if "PATCH" in allowed else None
    assert asked.headers.get("Accept-Patch") == patches


async def test_schema_of_the_fields_is_a_document_of_its_own(api: Api) -> None:
    """The public JSON Schema accepts and refuses the same bodies as a POST."""
    answer = await api.get(f"{PATH}/schema")

    schema = await answer.json(content_type="application/schema+json")
    OAS31Validator.check_schema(schema)
    validator = OAS31Validator(schema)
    assert answer.status == 200
    assert validator.is_valid(SEED)
    assert not validator.is_valid({"unknown": "x"})
    assert not validator.is_valid({"city": 7})
    assert "components" not in schema
