"""Writes of which the reply was lost: answered truthfully, and never applied twice."""

from datetime import timedelta

import pytest

from service.aws.clients import Clients
from service.aws.retries import MAX_LOST_RESPONSES
from service.config.settings import Config
from service.domain import profiles
from service.domain.errors import AccountClosed, ProfileChanged, UpstreamUnavailable
from service.domain.profiles import Fields, ProfileStore
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.write_ids import MAX_IDS_IDLE
from tests.profile_store.table import NOON, Table, store_behind_proxy, store_on
from tests.support.conditions import Always
from tests.support.lossy_proxy import Hook

pytestmark = pytest.mark.usefixtures("short_pauses")


def _merging(store: ProfileStore, user_id: str, changes: Fields) -> Hook:
    """Return a concurrent write that merges *changes*."""

    async def deed() -> None:
        await profiles.create_or_merge(store, user_id, changes, Always())

    return deed


def _deleting(store: ProfileStore, user_id: str) -> Hook:
    """Return a concurrent deletion of the profile."""

    async def deed() -> None:
        await profiles.delete(store, user_id, Always())

    return deed


async def test_creation_whose_reply_was_lost_succeeds(config: Config, user_id: str) -> None:
    """A transaction that is repeated because its reply was lost is one creation."""
    async with store_behind_proxy(config) as (store, proxy):
        proxy.losing["TransactWriteItems"] = 1

        created = await store.create(user_id, {"city": "Mumbai"})

        assert proxy.losing["TransactWriteItems"] == 0
        assert await store.find_latest(user_id) == created
        assert created.version == 1


async def test_update_whose_reply_was_lost_succeeds_once(config: Config, user_id: str) -> None:
    """An update that is repeated because its reply was lost is one update, no conflict with itself."""
    async with store_behind_proxy(config) as (store, proxy):
        created = await store.create(user_id, {"city": "Mumbai"})
        proxy.losing["UpdateItem"] = 2

        updated = await store.update(created, {"city": "Pune"})

        assert proxy.seen.count("UpdateItem") == 3
        assert updated.version == 2
        assert await store.find_latest(user_id) == updated


@pytest.mark.parametrize("operation", ["TransactWriteItems", "Query"])
async def test_lost_replies_in_a_row_go_unnoticed(
    operation: str, config: Config, user_id: str
) -> None:
    """Lost replies are retried until one arrives."""
    async with store_behind_proxy(config) as (store, proxy):
        proxy.losing[operation] = MAX_LOST_RESPONSES - 1

        created = await store.create(user_id, {"city": "Mumbai"})

        assert await store.find_latest(user_id) == created
        assert proxy.losing[operation] == 0


async def test_upstream_that_loses_every_reply_is_unavailable(config: Config, user_id: str) -> None:
    """After the last attempt the caller gets UpstreamUnavailable."""
    async with store_behind_proxy(config) as (store, proxy):
        proxy.losing["Query"] = MAX_LOST_RESPONSES

        with pytest.raises(UpstreamUnavailable):
            await store.find(user_id)

        assert proxy.seen == ["Query"] * MAX_LOST_RESPONSES


async def test_update_under_anothers_update_recognises_itself(
    config: Config, user_id: str, store: DynamoDBProfileStore
) -> None:
    """A repeated update finds its write id behind a later one and returns the current profile."""
    async with store_behind_proxy(config) as (slow, proxy):
        created = await slow.create(user_id, {"city": "Mumbai"})
        proxy.losing["UpdateItem"] = 1
        proxy.after["UpdateItem"] = [_merging(store, user_id, {"city": "Nagpur"})]

        updated = await slow.update(created, {"city": "Pune"})

    assert (updated.version, updated.fields) == (3, {"city": "Nagpur"})
    assert await store.find_latest(user_id) == updated


async def test_lost_merge_does_not_undo_the_merge_that_followed_it(
    config: Config, user_id: str, store: DynamoDBProfileStore
) -> None:
    """A merge is applied once: a later write of another process stays."""
    async with store_behind_proxy(config) as (slow, proxy):
        await slow.create(user_id, {"city": "Mumbai"})
        proxy.losing["UpdateItem"] = 1
        proxy.after["UpdateItem"] = [_merging(store, user_id, {"city": "Nagpur"})]

        await profiles.create_or_merge(slow, user_id, {"city": "Pune"}, Always())

    found = await store.find_latest(user_id)
    assert found is not None
    assert (found.version, found.fields) == (3, {"city": "Nagpur"})


async def test_creation_under_anothers_update_recognises_itself(
    config: Config, user_id: str, store: DynamoDBProfileStore
) -> None:
    """A repeated creation succeeds although its profile was updated since."""
    async with store_behind_proxy(config) as (slow, proxy):
        proxy.losing["TransactWriteItems"] = 1
        proxy.after["TransactWriteItems"] = [_merging(store, user_id, {"bio": "new"})]

        created = await slow.create(user_id, {"city": "Mumbai"})

    found = await store.find_latest(user_id)
    assert found is not None
    assert (created.created_at, created.fields["city"]) == (found.created_at, "Mumbai")


async def test_lost_merge_that_was_deleted_since_brings_nothing_back(
    config: Config, user_id: str, store: DynamoDBProfileStore
) -> None:
    """A repeated merge does not recreate a profile that was deleted since."""
    async with store_behind_proxy(config) as (slow, proxy):
        await slow.create(user_id, {"city": "Mumbai"})
        proxy.losing["UpdateItem"] = 1
        proxy.after["UpdateItem"] = [_deleting(store, user_id)]

        saved = await profiles.create_or_merge(slow, user_id, {"bio": "new"}, Always())

    assert saved.profile.fields == {"city": "Mumbai", "bio": "new"}
    assert (saved.created, saved.profile.version) == (False, 2)
    assert await store.find_latest(user_id) is None


async def test_lost_creation_that_was_deleted_since_brings_nothing_back(
    config: Config, user_id: str, store: DynamoDBProfileStore
) -> None:
    """A repeated creation does not recreate a profile that was deleted since."""
    async with store_behind_proxy(config) as (slow, proxy):
        proxy.losing["TransactWriteItems"] = 1
        proxy.after["TransactWriteItems"] = [_deleting(store, user_id)]

        created = await slow.create(user_id, {"city": "Mumbai"})

    assert (created.version, created.fields) == (1, {"city": "Mumbai"})
    assert await store.find_latest(user_id) is None


async def test_update_of_which_every_reply_was_lost_is_read_back(
    config: Config, user_id: str, store: DynamoDBProfileStore
) -> None:
    """Without any reply the write is found by its id."""
    async with store_behind_proxy(config) as (slow, proxy):
        created = await slow.create(user_id, {"city": "Mumbai"})
        proxy.losing["UpdateItem"] = MAX_LOST_RESPONSES

        updated = await slow.update(created, {"city": "Pune"})

    assert (updated.version, updated.fields) == (2, {"city": "Pune"})
    assert await store.find_latest(user_id) == updated


async def test_creation_of_which_every_reply_was_lost_is_read_back(
    config: Config, user_id: str, store: DynamoDBProfileStore
) -> None:
    """A creation without any reply is found by its id."""
    async with store_behind_proxy(config) as (slow, proxy):
        proxy.losing["TransactWriteItems"] = MAX_LOST_RESPONSES

        created = await slow.create(user_id, {"city": "Mumbai"})

    assert (created.version, created.fields) == (1, {"city": "Mumbai"})
    assert await store.find_latest(user_id) == created


@pytest.mark.parametrize("replies", [1, 3])
async def test_deletion_whose_replies_were_lost_succeeds(
    config: Config, user_id: str, store: DynamoDBProfileStore, replies: int
) -> None:
    """A deletion does not take its own tombstone for another's."""
    async with store_behind_proxy(config) as (slow, proxy):
        created = await slow.create(user_id, {"city": "Mumbai"})
        proxy.losing["TransactWriteItems"] = replies

        await slow.delete(created)

    assert await store.find_latest(user_id) is None


async def test_lost_deletion_leaves_the_profile_that_followed_it(
    config: Config, user_id: str, store: DynamoDBProfileStore
) -> None:
    """A deletion is made once: a profile that another created since stays."""
    async with store_behind_proxy(config) as (slow, proxy):
        await slow.create(user_id, {"city": "Mumbai"})
        proxy.losing["TransactWriteItems"] = 1
        proxy.after["TransactWriteItems"] = [_merging(store, user_id, {"city": "Pune"})]

        await profiles.delete(slow, user_id, Always())

    found = await store.find_latest(user_id)
    assert found is not None
    assert found.fields == {"city": "Pune"}


async def test_closing_whose_replies_were_lost_succeeds(
    config: Config, user_id: str, store: DynamoDBProfileStore
) -> None:
    """A closing without any reply succeeds."""
    async with store_behind_proxy(config) as (slow, proxy):
        await slow.create(user_id, {"city": "Mumbai"})
        proxy.losing["TransactWriteItems"] = MAX_LOST_RESPONSES

        await slow.close(user_id)

        assert proxy.seen.count("TransactWriteItems") == 1 + MAX_LOST_RESPONSES
    assert await store.find_latest(user_id) is None
    with pytest.raises(AccountClosed):
        await store.create(user_id, {})


async def test_update_without_any_reply_that_cannot_be_read_back_is_unavailable(
    config: Config, user_id: str
) -> None:
    """If the read fails too, the caller gets the error of the write."""
    async with store_behind_proxy(config) as (store, proxy):
        created = await store.create(user_id, {"city": "Mumbai"})
        proxy.losing.update(dict.fromkeys(("UpdateItem", "Query"), MAX_LOST_RESPONSES))

        with pytest.raises(UpstreamUnavailable):
            await store.update(created, {"city": "Pune"})

        assert proxy.seen.count("Query") == MAX_LOST_RESPONSES


async def test_update_that_was_never_made_is_unavailable(config: Config, user_id: str) -> None:
    """A write that was throttled three times was not applied and is unavailable."""
    async with store_behind_proxy(config) as (store, proxy):
        created = await store.create(user_id, {"city": "Mumbai"})
        proxy.refusing["UpdateItem"] = ["ThrottlingException"] * 3

        with pytest.raises(UpstreamUnavailable):
            await store.update(created, {"city": "Pune"})

        assert await store.find_latest(user_id) == created


async def test_conflict_after_a_lost_reply_is_read_back(config: Config, user_id: str) -> None:
    """A transaction conflict of a retry does not decide the first attempt."""
    async with store_behind_proxy(config) as (store, proxy):
        created = await store.create(user_id, {"city": "Mumbai"})
        proxy.losing["UpdateItem"] = 1
        proxy.refusing["UpdateItem"] = [None, "TransactionConflictException"]

        updated = await store.update(created, {"city": "Pune"})

    assert (updated.version, updated.fields) == (2, {"city": "Pune"})


async def test_conflict_at_the_first_try_costs_no_read(config: Config, user_id: str) -> None:
    """An error in answer to the only attempt is certain."""
    async with store_behind_proxy(config) as (store, proxy):
        created = await store.create(user_id, {"city": "Mumbai"})
        proxy.refusing["UpdateItem"] = ["TransactionConflictException"]

        with pytest.raises(ProfileChanged):
            await store.update(created, {"city": "Pune"})

        assert proxy.seen == ["TransactWriteItems", "UpdateItem"]


async def test_update_whose_reply_was_empty_is_read_back(config: Config, user_id: str) -> None:
    """An answer without its content is no answer; the write may have been made, and was."""
    async with store_behind_proxy(config) as (store, proxy):
        created = await store.create(user_id, {"city": "Mumbai"})
        proxy.emptying["UpdateItem"] = 1

        updated = await store.update(created, {"city": "Pune"})

    assert (updated.version, updated.fields) == (2, {"city": "Pune"})


async def test_update_under_many_others_recognises_itself(
    clients: Clients, config: Config, user_id: str
) -> None:
    """A busy item keeps more write ids."""
    busy = store_on(clients, config)
    async with store_behind_proxy(config) as (slow, proxy):
        created = await slow.create(user_id, {"n": 0})

        async def overtake() -> None:
            for number in range(1, 31):
                await _merging(busy, user_id, {"n": number})()

        proxy.losing["UpdateItem"] = 1
        proxy.after["UpdateItem"] = [overtake]

        updated = await slow.update(created, {"bio": "mine"})

    assert (updated.version, updated.fields) == (32, {"n": 30, "bio": "mine"})


async def test_update_beyond_the_write_ids_is_unavailable(
    clients: Clients, config: Config, table: Table, user_id: str
) -> None:
    """If the write ids were overrun, the outcome is unknown and the error is UpstreamUnavailable."""
    tomorrow = store_on(clients, config, lambda: NOON + timedelta(days=1))
    async with store_behind_proxy(config) as (slow, proxy):
        created = await slow.create(user_id, {"n": 0})

        async def overtake() -> None:
            for number in range(1, MAX_IDS_IDLE + 1):
                # As if each of them came after a long rest.
                await table.add(user_id, created.created_at, "updatedAt", created.created_at)
                await _merging(tomorrow, user_id, {"n": number})()

        proxy.losing["UpdateItem"] = 1
        proxy.after["UpdateItem"] = [overtake]

        with pytest.raises(UpstreamUnavailable):
            await slow.update(created, {"bio": "mine"})


async def test_id_of_the_first_versions_stays_readable(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """A single id of earlier versions of this service is kept as one of several."""
    await table.put(user_id, "2026", version={"N": "3"}, writeId={"S": "0123abcd"})
    found = await store.find_latest(user_id)
    assert found is not None
    assert found.version == 3

    updated = await store.update(found, {"city": "Pune"})

    assert updated.version == 4
    assert updated.write_ids.split()[1:] == ["0123abcd"]
