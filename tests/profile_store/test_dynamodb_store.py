"""Claims, foreign items, limits and errors of the DynamoDB store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.aws.clients import Clients, open_clients
from service.config.settings import Config
from service.domain.errors import (
    Misconfigured,
    ProfileChanged,
    ProfileTooLarge,
)
from service.profile_store.attribute_values import to_attribute
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.items import Item, StoredProfile
from tests.profile_store.table import NOON, NOON_TEXT, Table, store_on
from tests.support.configs import CREDENTIALS


async def test_creation_puts_profile_and_claim(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """A creation puts two items: the profile, and the claim that sorts after it."""
    await store.create(user_id, {"city": "Mumbai"})

    profile, claim = await table.items(user_id)

    write_id = profile["writeId"]
    assert profile == {
        "userId": {"S": user_id},
        "createdAt": {"S": NOON_TEXT},
        "updatedAt": {"S": NOON_TEXT},
        "version": {"N": "1"},
        "writeId": write_id,
        "city": {"S": "Mumbai"},
    }
    assert claim == {
        "userId": {"S": user_id},
        "createdAt": {"S": "~claim"},
        "claimedFor": {"S": NOON_TEXT},
        "writeId": write_id,
    }


async def test_creation_at_another_time_is_rejected(
    clients: Clients, config: Config, table: Table, user_id: str
) -> None:
    """The claim rejects a second profile with another sort key."""
    await store_on(clients, config).create(user_id, {})

    with pytest.raises(ProfileChanged):
        await store_on(clients, config, lambda: NOON + timedelta(hours=1)).create(user_id, {})

    assert len(await table.items(user_id)) == 2


async def test_deleted_profile_is_not_found_and_can_be_created(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """A tombstone is not a profile, and a new profile has another sort key."""
    await store.create(user_id, {"city": "Mumbai"})
    await table.put(user_id, NOON_TEXT, deletedAt={"S": NOON_TEXT})
    assert await store.find(user_id) is None

    created = await store.create(user_id, {"city": "Pune"})

    assert created.created_at == "2096-02-29T12:00:00.001Z"
    assert await store.find(user_id) == created
    assert len(await table.items(user_id)) == 3


@pytest.mark.parametrize("claim", [{}, {"writeId": {"S": "foreign"}}], ids=["bare", "with an id"])
async def test_claim_without_a_profile_is_taken_over(
    store: DynamoDBProfileStore,
    table: Table,
    user_id: str,
    claim: Item,
) -> None:
    """A claim without a live profile does not block creation."""
    await table.put(user_id, "~claim", **claim)

    created = await store.create(user_id, {"city": "Mumbai"})

    assert await store.find(user_id) == created


async def test_profile_of_another_application_is_returned_and_adopted(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """An item without a version is the profile; an update adds to it and destroys nothing."""
    await table.put(user_id, "2020-05-05", city={"S": "Mumbai"}, legacy={"N": "7"})

    found = await store.find(user_id)
    assert found == StoredProfile(
        user_id, "2020-05-05", "2020-05-05", 0, {"city": "Mumbai", "legacy": 7}
    )
    updated = await store.update(found, {"city": "Pune"})

    assert updated == StoredProfile(
        user_id, "2020-05-05", NOON_TEXT, 1, {"city": "Pune", "legacy": 7}
    )
    assert await store.find_latest(user_id) == updated


@pytest.mark.parametrize(
    "version", [{"N": "0"}, {"N": "-1"}, {"N": "1.5"}, {"N": "7"}, {"S": "v2"}], ids=str
)
async def test_whatever_a_foreign_version_means_the_profile_can_be_updated(
    store: DynamoDBProfileStore,
    table: Table,
    user_id: str,
    version: dict[str, str],
) -> None:
    """A version that this service did not write counts as none."""
    await table.put(user_id, "2020", version=version)

    found = await store.find(user_id)
    assert found is not None
    assert found.version == 0
    updated = await store.update(found, {"city": "Pune"})
    with pytest.raises(ProfileChanged):
        await store.update(found, {"city": "Nagpur"})

    assert (await store.find_latest(user_id), updated.version) == (updated, 1)


async def test_profile_with_a_foreign_version_can_be_written_and_deleted(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """Where another application overwrites `version`, the write ids identify the state."""
    await store.create(user_id, {"city": "Mumbai"})
    await table.add(user_id, NOON_TEXT, "version", "v2")
    spoilt = await store.find(user_id)
    assert spoilt is not None
    assert spoilt.version == 0

    updated = await store.update(spoilt, {"city": "Pune"})
    with pytest.raises(ProfileChanged):
        await store.update(spoilt, {"city": "Nagpur"})

    assert (updated.version, updated.fields) == (1, {"city": "Pune"})
    await table.add(user_id, NOON_TEXT, "version", "v3")
    spoilt = await store.find(user_id)
    assert spoilt is not None
    await store.delete(spoilt)
    assert await store.find(user_id) is None


async def test_deleted_at_of_another_type_is_ignored(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """A `deletedAt` that is not a string does not mark an item as deleted."""
    await table.put(user_id, "2020", deletedAt={"NULL": True})

    found = await store.find(user_id)

    assert found is not None
    assert (await store.update(found, {"city": "Pune"})).version == 1


async def test_profile_over_the_item_limit_is_rejected(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """An item over 400 KB is ProfileTooLarge, not an upstream fault."""
    with pytest.raises(ProfileTooLarge):
        await store.create(user_id, {"bio": "x" * 410_000})
    await table.put(user_id, "2020", theirs={"S": "x" * 300_000})
    found = await store.find(user_id)
    assert found is not None
    with pytest.raises(ProfileTooLarge):
        await store.update(found, {"bio": "x" * 120_000})


def test_value_outside_json_is_a_defect() -> None:
    """A schema that loads a value outside JSON fails before any write."""
    with pytest.raises(TypeError, match="date"):
        to_attribute(NOON.date())  # type: ignore[arg-type]  # the very mistake


async def test_earliest_of_several_foreign_items_is_the_profile(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """Of several live items the one created first is the profile."""
    for moment in ("2021", "2020", "2022"):
        await table.put(user_id, moment, city={"S": moment})

    found = await store.find(user_id)

    assert found is not None
    assert found.fields == {"city": "2020"}


async def test_foreign_types_become_json(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """Sets become sorted lists, bytes Base64, numbers ints or floats; an odd version counts as none."""
    item: Item = {
        "version": {"S": "two"},
        "tags": {"SS": ["b", "a"]},
        "numbers": {"NS": ["10", "9.5"]},
        "blob": {"B": b"\x00\xff"},
        "blobs": {"BS": [b"b", b"a"]},
        "big": {"N": "123456789012345678901234567890"},
        "nothing": {"NULL": True},
    }
    await table.put(user_id, "2020", **item)

    found = await store.find(user_id)

    assert found is not None
    assert found.version == 0
    assert found.fields == {
        "tags": ["a", "b"],
        "numbers": [9.5, 10],
        "blob": "AP8=",
        "blobs": ["YQ==", "Yg=="],
        "big": 123456789012345678901234567890,
        "nothing": None,
    }


async def test_items_beyond_one_page_are_read(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """All pages of a query are read."""
    for number in range(5):
        dead = {"deletedAt": {"S": "x"}, "left": {"S": "x" * 300_000}}
        await table.put(user_id, f"200{number}", **dead)
    await table.put(user_id, "2020", city={"S": "Mumbai"})

    found = await store.find(user_id)

    assert found is not None
    assert found.created_at == "2020"


async def test_missing_table_is_misconfigured(operators: Config) -> None:
    """A table that is not there is the operator's business, in the check as in the call."""
    settings = replace(operators.dynamodb, user_profile_table="nowhere")
    nowhere = replace(operators, dynamodb=settings)
    async with open_clients(nowhere, CREDENTIALS) as clients:
        store = store_on(clients, nowhere)

        with pytest.raises(Misconfigured):
            await store.check()
        with pytest.raises(Misconfigured):
            await store.find("alice")


async def test_check_passes_where_the_table_is(store: DynamoDBProfileStore) -> None:
    """The check of readiness reads one key that need not exist."""
    await store.check()
