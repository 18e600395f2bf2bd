"""What every profile store keeps to; run on the fake and on DynamoDB."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

import pytest

from service import aws
from service.config import Config
from service.domain.errors import ProfileChanged
from service.domain.profiles import JsonValue, Profile, ProfileStore
from service.domain.timestamps import utc_now
from service.storage.dynamodb import DynamoDBProfileStore
from tests.fakes.profiles import MemoryProfileStore
from tests.stage import CREDENTIALS


@pytest.fixture(params=["memory", "dynamodb"])
async def store(request: pytest.FixtureRequest, config: Config) -> AsyncIterator[ProfileStore]:
    """Open each store in turn."""
    if request.param == "memory":
        yield MemoryProfileStore()
        return
    async with aws.clients(config, CREDENTIALS) as clients:
        yield DynamoDBProfileStore(clients.dynamodb, config=config.dynamodb, clock=utc_now)


@pytest.fixture
def user_id() -> str:
    """Return a user of this test alone."""
    return str(uuid.uuid4())


async def test_unknown_user_has_no_profile(store: ProfileStore, user_id: str) -> None:
    """A user without a profile is None, not an error."""
    assert await store.find(user_id) is None
    assert await store.find_latest(user_id) is None


async def test_created_profile_is_found(store: ProfileStore, user_id: str) -> None:
    """What create returns is what both reads return, at version 1."""
    created = await store.create(user_id, {"city": "Mumbai"})

    assert await store.find(user_id) == created
    assert await store.find_latest(user_id) == created
    assert created.user_id == user_id
    assert created.version == 1
    assert created.fields == {"city": "Mumbai"}
    assert created.created_at == created.updated_at


async def test_second_creation_is_refused(store: ProfileStore, user_id: str) -> None:
    """A user has at most one profile; the first stays as it is."""
    created = await store.create(user_id, {"city": "Mumbai"})

    with pytest.raises(ProfileChanged):
        await store.create(user_id, {"city": "Pune"})

    assert await store.find_latest(user_id) == created


async def test_one_of_many_simultaneous_creations_wins(store: ProfileStore, user_id: str) -> None:
    """However many create at once, one profile comes of it, and only its creator hears so."""
    outcomes = await asyncio.gather(
        *(store.create(user_id, {"n": n}) for n in range(8)), return_exceptions=True
    )

    (winner,) = (outcome for outcome in outcomes if isinstance(outcome, Profile))
    assert await store.find_latest(user_id) == winner
    assert sum(isinstance(outcome, ProfileChanged) for outcome in outcomes) == 7


async def test_update_sets_removes_and_leaves(store: ProfileStore, user_id: str) -> None:
    """Fields in the changes are set, None removes, all others stay."""
    created = await store.create(user_id, {"city": "Mumbai", "region": "MH", "bio": "old"})

    updated = await store.update(created, {"bio": "new", "region": None, "company": "Example"})

    assert updated.fields == {"city": "Mumbai", "bio": "new", "company": "Example"}
    assert updated.version == 2
    assert updated.created_at == created.created_at
    assert updated.updated_at >= created.updated_at
    assert await store.find(user_id) == updated


async def test_stale_update_is_refused(store: ProfileStore, user_id: str) -> None:
    """An update made against an older version changes nothing."""
    created = await store.create(user_id, {"city": "Mumbai"})
    updated = await store.update(created, {"city": "Pune"})

    with pytest.raises(ProfileChanged):
        await store.update(created, {"city": "Nagpur"})

    assert await store.find_latest(user_id) == updated


async def test_update_of_a_profile_that_is_not_there_is_refused(
    store: ProfileStore, user_id: str
) -> None:
    """An update never makes a profile."""
    never = Profile(user_id, "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", 1, {})

    with pytest.raises(ProfileChanged):
        await store.update(never, {"city": "Mumbai"})

    assert await store.find_latest(user_id) is None


async def test_one_of_many_simultaneous_updates_wins(store: ProfileStore, user_id: str) -> None:
    """Of the updates made against one version, exactly one is acknowledged."""
    created = await store.create(user_id, {})

    outcomes = await asyncio.gather(
        *(store.update(created, {"n": n}) for n in range(8)), return_exceptions=True
    )

    (winner,) = (outcome for outcome in outcomes if isinstance(outcome, Profile))
    assert await store.find_latest(user_id) == winner
    assert sum(isinstance(outcome, ProfileChanged) for outcome in outcomes) == 7


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Ω \U0001f600 \x00",
        0,
        -7,
        2**53,
        1.5,
        1e-7,
        True,
        False,
        [],
        {},
        [1, "two", None, [3.25], {"four": 4}],
        {"a": {"b": [{"c": None}]}, "size": 1, "name": "reserved words of DynamoDB"},
    ],
    ids=repr,
)
async def test_value_reads_back_as_written(
    store: ProfileStore, user_id: str, value: JsonValue
) -> None:
    """Every JSON value comes back equal and of the same type."""
    await store.create(user_id, {"preferences": value})

    found = await store.find(user_id)

    assert found is not None
    # As text, because 1 == True == 1.0; sorted, because a store keeps no order of names.
    assert json.dumps(found.fields, sort_keys=True) == json.dumps(
        {"preferences": value}, sort_keys=True
    )


async def test_awkward_field_names_are_plain_names(store: ProfileStore, user_id: str) -> None:
    """Names that are reserved words, or hold dots or spaces, are plain names."""
    created = await store.create(user_id, {})

    changes: dict[str, JsonValue] = {"region": "a", "name": "b", "a.b": "c", "#d :e": "f"}
    updated = await store.update(created, changes)

    assert updated.fields == changes


async def test_users_do_not_share_profiles(store: ProfileStore, user_id: str) -> None:
    """A user's profile is no other's, though their ids begin alike."""
    created = await store.create(user_id, {"city": "Mumbai"})
    other = await store.create(user_id + "0", {"city": "Pune"})

    assert await store.find(user_id) == created
    assert await store.find(user_id + "0") == other
