"""The items that deletion and closing leave, whenever DynamoDB deletes them."""

import asyncio
import random
from collections.abc import Iterable
from datetime import timedelta

import pytest

from service.aws.clients import Clients
from service.config.settings import Config
from service.domain import profiles
from service.domain.errors import AccountClosed, ProfileChanged, ProfileNotFound
from service.domain.profiles import CLOSURE_PERIOD
from service.profile_store import items
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.tombstones import TOMBSTONE_TTL
from service.profile_store.transactions import MAX_WRITES
from tests.profile_store.table import NOON, NOON_TEXT, Table, store_behind_proxy, store_on
from tests.support.conditions import Always
from tests.support.lossy_proxy import Hook

SECRET = "unmistakable"  # noqa: S105 -- a word to look for


async def _nothing() -> None:
    """Do nothing in between."""


def _seconds(moment: float) -> dict[str, str]:
    return {"N": str(int(moment))}


async def test_deletion_leaves_a_tombstone_and_a_claim_that_expire(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """Only keys and the service's own attributes remain, in two items with the table's TTL."""
    created = await store.create(user_id, {"city": SECRET})
    seen = await store.update(created, {"bio": SECRET})
    await table.add(user_id, NOON_TEXT, "theirs", SECRET)

    await store.delete(seen)

    tombstone, claim = await table.items(user_id)
    expires_at = _seconds((NOON + TOMBSTONE_TTL).timestamp())
    write_id = claim["writeId"]["S"]
    assert tombstone == {
        "userId": {"S": user_id},
        "createdAt": {"S": NOON_TEXT},
        "deletedAt": {"S": NOON_TEXT},
        "expiresAt": expires_at,
        "version": {"N": "3"},
        "writeId": {"S": f"{write_id} {seen.write_ids}"},
    }
    assert claim == {
        "userId": {"S": user_id},
        "createdAt": {"S": "~claim"},
        "expiresAt": expires_at,
        "writeId": {"S": write_id},
    }


async def test_creation_after_a_deletion_holds_the_claim_again(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """The claim of a live profile never expires."""
    await store.delete(await store.create(user_id, {"city": SECRET}))

    created = await store.create(user_id, {})

    claim = items.claim(await table.items(user_id))
    assert claim is not None
    assert claim["claimedFor"] == {"S": created.created_at}
    assert "expiresAt" not in claim


async def test_attribute_added_during_a_deletion_is_deleted(
    config: Config, table: Table, user_id: str
) -> None:
    """An attribute that another application adds during the deletion is deleted too."""
    async with store_behind_proxy(config) as (store, proxy):
        created = await store.create(user_id, {"city": SECRET})

        async def add() -> None:
            await table.add(user_id, created.created_at, "theirs", SECRET)

        proxy.before["TransactWriteItems"] = [add]
        await store.delete(created)

    assert SECRET not in str(await table.items(user_id))


async def test_deletion_that_was_overtaken_erases_nothing(
    config: Config, store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """A deletion is of the profile as it was seen, to the last moment."""
    async with store_behind_proxy(config) as (slow, proxy):
        created = await slow.create(user_id, {"city": "Mumbai"})

        async def update() -> None:
            await store.update(created, {"city": "Pune"})

        proxy.before["TransactWriteItems"] = [update]
        with pytest.raises(ProfileChanged):
            await slow.delete(created)

    found = await store.find_latest(user_id)
    assert found is not None
    assert found.fields == {"city": "Pune"}
    assert "expiresAt" not in str(await table.items(user_id))


@pytest.mark.parametrize(
    "number", [3, MAX_WRITES + 1], ids=["some", "more than a transaction takes"]
)
async def test_deletion_leaves_no_live_item_of_several(
    store: DynamoDBProfileStore, table: Table, user_id: str, number: int
) -> None:
    """All live items that another application left are deleted."""
    await asyncio.gather(
        *(table.put(user_id, f"{2000 + n}", city={"S": SECRET}) for n in range(number))
    )
    seen = await store.find_latest(user_id)
    assert seen is not None

    await store.delete(seen)

    left = await table.items(user_id)
    assert len(left) == number + 1
    assert items.live_items(left) == []
    assert SECRET not in str(left)


@pytest.mark.parametrize(
    "number", [1, MAX_WRITES + 1], ids=["one", "more than a transaction takes"]
)
async def test_deletion_replaces_items_that_another_application_marked(
    config: Config, table: Table, user_id: str, number: int
) -> None:
    """Items marked as deleted still hold data and are deleted; the profile goes last."""
    marked = {"city": {"S": SECRET}, "deletedAt": {"S": "long ago"}}
    for n in range(number):
        await table.put(user_id, f"{2000 + n}", **marked)
    async with store_behind_proxy(config) as (store, proxy):
        created = await store.create(user_id, {"city": SECRET})
        proxy.before["TransactWriteItems"] = [_nothing] * len(range(0, number + 1, MAX_WRITES - 1))

        async def is_there() -> None:
            assert await store.find_latest(user_id) == created

        proxy.before["TransactWriteItems"][-1:] = [is_there]
        await store.delete(created)

    left = await table.items(user_id)
    assert len(left) == number + 2
    assert SECRET not in str(left)
    assert all("expiresAt" in item for item in left)


async def test_closing_replaces_items_that_another_application_marked(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """A closing without a profile deletes the data of marked items."""
    await table.put(user_id, "2020", city={"S": SECRET}, deletedAt={"S": "long ago"})
    await store.delete(await store.create(user_id, {"city": SECRET}))
    before = await table.items(user_id)

    await store.close(user_id)

    after = await table.items(user_id)
    assert SECRET not in str(after)
    assert after[:2] == before[:2]


async def test_marked_item_that_expires_during_a_deletion_does_not_come_back(
    config: Config, table: Table, ttl: Table, user_id: str
) -> None:
    """If a marked item expires during the deletion, the deletion is retried without it."""
    await table.put(user_id, "2020", city={"S": SECRET}, deletedAt={"S": "long ago"})
    async with store_behind_proxy(config) as (store, proxy):
        created = await store.create(user_id, {"city": SECRET})

        async def purge() -> None:
            await ttl.remove(user_id, "2020")

        proxy.before["TransactWriteItems"] = [purge]
        await profiles.delete(store, user_id, Always())

    left = [item["createdAt"]["S"] for item in await table.items(user_id)]
    assert left == [created.created_at, "~claim"]


async def test_restored_item_is_read_again_before_its_deletion(
    config: Config, table: Table, user_id: str
) -> None:
    """If another application restores a marked item during the deletion, the deletion is retried."""
    await table.put(user_id, "2020", city={"S": SECRET}, deletedAt={"S": "long ago"})
    async with store_behind_proxy(config) as (store, proxy):
        created = await store.create(user_id, {"city": SECRET})

        async def revive() -> None:
            await table.put(user_id, "2020", city={"S": SECRET})

        proxy.before["TransactWriteItems"] = [revive]
        with pytest.raises(ProfileChanged):
            await store.delete(created)

    assert len(items.live_items(await table.items(user_id))) == 2


async def test_item_that_is_not_the_profile_is_not_deleted_as_it(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """Where an earlier item has turned up since, the profile is another than the one seen."""
    created = await store.create(user_id, {})
    await table.put(user_id, "2020", city={"S": "Mumbai"})

    with pytest.raises(ProfileChanged):
        await store.delete(created)

    assert len(items.live_items(await table.items(user_id))) == 2


async def test_profile_of_another_application_is_deleted(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """A foreign profile without a claim is deleted like any other."""
    await table.put(user_id, "2020", version={"S": "v1"}, city={"S": SECRET})
    seen = await store.find_latest(user_id)
    assert seen is not None

    await store.delete(seen)

    assert await store.find_latest(user_id) is None
    tombstone, _ = await table.items(user_id)
    assert tombstone["version"] == {"N": "1"}
    assert SECRET not in str(tombstone)


async def _purge(table: Table, user_id: str, kinds: Iterable[str]) -> None:
    """Do as DynamoDB does at a time of its own: remove items of a user that carry the TTL."""
    for item in await table.items(user_id):
        kind = "claim" if items.is_claim(item) else "tombstone"
        if "expiresAt" in item and kind in kinds:
            await table.remove(user_id, item["createdAt"]["S"])


SUBSETS = [(), ("claim",), ("tombstone",), ("claim", "tombstone")]


@pytest.mark.parametrize("first", SUBSETS, ids=str)
@pytest.mark.parametrize("second", SUBSETS, ids=str)
async def test_purging_at_any_moment_is_harmless(
    store: DynamoDBProfileStore,
    ttl: Table,
    user_id: str,
    first: tuple[str, ...],
    second: tuple[str, ...],
) -> None:
    """Whatever DynamoDB has purged by then, reads and writes go as if it had not, or had all."""
    old = await store.create(user_id, {"city": SECRET})
    await store.delete(old)
    await _purge(ttl, user_id, first)
    assert await store.find_latest(user_id) is None
    with pytest.raises(ProfileChanged):
        await store.update(old, {"city": "late"})
    with pytest.raises(ProfileChanged):
        await store.delete(old)
    await _purge(ttl, user_id, second)

    fresh = await store.create(user_id, {"city": "Pune"})
    await _purge(ttl, user_id, SUBSETS[3])
    with pytest.raises(ProfileChanged):
        await store.create(user_id, {"city": "late"})
    updated = await store.update(fresh, {"bio": "new"})

    assert (fresh.version, fresh.fields) == (1, {"city": "Pune"})
    assert await store.find_latest(user_id) == updated
    await store.delete(updated)
    await _purge(ttl, user_id, first)
    await store.close(user_id)
    await _purge(ttl, user_id, ("tombstone",))
    with pytest.raises(AccountClosed):
        await store.create(user_id, {})
    await _purge(ttl, user_id, SUBSETS[3])  # the mark's time has come too
    assert (await store.create(user_id, {})).version == 1


@pytest.mark.parametrize("kinds", SUBSETS, ids=str)
@pytest.mark.parametrize("moment", [0, 1], ids=["before the first try", "before the second"])
async def test_expiry_during_a_creation_is_harmless(
    config: Config, ttl: Table, user_id: str, kinds: tuple[str, ...], moment: int
) -> None:
    """A creation succeeds although the items that it read expire meanwhile."""

    async def purge() -> None:
        await _purge(ttl, user_id, kinds)

    async with store_behind_proxy(config) as (store, proxy):
        await store.delete(await store.create(user_id, {"city": SECRET}))
        deeds: list[Hook] = [purge, _nothing] if moment == 0 else [_nothing, purge]
        proxy.before["TransactWriteItems"] = deeds

        created = await store.create(user_id, {"city": "Pune"})

        assert await store.find_latest(user_id) == created
    assert len(items.live_items(await ttl.items(user_id))) == 1


@pytest.mark.parametrize("kinds", SUBSETS, ids=str)
async def test_expiry_during_a_deletion_is_harmless(
    config: Config, ttl: Table, user_id: str, kinds: tuple[str, ...]
) -> None:
    """A deletion succeeds whether or not an earlier tombstone expires meanwhile."""

    async def purge() -> None:
        await _purge(ttl, user_id, kinds)

    async with store_behind_proxy(config) as (store, proxy):
        await store.delete(await store.create(user_id, {"city": SECRET}))
        await ttl.put(user_id, "2020", city={"S": SECRET})  # without a claim that lasts
        proxy.before["TransactWriteItems"] = [purge]

        await profiles.delete(store, user_id, Always())

        assert await store.find_latest(user_id) is None
    assert SECRET not in str(await ttl.items(user_id))


async def test_late_creation_does_not_stand_beside_another(
    config: Config, store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """A creation that read the released claim fails where another took it, or gave it back, since."""
    async with store_behind_proxy(config) as (slow, proxy):
        await slow.delete(await slow.create(user_id, {}))

        async def overtake() -> None:
            await store.create(user_id, {"city": "Pune"})

        proxy.before["TransactWriteItems"] = [_nothing, overtake]
        with pytest.raises(ProfileChanged):
            await slow.create(user_id, {"city": "late"})

    (live,) = items.live_items(await table.items(user_id))
    assert live["city"] == {"S": "Pune"}


async def test_closing_blocks_the_claim(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """The claim has `closedAt` and the TTL; no data of the profile remains."""
    await store.create(user_id, {"city": SECRET})

    await store.close(user_id)

    tombstone, claim = await table.items(user_id)
    assert SECRET not in str(tombstone)
    assert claim == {
        "userId": {"S": user_id},
        "createdAt": {"S": "~claim"},
        "closedAt": {"S": NOON_TEXT},
        "expiresAt": _seconds((NOON + CLOSURE_PERIOD).timestamp()),
        "writeId": claim["writeId"],
    }


async def test_deletion_keeps_a_claim_blocked(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """Deleting a foreign item of a closed account keeps the claim blocked."""
    await store.close(user_id)
    (mark,) = await table.items(user_id)
    await table.put(user_id, "2020", city={"S": SECRET})

    await profiles.delete(store, user_id, Always())

    _, left = await table.items(user_id)
    assert {**left, "writeId": None} == {**mark, "writeId": None}
    with pytest.raises(AccountClosed):
        await store.create(user_id, {})


async def test_expired_block_is_ignored(
    clients: Clients, config: Config, table: Table, user_id: str
) -> None:
    """A block ends by its own time, as DynamoDB deletes expired items late."""
    await store_on(clients, config).close(user_id)
    later = store_on(clients, config, lambda: NOON + CLOSURE_PERIOD)
    await table.put(user_id, "2020", city={"S": SECRET})

    await profiles.delete(later, user_id, Always())
    created = await later.create(user_id, {"city": "Pune"})

    assert await later.find_latest(user_id) == created
    assert "closedAt" not in str(await table.items(user_id))


async def test_creation_that_is_overtaken_by_a_closing_fails(
    config: Config, store: DynamoDBProfileStore, user_id: str
) -> None:
    """A creation under way does not get past a closing, whatever it has read before."""
    async with store_behind_proxy(config) as (slow, proxy):
        await slow.delete(await slow.create(user_id, {}))

        async def close() -> None:
            await store.close(user_id)

        proxy.before["TransactWriteItems"] = [close]
        with pytest.raises(AccountClosed):
            await profiles.create_or_merge(slow, user_id, {"city": "late"}, Always())

    assert await store.find_latest(user_id) is None


async def test_overtaken_closing_is_retried(
    clients: Clients, config: Config, table: Table, user_id: str
) -> None:
    """A concurrent creation or update is deleted by the retried closing."""
    store = store_on(clients, config)
    async with store_behind_proxy(config) as (slow, proxy):

        async def create() -> None:
            await store.create(user_id, {"city": SECRET})

        async def update() -> None:
            await profiles.create_or_merge(store, user_id, {"bio": SECRET}, Always())

        proxy.before["TransactWriteItems"] = [create, update]
        await slow.close(user_id)

        assert proxy.seen.count("TransactWriteItems") == 3
    assert await store.find_latest(user_id) is None
    assert SECRET not in str(await table.items(user_id))


@pytest.mark.parametrize("seed", range(3))
async def test_concurrent_writers_leave_at_most_one_live_item(
    clients: Clients, config: Config, table: Table, user_id: str, seed: int
) -> None:
    """Concurrent writes with differing clocks leave at most one live item."""
    rng = random.Random(seed)  # noqa: S311 -- a race to be replayed
    clocks = [timedelta(), timedelta(seconds=2), timedelta(seconds=-2)]
    stores = [
        store_on(clients, config, lambda ahead=ahead: NOON + ahead)  # type: ignore[misc]  # bound early
        for ahead in clocks
    ]

    async def write(number: int) -> None:
        store = stores[number % 3]
        if rng.random() < 0.4:
            try:
                await profiles.delete(store, user_id, Always())
            except ProfileNotFound:
                return
        else:
            await profiles.create_or_merge(store, user_id, {"n": number}, Always())

    await asyncio.gather(*map(write, range(24)))

    left = await table.items(user_id)
    assert len(items.live_items(left)) <= 1
    await stores[0].close(user_id)
    assert items.live_items(await table.items(user_id)) == []
