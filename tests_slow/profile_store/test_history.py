"""The history of profiles on DynamoDB: lost replies, other applications and deletions."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from service.aws.clients import Clients
from service.config.settings import Config
from service.domain import profiles
from service.domain.errors import (
    HistoryExpired,
    ProfileChanged,
    ProfileNotFound,
    UpstreamUnavailable,
    VersionNotFound,
)
from service.domain.profile_history import HistoryPage, PastVersion
from service.domain.profiles import Fields, Profile
from service.domain.values.timestamps import timestamp
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.history_reader import DynamoDBProfileHistory
from service.profile_store.partitions import HISTORY, partition_key
from service.profile_store.past_states import Retention
from tests.profile_store.table import NOON, NOON_TEXT, Table, store_behind_proxy, store_on
from tests.support.conditions import Always
from tests_slow.profile_store.test_deletion import SECRET

RETENTION: Final = Retention(("city", "bio", "preferences"), timedelta(days=30))
LATER: Final = NOON + timedelta(minutes=1)


def _history(store: DynamoDBProfileStore) -> DynamoDBProfileHistory:
    assert store.history is not None
    return store.history


async def _page(store: DynamoDBProfileStore, profile: Profile) -> list[PastVersion]:
    page: HistoryPage = await _history(store).page(profile, limit=50)
    return [*page.versions]


async def _versions(store: DynamoDBProfileStore, profile: Profile) -> list[int]:
    return [past.version for past in await _page(store, profile)]


async def _updated(store: DynamoDBProfileStore, profile: Profile, *changes: Fields) -> Profile:
    for each in changes:
        profile = await store.update(profile, each)
    return profile


async def _past_items(table: Table, user_id: str) -> list[Mapping[str, Any]]:
    return [*await table.items(partition_key(user_id, HISTORY))]


@pytest.fixture
def store(clients: Clients, config: Config) -> DynamoDBProfileStore:
    """Return a store with a history, whose clock is fixed at noon."""
    return store_on(clients, config, retention=RETENTION)


@pytest.fixture
def earlier(clients: Clients, config: Config) -> DynamoDBProfileStore:
    """Return a store without a history, as that of an earlier version."""
    return store_on(clients, config)


@pytest.mark.parametrize("lost", ["PutItem", "UpdateItem"])
async def test_state_is_put_once_where_replies_are_lost(
    config: Config, table: Table, user_id: str, lost: str
) -> None:
    """A repeated call puts the same state under the same key."""
    async with store_behind_proxy(config, retention=RETENTION) as (store, proxy):
        created = await store.create(user_id, {"city": "Mumbai"})
        proxy.losing[lost] = 2

        updated = await store.update(created, {"city": "Pune"})

        assert proxy.seen.count(lost) == 3
        assert await _versions(store, updated) == [1]
    assert len(await _past_items(table, user_id)) == 1


async def test_update_is_not_made_without_its_past_state(config: Config, user_id: str) -> None:
    """If the state cannot be put, the profile does not change."""
    async with store_behind_proxy(config, retention=RETENTION) as (store, proxy):
        created = await store.create(user_id, {"city": "Mumbai"})
        proxy.refusing["PutItem"] = ["ThrottlingException"] * 3

        with pytest.raises(UpstreamUnavailable):
            await store.update(created, {"city": "Pune"})

        assert await store.find_latest(user_id) == created
        assert "UpdateItem" not in proxy.seen


async def test_state_of_a_failed_update_is_no_past_version(
    config: Config, table: Table, user_id: str
) -> None:
    """The live state, which a failed update has put, is left out, and listed once when it is past."""
    async with store_behind_proxy(config, retention=RETENTION) as (store, proxy):
        created = await store.create(user_id, {"city": "Mumbai"})
        proxy.refusing["UpdateItem"] = ["ThrottlingException"] * 3
        with pytest.raises(UpstreamUnavailable):
            await store.update(created, {"city": "Pune"})
        assert len(await _past_items(table, user_id)) == 1

        assert await _page(store, created) == []
        assert await _history(store).as_of(created, LATER) == created
        assert await _history(store).at_version(created, 1) == created
        updated = await store.update(created, {"city": "Goa"})

        assert await _versions(store, updated) == [1]


async def test_change_by_another_application_is_marked(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """A version in which another application changed a declared field says so."""
    created = await store.create(user_id, {"city": "Mumbai"})
    await table.add(user_id, created.created_at, "city", "Pune")
    await table.add(user_id, created.created_at, "theirs", SECRET)
    seen = await store.find_latest(user_id)
    assert seen is not None
    second = await store.update(seen, {"bio": "b"})
    await table.add(user_id, created.created_at, "theirs", SECRET * 2)
    third = await store.update(second, {"bio": "c"})

    assert [past.by_other_application for past in await _page(store, third)] == [False, True]
    assert (await _history(store).at_version(third, 1)).fields == {"city": "Pune"}
    assert SECRET not in str(await _past_items(table, user_id))


async def test_states_under_one_version_are_both_kept(
    config: Config, table: Table, user_id: str
) -> None:
    """The state that this service wrote precedes that of another application, as one version."""
    now = [NOON]
    async with store_behind_proxy(config, lambda: now[0], RETENTION) as (store, proxy):
        created = await store.create(user_id, {"city": "Mumbai"})
        now[0] += timedelta(minutes=1)
        proxy.refusing["UpdateItem"] = ["ThrottlingException"] * 3
        with pytest.raises(UpstreamUnavailable):
            await store.update(created, {"city": "lost"})
        await table.add(user_id, created.created_at, "city", "Pune")
        theirs = await store.find_latest(user_id)
        assert theirs is not None
        history = _history(store)
        one, two, three = (timestamp(NOON + timedelta(minutes=n)) for n in range(1, 4))

        # While the state of the other application is live, only that of this service is past.
        own = PastVersion(1, NOON_TEXT, one, ("city",))
        assert await _page(store, theirs) == [own]
        assert (await history.at_version(theirs, 1)).fields == {"city": "Mumbai"}
        assert (await history.as_of(theirs, NOON)).fields == {"city": "Mumbai"}
        assert await history.as_of(theirs, LATER) == theirs

        now[0] += timedelta(minutes=1)
        second = await store.update(theirs, {"bio": "b"})
        now[0] += timedelta(minutes=1)
        third = await store.update(second, {"bio": "c"})

        assert await _page(store, third) == [
            PastVersion(2, two, three, ("bio",)),
            PastVersion(1, one, two, ("city",), by_other_application=True),
            own,
        ]
        page = await history.page(third, limit=1, before=2)
        assert [past.version for past in page.versions] == [1, 1]
        assert (await history.at_version(third, 1)).fields == {"city": "Mumbai"}
        for at, city in [(NOON, "Mumbai"), (LATER, "Pune")]:
            assert (await history.as_of(third, at)).fields == {"city": city}


async def test_versions_continue_after_a_replaced_item(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """An application that replaces the item has no version: the next ones follow those of the history."""
    created = await store.create(user_id, {"city": "1"})
    await _updated(store, created, {"city": "2"}, {"city": "3"})
    tomorrow = {"S": timestamp(NOON + timedelta(days=1))}
    await table.put(user_id, created.created_at, city={"S": "theirs"}, updatedAt=tomorrow)
    await table.put(partition_key(user_id, HISTORY), "v~", other={"S": "item"})
    theirs = await store.find_latest(user_id)
    assert theirs is not None
    assert theirs.version == 0
    assert await _versions(store, theirs) == [2, 1]
    assert await _history(store).as_of(theirs, NOON + timedelta(days=1)) == theirs
    with pytest.raises(HistoryExpired):  # version 3, which this service wrote, is lost
        await _history(store).as_of(theirs, LATER)

    fourth = await store.update(theirs, {"city": "4"})

    assert fourth.version == 4
    assert await _versions(store, fourth) == [3, 2, 1]
    page = await _page(store, fourth)
    assert [past.by_other_application for past in page] == [True, False, False]
    assert [past.changed for past in page] == [None, ("city",), ("city",)]
    with pytest.raises(ProfileChanged):
        await store.update(theirs, {"city": "late"})
    assert await _versions(store, fourth) == [3, 2, 1]


async def test_profile_of_another_application_is_adopted(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """The state before the first write of this service is version 0."""
    await table.put(user_id, "long ago", city={"S": "Mumbai"}, lastWrite={"S": "theirs"})
    seen = await store.find_latest(user_id)
    assert seen is not None
    assert await _page(store, seen) == []
    assert await _history(store).at_version(seen, 0) == seen
    assert await _history(store).as_of(seen, NOON) == seen

    updated = await store.update(seen, {"city": "Pune"})

    (adopted,) = await _page(store, updated)
    assert adopted == PastVersion(0, "long ago", NOON_TEXT, changed=None, by_other_application=True)
    assert (await _history(store).at_version(updated, 0)).fields == {"city": "Mumbai"}
    past = await _history(store).as_of(updated, NOON - timedelta(days=1))
    assert past.fields == {"city": "Mumbai"}


async def test_version_written_without_a_history_is_a_gap(
    clients: Clients, config: Config, user_id: str
) -> None:
    """Beside processes without a history, versions are missing, and no other is shown in their place."""
    now = [NOON]

    def clock() -> datetime:
        return now[0]

    store = store_on(clients, config, clock, RETENTION)
    earlier = store_on(clients, config, clock)
    profile: Profile = await store.create(user_id, {"bio": "1"})
    for number, writer in enumerate([store, earlier, earlier, store], start=2):
        now[0] += timedelta(minutes=1)
        profile = await writer.update(profile, {"bio": str(number)})
    history = _history(store)

    assert [(past.version, past.changed) for past in await _page(store, profile)] == [
        (4, None),
        (1, ("bio",)),
    ]
    with pytest.raises(VersionNotFound):
        await history.at_version(profile, 2)
    assert (await history.as_of(profile, NOON)).fields == {"bio": "1"}
    assert (await history.as_of(profile, NOON + timedelta(minutes=3))).fields == {"bio": "4"}
    with pytest.raises(HistoryExpired):
        await history.as_of(profile, NOON + timedelta(minutes=2))


async def test_shorter_retention_applies_to_what_is_kept(
    store: DynamoDBProfileStore, clients: Clients, config: Config, user_id: str
) -> None:
    """States that were put for longer expire by the present setting."""
    profile = await _updated(store, await store.create(user_id, {"bio": "1"}), {"bio": "2"})
    tomorrow = NOON + timedelta(days=1)
    short = replace(RETENTION, period=timedelta(days=1))

    assert await _versions(store_on(clients, config, lambda: tomorrow, RETENTION), profile) == [1]
    assert await _versions(store_on(clients, config, lambda: tomorrow, short), profile) == []


async def test_state_that_is_too_large_is_listed_without_fields(
    store: DynamoDBProfileStore, user_id: str
) -> None:
    """A profile at DynamoDB's limit remains writable; its state is a version that cannot be read."""
    created = await store.create(user_id, {})
    seen = replace(created, fields={"bio": "x" * 410_000})

    updated = await store.update(seen, {"bio": "short"})

    later = replace(updated, updated_at=timestamp(LATER))
    assert await _versions(store, later) == [1]
    with pytest.raises(VersionNotFound):
        await _history(store).at_version(later, 1)
    with pytest.raises(HistoryExpired):
        await _history(store).as_of(later, NOON)


async def test_text_without_unicode_does_not_prevent_updates(
    store: DynamoDBProfileStore, user_id: str
) -> None:
    """A lone surrogate of another application can be replaced; the state with it cannot be stored."""
    created = await store.create(user_id, {})
    seen = replace(created, fields={"city": "\ud800"})

    updated = await store.update(seen, {"city": "Mumbai"})

    assert updated.fields == {"city": "Mumbai"}
    assert await _versions(store, updated) == [1]
    with pytest.raises(VersionNotFound):
        await _history(store).at_version(updated, 1)


async def test_late_put_after_the_deletion_is_refused(
    config: Config, store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """A process that read the profile before its deletion cannot put the state afterwards."""
    async with store_behind_proxy(config, retention=RETENTION) as (slow, proxy):
        created = await slow.create(user_id, {"city": SECRET})

        async def overtake() -> None:
            await profiles.delete(store, user_id, Always())

        proxy.before["PutItem"] = [overtake]
        with pytest.raises(ProfileChanged):
            await slow.update(created, {"bio": "b"})

        assert proxy.seen[-1] == "PutItem"  # refused by itself: no update, no erasure
    assert SECRET not in str(await _past_items(table, user_id))


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
async def test_state_of_an_older_version_is_erased_after_the_deletion(
    config: Config, earlier: DynamoDBProfileStore, table: Table, user_id: str, operation: str
) -> None:
    """What a process puts that read an older version is erased by the deletion or the process itself."""
    async with store_behind_proxy(config, retention=RETENTION) as (slow, proxy):
        created = await slow.create(user_id, {"city": SECRET})

        async def overtake() -> None:
            await earlier.update(created, {"bio": "b"})
            await profiles.delete(earlier, user_id, Always())

        proxy.before[operation] = [overtake]
        with pytest.raises(ProfileChanged):
            await slow.update(created, {"bio": "c"})

    (left,) = await _past_items(table, user_id)
    assert left.keys() == {"userId", "createdAt", "deletedAt", "expiresAt", "profileErased"}


async def test_state_of_a_failed_update_is_erased_with_the_profile(
    config: Config, table: Table, user_id: str
) -> None:
    """The live state in the history and its tombstone have one key."""
    async with store_behind_proxy(config, retention=RETENTION) as (store, proxy):
        created = await store.create(user_id, {"city": SECRET})
        proxy.refusing["UpdateItem"] = ["ThrottlingException"] * 3
        with pytest.raises(UpstreamUnavailable):
            await store.update(created, {"bio": "b"})

        await store.close(user_id)

    (left,) = await _past_items(table, user_id)
    assert SECRET not in str(left)


async def test_deletion_of_an_earlier_version_leaves_nothing_to_show(
    store: DynamoDBProfileStore, earlier: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """What such a process leaves is never shown, and erased by the next deletion."""
    first = await _updated(store, await store.create(user_id, {"bio": SECRET}), {"bio": "2"})
    await table.put(  # as its deletion leaves the item
        user_id, first.created_at, deletedAt={"S": NOON_TEXT}, expiresAt={"N": "1"}
    )
    second = await store.create(user_id, {"bio": "1"})
    assert second.created_at != first.created_at
    updated = await store.update(second, {"bio": "2"})
    assert await _versions(store, updated) == [1]
    assert (await _history(store).at_version(updated, 1)).fields == {"bio": "1"}

    await earlier.delete(updated)

    assert SECRET not in str(await _past_items(table, user_id))


async def test_unfinished_deletion_leaves_the_profile_writable(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """Past states that were erased before the profile do not prevent that states are put."""
    created = await store.create(user_id, {"bio": "1"})
    await store.update(created, {"bio": "2"})
    (past,) = await _past_items(table, user_id)
    marks = {"deletedAt": {"S": NOON_TEXT}, "expiresAt": {"N": "1"}}
    await table.put(past["userId"]["S"], past["createdAt"]["S"], **marks)
    await table.put(
        user_id, created.created_at, bio={"S": "1"}, version={"N": "1"}, writeId={"S": "w"}
    )
    seen = await store.find_latest(user_id)
    assert seen is not None

    updated = await store.update(seen, {"bio": "3"})

    assert await _versions(store, updated) == [1]


async def test_items_of_other_applications_are_not_shown(
    store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """Whatever stands in the partition beside past states is left out."""
    profile = await _updated(store, await store.create(user_id, {"bio": "1"}), {"bio": "2"})
    partition = partition_key(user_id, HISTORY)
    (past,) = await _past_items(table, user_id)
    others = {name: past[name] for name in past if name not in {"userId", "createdAt"}}
    for sort_key in ("v1", "v000000000000001#", "v000000000000001#abcdefghi", "v~", "w", "~head"):
        await table.put(partition, sort_key, **others)
    for number, name in enumerate(("from", "until", "profileCreatedAt")):
        key = f"v00000000000000{number}#abcdefgh"
        await table.put(partition, key, **{**others, name: {"N": "1"}})
    strange = {"changed": {"S": "bio"}, "fields": {"L": []}}
    await table.put(partition, "v000000000000000#strange_", **{**others, **strange})

    assert [(past.version, past.changed) for past in await _page(store, profile)] == [
        (1, ("bio",)),
        (0, None),
    ]
    with pytest.raises(VersionNotFound):
        await _history(store).at_version(profile, 0)


async def test_long_history_is_not_read_as_a_whole(config: Config, user_id: str) -> None:
    """A page reads its own items, a time is found by bisection."""
    number = 64
    now = [NOON]
    async with store_behind_proxy(config, lambda: now[0], RETENTION) as (store, proxy):
        profile: Profile = await store.create(user_id, {"bio": "1"})
        for version in range(2, number + 1):
            now[0] += timedelta(minutes=1)
            profile = await store.update(profile, {"bio": str(version)})
        proxy.seen.clear()

        page = await _history(store).page(profile, limit=5, before=20)
        assert [past.version for past in page.versions] == [19, 18, 17, 16, 15]
        assert page.next_before == 15
        assert proxy.seen == ["Query"]

        for version in (1, 30, 63):
            proxy.seen.clear()
            past = await _history(store).as_of(profile, NOON + timedelta(minutes=version - 1))
            assert (past.version, past.fields) == (version, {"bio": str(version)})
            assert len(proxy.seen) <= 10


async def test_deleted_profile_has_no_history(store: DynamoDBProfileStore, user_id: str) -> None:
    """After the deletion nothing can be read."""
    await store.delete(await _updated(store, await store.create(user_id, {}), {"bio": "2"}))

    assert await store.find_latest(user_id) is None
    with pytest.raises(ProfileNotFound):
        await profiles.delete(store, user_id, Always())
