"""The erasure of a user's other partitions, with a crash before each of its writes."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import pytest

from service.aws.clients import Clients
from service.aws.dynamodb.client import DynamoDBClient, Operation
from service.aws.dynamodb.transports import botocore_transport
from service.config.settings import Config
from service.domain import profiles
from service.domain.errors import ProfileNotFound
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.partitions import ACTIVITY, CHUNK_SIZE, ERASED, HISTORY, partition_key
from tests.moto_tables import drop_items
from tests.profile_store.table import NOON, Table
from tests.support.conditions import Always
from tests_slow.profile_store.test_deletion import SECRET

WRITES = ("PutItem", "TransactWriteItems", "UpdateItem")
Erase: TypeAlias = Callable[[DynamoDBProfileStore, str], Awaitable[object]]


class Killed(Exception):
    """The process was killed before a write."""


def store_killed_before(
    write: int | None, clients: Clients, config: Config
) -> DynamoDBProfileStore:
    """Return a store whose process is killed before its write of this number, the first is 0."""
    send = botocore_transport(clients.dynamodb.aioboto3)
    sent: list[str] = []

    async def transport(operation: Operation, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- botocore's
        if operation in WRITES:
            if len(sent) == write:
                raise Killed
            sent.append(operation)
        return await send(operation, request)

    calls = UpstreamTelemetry(Metrics())
    client = DynamoDBClient(clients.dynamodb.aioboto3, transport, calls)
    return DynamoDBProfileStore(client, config=config.dynamodb, clock=lambda: NOON, calls=calls)


async def _delete(store: DynamoDBProfileStore, user_id: str) -> None:
    try:
        await profiles.delete(store, user_id, Always())
    except ProfileNotFound:
        return


async def _close(store: DynamoDBProfileStore, user_id: str) -> None:
    await store.close(user_id)


async def _all_items(table: Table, user_id: str) -> list[Mapping[str, Any]]:
    own = await table.items(user_id)
    beside = [await table.items(partition_key(user_id, kind)) for kind in ERASED]
    return [*own, *(item for items in beside for item in items)]


async def _fill(table: Table, user_id: str, number: int) -> None:
    """Put *number* items into each partition; *table* has an operator's rights."""
    sort_keys = [f"v{n}" for n in range(number)]
    for kind in ERASED:
        await table.put_all(
            partition_key(user_id, kind), sort_keys, city={"S": SECRET}, expiresAt={"N": "1"}
        )


@pytest.mark.parametrize(
    ("erase", "number", "writes"),
    [(_delete, 2, 2), (_close, 2, 2), (_delete, CHUNK_SIZE + 1, 3)],
    ids=["profile", "account", "more than a transaction takes"],
)
async def test_erasure_that_is_killed_can_be_repeated(  # noqa: PLR0913, PLR0917 -- what it is made of
    clients: Clients,
    config: Config,
    ttl: Table,
    user_id: str,
    erase: Erase,
    number: int,
    writes: int,
) -> None:
    """Killed before any of its writes, an erasure leaves the profile; repeated, it leaves no data."""
    store = store_killed_before(None, clients, config)
    for write in range(writes + 1):
        drop_items(ttl.name)  # moto copies the whole table for each transaction
        created = await store.create(f"{user_id}{write}", {"city": SECRET})
        await _fill(ttl, created.user_id, number)
        try:
            await erase(store_killed_before(write, clients, config), created.user_id)
        except Killed:
            assert await store.find_latest(created.user_id) == created
            await erase(store, created.user_id)
        else:
            assert write == writes
        left = await _all_items(ttl, created.user_id)
        assert SECRET not in str(left)
        assert len(left) == 3 + 2 * number  # with the head of the activity
        assert all("expiresAt" in item for item in left)


@pytest.mark.parametrize("erase", [_delete, _close], ids=["profile", "account"])
async def test_user_without_a_profile_is_erased_too(
    clients: Clients, config: Config, ttl: Table, user_id: str, erase: Erase
) -> None:
    """A repeated DELETE erases what a process put after the profile was deleted."""
    store = store_killed_before(None, clients, config)
    await _fill(ttl, user_id, 1)

    await erase(store, user_id)

    assert SECRET not in str(await _all_items(ttl, user_id))


async def test_erasure_of_remains_spares_a_new_profile(
    clients: Clients, config: Config, ttl: Table, user_id: str
) -> None:
    """Where a profile exists, the items of the other partitions may be its own."""
    store = store_killed_before(None, clients, config)
    await store.create(user_id, {})
    await _fill(ttl, user_id, 1)

    await store.erase_remains(user_id)

    assert str(await _all_items(ttl, user_id)).count(SECRET) == 2


async def test_item_from_the_tilde_on_is_kept(
    clients: Clients, config: Config, table: Table, user_id: str
) -> None:
    """Sort keys from `~` on are those of items without data."""
    store = store_killed_before(None, clients, config)
    activity = partition_key(user_id, ACTIVITY)
    await table.put(activity, "~head", refusedUntil={"S": "2097"})

    await store.close(user_id)

    (head,) = await table.items(activity)
    assert head["refusedUntil"] == {"S": "2097"}


async def test_items_of_another_profile_are_spared_at_the_end(
    clients: Clients, config: Config, table: Table, user_id: str
) -> None:
    """What belongs to a profile that the user has created since is not erased by a late deletion."""
    history = partition_key(user_id, HISTORY)
    store = store_killed_before(None, clients, config)
    created = await store.create(user_id, {})
    puts = functools.partial(table.put, history, city={"S": SECRET})
    send = botocore_transport(clients.dynamodb.aioboto3)

    async def transport(operation: Operation, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- botocore's
        response = await send(operation, request)
        if operation == "TransactWriteItems" and request["TransactItems"][1:]:
            await puts(sort_key="v1", profileCreatedAt={"S": created.created_at})
            await puts(sort_key="v2", profileCreatedAt={"S": "2097"})
        return response

    calls = UpstreamTelemetry(Metrics())
    client = DynamoDBClient(clients.dynamodb.aioboto3, transport, calls)
    late = DynamoDBProfileStore(client, config=config.dynamodb, clock=lambda: NOON, calls=calls)
    await late.delete(created)

    of_deleted, of_other = await table.items(history)
    assert "city" not in of_deleted
    assert "city" in of_other
