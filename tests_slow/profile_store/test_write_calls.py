"""The calls of writes: what a write has read is not read again, and may be outdated."""

import asyncio
from dataclasses import replace

import pytest

from service.config.settings import Config
from service.domain import profiles
from service.domain.errors import AccountClosed, PreconditionFailed
from service.domain.profiles import CLOSURE_PERIOD, Profile
from service.profile_store import items
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.partitions import CHUNK_SIZE, HISTORY, partition_key
from service.profile_store.transactions import MAX_WRITES
from tests.profile_store.table import NOON_TEXT, SetClock, Table, store_behind_proxy
from tests.support.conditions import Always
from tests_slow.profile_store.test_deletion import SECRET

CREATION = ["Query", "TransactWriteItems"]
# The head of the activity, the two other partitions, the profile, and the partitions again.
DELETION = ["Query", "UpdateItem", "Query", "Query", "TransactWriteItems", "Query", "Query"]


class Exactly:
    """A condition that allows the write of one state of the profile."""

    def __init__(self, allowed: Profile) -> None:
        self._allowed = allowed

    def allows(self, profile: Profile | None) -> bool:
        """Return whether the profile is in that state."""
        return profile == self._allowed


async def _save(store: DynamoDBProfileStore, user_id: str, city: str = "Mumbai") -> Profile:
    saved = await profiles.create_or_merge(store, user_id, {"city": city}, Always())
    return saved.profile


async def _delete(store: DynamoDBProfileStore, user_id: str) -> None:
    await profiles.delete(store, user_id, Always())


async def test_profile_is_read_once_for_each_write(config: Config, user_id: str) -> None:
    """Creating, deleting and creating again take one Query of the profile each."""
    async with store_behind_proxy(config) as (store, proxy):
        await _save(store, user_id)
        await _delete(store, user_id)
        await _save(store, user_id)

    assert proxy.seen == CREATION + DELETION + CREATION


@pytest.mark.parametrize(("consistent", "read"), [(True, "GetItem"), (False, "Query")])
async def test_update_reads_a_known_profile_by_its_key(
    config: Config, user_id: str, read: str, *, consistent: bool
) -> None:
    """Reads by key have the configured consistency, so if that is weak a Query replaces them."""
    config = replace(config, dynamodb=replace(config.dynamodb, consistent_read=consistent))
    async with store_behind_proxy(config) as (store, proxy):
        await _save(store, user_id)
        proxy.seen.clear()
        await _save(store, user_id, "Pune")
        patched = await profiles.patch(store, user_id, {"city": "Goa"}, Always())

    assert proxy.seen == [read, "UpdateItem"] * 2
    assert (patched.profile.version, patched.profile.fields) == (3, {"city": "Goa"})


async def test_updates_of_several_users_share_a_read(config: Config, user_id: str) -> None:
    """The reads before updates are in the calls of other reads."""
    users = [f"{user_id}-{number}" for number in range(4)]
    async with store_behind_proxy(config) as (store, proxy):
        for user in users:
            await _save(store, user)
        proxy.seen.clear()
        saved = await asyncio.gather(*(_save(store, user, f"of {user}") for user in users))

    assert sorted(proxy.seen) == ["BatchGetItem"] + ["UpdateItem"] * 4
    assert [each.fields for each in saved] == [{"city": f"of {user}"} for user in users]


async def test_update_of_a_profile_that_was_created_again(
    config: Config, store: DynamoDBProfileStore, user_id: str
) -> None:
    """A cached sort key at which no profile is live any more leads to a Query."""
    async with store_behind_proxy(config) as (remembering, proxy):
        await store.delete(await _save(remembering, user_id))
        fresh = await store.create(user_id, {"bio": "new"})
        proxy.seen.clear()
        saved = await _save(remembering, user_id)

    assert proxy.seen == ["GetItem", "Query", "UpdateItem"]
    assert (saved.created_at, saved.version) == (fresh.created_at, 2)


async def test_earlier_item_of_another_application_is_found_by_the_deletion(
    config: Config, table: Table, user_id: str
) -> None:
    """Until then the cached profile is updated as it is read; then no data of the user remains."""
    async with store_behind_proxy(config) as (store, _):
        created = await _save(store, user_id)
        await table.put(user_id, "2001", city={"S": "Pune"})

        saved = await _save(store, user_id, "Goa")
        assert saved == await store.find(user_id)
        assert saved.created_at == created.created_at

        await _delete(store, user_id)
        assert items.live_items(await table.items(user_id)) == []


async def test_creation_after_a_closing(config: Config, table: Table, user_id: str) -> None:
    """A blocked claim is seen by the Query alone, and one whose block has ended is taken over."""
    clock = SetClock()
    async with store_behind_proxy(config, clock) as (store, proxy):
        await store.close(user_id)
        proxy.seen.clear()
        with pytest.raises(AccountClosed):
            await _save(store, user_id)
        assert proxy.seen == ["Query"]

        clock.ahead = CLOSURE_PERIOD
        await table.add(user_id, items.CLAIM_SORT_KEY, "theirs", "kept")
        proxy.seen.clear()
        await _save(store, user_id)
        assert proxy.seen == CREATION

    claim = items.claim(await table.items(user_id))
    assert claim is not None
    assert claim["theirs"] == {"S": "kept"}
    assert not claim.keys() & {"closedAt", "expiresAt"}


@pytest.mark.parametrize("released", [False, True], ids=["no claim", "a released claim"])
async def test_creation_that_another_one_precedes(
    config: Config, store: DynamoDBProfileStore, table: Table, user_id: str, *, released: bool
) -> None:
    """The claim is no longer the one that was read: the write begins again and merges."""
    if released:
        await store.delete(await store.create(user_id, {}))

    async def create() -> None:
        await store.create(user_id, {"bio": "first"})

    async with store_behind_proxy(config) as (late, proxy):
        proxy.before["TransactWriteItems"] = [create]
        saved = await _save(late, user_id)

    assert (saved.version, saved.fields) == (2, {"bio": "first", "city": "Mumbai"})
    assert proxy.seen == [*CREATION, "Query", "GetItem", "UpdateItem"]
    assert len(items.live_items(await table.items(user_id))) == 1


@pytest.mark.parametrize("released", [False, True], ids=["no claim", "a released claim"])
async def test_creation_over_which_a_profile_came_and_went(
    config: Config, store: DynamoDBProfileStore, table: Table, user_id: str, *, released: bool
) -> None:
    """A released claim is another one than that which was read, so the first attempt is refused."""
    if released:
        await store.delete(await store.create(user_id, {}))

    async def come_and_go() -> None:
        await store.delete(await store.create(user_id, {"bio": "first"}))

    async with store_behind_proxy(config) as (late, proxy):
        proxy.before["TransactWriteItems"] = [come_and_go]
        saved = await _save(late, user_id)

    assert (saved.version, saved.fields) == (1, {"city": "Mumbai"})
    assert proxy.seen == [*CREATION, *CREATION]
    assert items.live_profile(await table.items(user_id)) == saved


async def test_lost_creation_that_was_deleted_since_brings_nothing_back(
    config: Config, store: DynamoDBProfileStore, user_id: str
) -> None:
    """A repeated creation beside the claim that it saw does not recreate a profile deleted since."""
    await store.delete(await store.create(user_id, {}))

    async with store_behind_proxy(config) as (slow, proxy):
        proxy.losing["TransactWriteItems"] = 1
        proxy.after["TransactWriteItems"] = [lambda: _delete(store, user_id)]
        saved = await _save(slow, user_id)

    assert (saved.version, saved.fields) == (1, {"city": "Mumbai"})
    assert await store.find_latest(user_id) is None


async def test_creation_whose_claim_has_expired(
    config: Config, store: DynamoDBProfileStore, ttl: Table, user_id: str
) -> None:
    """A claim that DynamoDB has deleted since it was read blocks nothing."""
    await store.delete(await store.create(user_id, {}))

    async def expire() -> None:
        for sort_key in (items.CLAIM_SORT_KEY, NOON_TEXT):
            await ttl.remove(user_id, sort_key)

    async with store_behind_proxy(config) as (late, proxy):
        proxy.before["TransactWriteItems"] = [expire]
        saved = await _save(late, user_id)

    assert proxy.seen == CREATION
    assert await store.find_latest(user_id) == saved
    claim = items.claim(await ttl.items(user_id))
    assert claim is not None
    assert items.claimed_for(claim) == saved.created_at


@pytest.mark.parametrize("after", ["updated", "created again"])
@pytest.mark.parametrize("operation", ["UpdateItem", "TransactWriteItems"])
async def test_deletion_that_another_write_precedes(
    config: Config, store: DynamoDBProfileStore, user_id: str, after: str, operation: str
) -> None:
    """Nothing is deleted by what was read before the other write, whenever that came."""
    seen = await store.create(user_id, {"city": "Mumbai"})

    async def change() -> None:
        if after == "updated":
            await store.update(seen, {"city": "Pune"})
        else:
            await store.delete(seen)
            await store.create(user_id, {"city": "Pune"})

    async with store_behind_proxy(config) as (late, proxy):
        proxy.before[operation] = [change]
        with pytest.raises(PreconditionFailed):
            await profiles.delete(late, user_id, Exactly(seen))
    found = await store.find_latest(user_id)
    assert found is not None
    assert found.fields == {"city": "Pune"}

    async with store_behind_proxy(config) as (late, proxy):
        proxy.before[operation] = [lambda: _save(store, user_id, "Goa")]
        await _delete(late, user_id)
    assert await store.find_latest(user_id) is None


@pytest.mark.parametrize("number", [CHUNK_SIZE - 2, MAX_WRITES], ids=["one", "several"])
async def test_deletion_by_several_transactions_reads_the_profile_again(
    config: Config, store: DynamoDBProfileStore, table: Table, user_id: str, number: int
) -> None:
    """The history of a profile that was created after the first read is not erased with the old one."""
    seen = await store.create(user_id, {})
    history = partition_key(user_id, HISTORY)

    async def create_again() -> None:
        await store.delete(seen)
        fresh = await store.create(user_id, {})
        data = {"profileCreatedAt": {"S": fresh.created_at}, "city": {"S": SECRET}}
        past = [{**items.key(history, f"v{n:03}"), **data} for n in range(number)]
        await table.client.transact_write_items(
            TransactItems=[{"Put": {"TableName": table.name, "Item": item}} for item in past]
        )

    async with store_behind_proxy(config) as (late, proxy):
        proxy.before["UpdateItem"] = [create_again]
        with pytest.raises(PreconditionFailed):
            await profiles.delete(late, user_id, Exactly(seen))

    assert str(await table.items(history)).count(SECRET) == number
    attempts = proxy.seen[: proxy.seen.index("UpdateItem") + 4]
    is_one = number + 2 <= CHUNK_SIZE
    assert attempts[-1] == ("TransactWriteItems" if is_one else "Query")
