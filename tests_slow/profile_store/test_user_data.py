"""The read of all that the table holds of a user, beside the parts that the export's own test has."""

from datetime import timedelta

import pytest

from service.aws.clients import Clients
from service.config.settings import Config
from service.domain.profiles import Fields
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.own_data.user_data import DynamoDBUserData
from service.profile_store.partitions import HISTORY, partition_key
from tests.profile_store.table import NOON, Table


@pytest.fixture(name="data")
def _data(clients: Clients, config: Config) -> DynamoDBUserData:
    return DynamoDBUserData(clients.dynamodb, config=config.dynamodb, clock=lambda: NOON)


async def _history(data: DynamoDBUserData, user_id: str) -> list[Fields]:
    return [state async for page in data.history(user_id) for state in page]


async def test_what_the_service_left_of_deleted_profiles_is_no_data(
    data: DynamoDBUserData, store: DynamoDBProfileStore, user_id: str
) -> None:
    """Tombstones and the claim hold nothing of the user."""
    await store.delete(await store.create(user_id, {"city": "Mumbai"}))

    found = await data.read(user_id)

    assert (found.profile, found.other_attributes, found.other_items) == (None, {}, [])
    assert await _history(data, user_id) == []


async def test_names_of_the_service_with_other_values_are_data(
    data: DynamoDBUserData, table: Table, user_id: str
) -> None:
    """Values that other applications store under the service's names are theirs."""
    await table.put(
        user_id,
        "2096-01-01",
        version={"S": "final"},
        updatedAt={"N": "5"},
        writeId={"L": []},
        lastWrite={"S": "mine"},
        deletedAt={"BOOL": False},
        city={"S": "Mumbai"},
    )

    found = await data.read(user_id)

    assert found.profile is not None
    assert found.profile.fields == {"city": "Mumbai"}
    assert found.other_attributes == {
        "deletedAt": False,
        "lastWrite": "mine",
        "updatedAt": 5,
        "version": "final",
        "writeId": [],
    }


async def test_past_states_are_read_until_they_expire_or_are_erased(
    data: DynamoDBUserData, table: Table, user_id: str
) -> None:
    """Items under other keys are data too; tombstones and expired ones are not."""
    partition = partition_key(user_id, HISTORY)
    later = {"N": str(int((NOON + timedelta(days=1)).timestamp()))}
    past = {"N": str(int(NOON.timestamp()))}
    await table.put(partition, "v000000000000007#abcd-_12", fields={"M": {}}, expiresAt=later)
    await table.put(partition, "v8", note={"S": "theirs"})
    await table.put(partition, "v9", deletedAt={"S": "2096"}, expiresAt=later)
    await table.put(partition, "va", note={"S": "old"}, expiresAt=past)

    assert await _history(data, user_id) == [{"version": 7, "fields": {}}, {"note": "theirs"}]
