"""The contract of every profile store; run on the fake and on DynamoDB."""

import asyncio
import json
import random
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from service.aws.clients import open_clients
from service.config.settings import Config
from service.domain import profiles
from service.domain.errors import AccountClosed, ProfileChanged, ProfileNotFound
from service.domain.profiles import CLOSURE_PERIOD, Profile, ProfileStore
from service.domain.values.json_values import JsonValue
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from tests.profile_store.table import SetClock
from tests.support.conditions import Always
from tests.support.configs import CREDENTIALS
from tests.support.fakes.profiles import MemoryProfileStore

PROCESSES = 3


@pytest.fixture
def clock() -> SetClock:
    """Return the clock of all stores of a test."""
    return SetClock()


@pytest.fixture(params=["memory", "dynamodb"])
async def store(
    request: pytest.FixtureRequest, config: Config, clock: SetClock
) -> AsyncIterator[ProfileStore]:
    """Open each store in turn."""
    if request.param == "memory":
        yield MemoryProfileStore(clock=clock)
        return
    async with open_clients(config, CREDENTIALS) as clients:
        yield DynamoDBProfileStore(
            clients.dynamodb,
            config=config.dynamodb,
            clock=clock,
            calls=UpstreamTelemetry(Metrics()),
        )


@pytest.fixture
async def stores(
    store: ProfileStore, config: Config, clock: SetClock
) -> AsyncIterator[tuple[ProfileStore, ...]]:
    """Open several stores on the same profiles, as in several processes; the fake is one store."""
    if not isinstance(store, DynamoDBProfileStore):
        yield (store,) * PROCESSES
        return
    async with AsyncExitStack() as stack:
        opened: list[ProfileStore] = [store]
        for _ in range(PROCESSES - 1):
            clients = await stack.enter_async_context(open_clients(config, CREDENTIALS))
            opened.append(
                DynamoDBProfileStore(
                    clients.dynamodb,
                    config=config.dynamodb,
                    clock=clock,
                    calls=UpstreamTelemetry(Metrics()),
                )
            )
        yield tuple(opened)


@pytest.fixture
def user_id() -> str:
    """Return a user of this test alone."""
    return str(uuid.uuid4())


async def test_unknown_user_has_no_profile(store: ProfileStore, user_id: str) -> None:
    """A user without a profile is None, not an error."""
    assert await store.find(user_id) is None
    assert await store.find_latest(user_id) is None


async def test_created_profile_is_found(store: ProfileStore, user_id: str) -> None:
    """Both reads return the profile that create returned, at version 1."""
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
    """Of concurrent creations exactly one succeeds."""
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
    """Every JSON value is read back equal and of the same type."""
    await store.create(user_id, {"preferences": value})

    found = await store.find(user_id)

    assert found is not None
    # As text, because 1 == True == 1.0; sorted, because a store keeps no order of names.
    assert json.dumps(found.fields, sort_keys=True) == json.dumps(
        {"preferences": value}, sort_keys=True
    )


async def test_awkward_field_names_are_plain_names(store: ProfileStore, user_id: str) -> None:
    """Reserved words and names with dots or spaces are valid field names."""
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


async def test_profiles_of_many_users_are_those_of_each(store: ProfileStore, user_id: str) -> None:
    """A read of many profiles has each user's own latest state, and no entry for users without one."""
    users = [f"{user_id}.{number}" for number in range(6)]
    created = {user: await store.create(user, {"city": user}) for user in users[:4]}
    await store.delete(created.pop(users[0]))
    await store.close(users[1])
    del created[users[1]]
    created[users[2]] = await store.update(created[users[2]], {"bio": "new"})
    await store.delete(await store.create(users[4], {"city": "old"}))
    created[users[4]] = await store.create(users[4], {"city": "new"})

    assert await store.find_many(users) == created
    assert await store.find_many(users[5:]) == {}
    assert await store.find_many([]) == {}


async def test_deleted_profile_is_gone(store: ProfileStore, user_id: str) -> None:
    """A deletion that returns is seen by every read after it."""
    created = await store.create(user_id, {"city": "Mumbai"})

    await store.delete(await store.update(created, {"bio": "new"}))

    assert await store.find(user_id) is None
    assert await store.find_latest(user_id) is None


async def test_profile_after_a_deletion_is_a_fresh_one(store: ProfileStore, user_id: str) -> None:
    """A later creation has a moment and a version of its own, and nothing of the old fields."""
    old = await store.create(user_id, {"city": "Mumbai"})
    await store.delete(old)

    fresh = await store.create(user_id, {"bio": "new"})

    assert (fresh.version, fresh.fields) == (1, {"bio": "new"})
    assert fresh.created_at != old.created_at
    assert await store.find_latest(user_id) == fresh


async def test_stale_deletion_is_rejected(store: ProfileStore, user_id: str) -> None:
    """A deletion of an older version deletes nothing."""
    created = await store.create(user_id, {"city": "Mumbai"})
    updated = await store.update(created, {"city": "Pune"})

    with pytest.raises(ProfileChanged):
        await store.delete(created)

    assert await store.find_latest(user_id) == updated


async def test_deletion_of_a_missing_profile_is_rejected(store: ProfileStore, user_id: str) -> None:
    """Deleting a missing profile raises ProfileChanged."""
    created = await store.create(user_id, {})
    await store.delete(created)

    with pytest.raises(ProfileChanged):
        await store.delete(created)


async def test_deleted_profile_cannot_be_written(store: ProfileStore, user_id: str) -> None:
    """A writer that saw the deleted profile changes neither its tombstone nor its successor."""
    old = await store.create(user_id, {"city": "Mumbai"})
    await store.delete(old)
    with pytest.raises(ProfileChanged):
        await store.update(old, {"city": "late"})
    fresh = await store.create(user_id, {"city": "Pune"})

    with pytest.raises(ProfileChanged):
        await store.update(old, {"city": "late"})
    with pytest.raises(ProfileChanged):
        await store.delete(old)

    assert await store.find_latest(user_id) == fresh


async def test_one_of_many_simultaneous_deletions_wins(store: ProfileStore, user_id: str) -> None:
    """Of the deletions of one version, exactly one is acknowledged."""
    created = await store.create(user_id, {})

    outcomes = await asyncio.gather(
        *(store.delete(created) for _ in range(6)), return_exceptions=True
    )

    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, ProfileChanged) for outcome in outcomes) == 5
    assert await store.find_latest(user_id) is None


async def test_closing_deletes_and_blocks_creation(store: ProfileStore, user_id: str) -> None:
    """After a closing there is no profile, and none can be created."""
    created = await store.create(user_id, {"city": "Mumbai"})

    await store.close(user_id)

    assert await store.find_latest(user_id) is None
    with pytest.raises(ProfileChanged):
        await store.update(created, {"city": "late"})
    with pytest.raises(AccountClosed):
        await store.create(user_id, {"city": "late"})
    assert await store.find_latest(user_id) is None


async def test_outdated_read_decides_no_write(store: ProfileStore, user_id: str) -> None:
    """Writes to which an outdated read is passed have the outcome that they have without it."""
    none = await store.read_latest(user_id)
    assert none.profile is None
    created = await store.create(user_id, {"city": "Mumbai"}, none)
    with pytest.raises(ProfileChanged):
        await store.create(user_id, {}, none)
    first = await store.read_latest(user_id)
    assert first.profile == created
    updated = await store.update(created, {"city": "Pune"})
    with pytest.raises(ProfileChanged):
        await store.delete(created, first)
    await store.delete(updated, await store.read_latest(user_id))
    with pytest.raises(ProfileChanged):
        await store.delete(created, first)
    deleted = await store.read_latest(user_id)
    fresh = await store.create(user_id, {"bio": "new"}, none)
    with pytest.raises(ProfileChanged):
        await store.create(user_id, {}, deleted)
    assert await store.find_latest(user_id) == fresh
    await store.close(user_id)

    for latest in (none, deleted, await store.read_latest(user_id)):
        with pytest.raises(AccountClosed):
            await store.create(user_id, {}, latest)


async def test_closing_may_be_repeated(store: ProfileStore, user_id: str) -> None:
    """A user without a profile is closed as well, once and again; other users are not."""
    await store.close(user_id)
    await store.close(user_id)

    with pytest.raises(AccountClosed):
        await store.create(user_id, {})
    assert (await store.create(user_id + "0", {})).version == 1


async def test_closing_ends(store: ProfileStore, user_id: str, clock: SetClock) -> None:
    """A block ends CLOSURE_PERIOD after the last closing, whether or not its item was deleted."""
    await store.close(user_id)
    clock.ahead = CLOSURE_PERIOD / 2
    await store.close(user_id)
    clock.ahead = CLOSURE_PERIOD
    with pytest.raises(AccountClosed):
        await store.create(user_id, {})
    clock.ahead = CLOSURE_PERIOD * 3 / 2 + timedelta(seconds=1)

    created = await store.create(user_id, {"city": "Mumbai"})

    assert await store.find_latest(user_id) == created


def test_closing_outlasts_every_access_token() -> None:
    """A token that was issued at the very last moment is of no use for a new profile."""
    longest_life_s = 86_400  # AccessTokenValidityType in Cognito's service model

    assert timedelta(seconds=longest_life_s) < CLOSURE_PERIOD


@pytest.mark.parametrize("seed", range(2))
async def test_acknowledged_concurrent_writes_are_kept(
    stores: tuple[ProfileStore, ...], user_id: str, seed: int
) -> None:
    """Every acknowledged write has its own version, and the newest one is read."""
    rng = random.Random(seed)  # noqa: S311 -- a race to be replayed
    written: list[Profile] = []

    async def write(number: int) -> None:
        store, dice = stores[number % PROCESSES], rng.random()
        try:
            if dice < 0.2:
                await profiles.delete(store, user_id, Always())
            elif dice < 0.4:
                fields: dict[str, JsonValue] = {"n": number}
                saved = await profiles.replace(store, user_id, fields, ("n",), Always())
                written.append(saved.profile)
            elif dice < 0.7:
                changes: dict[str, JsonValue] = {"preferences": {str(number): number}}
                patched = await profiles.patch(store, user_id, changes, Always())
                written.append(patched.profile)
            else:
                saved = await profiles.create_or_merge(store, user_id, {"n": number}, Always())
                written.append(saved.profile)
        except ProfileNotFound:
            return

    await asyncio.gather(*map(write, range(18)))

    versions = [(profile.created_at, profile.version) for profile in written]
    assert len(set(versions)) == len(versions)
    found = await stores[0].find_latest(user_id)
    if found is not None:
        assert found in written
        of_it = [version for created_at, version in versions if created_at == found.created_at]
        assert sorted(of_it) == list(range(1, found.version + 1))


@pytest.mark.parametrize("seed", range(2))
async def test_no_creation_survives_a_closing(
    stores: tuple[ProfileStore, ...], user_id: str, seed: int
) -> None:
    """A concurrent creation precedes the closing and is deleted, or is rejected."""
    rng = random.Random(seed)  # noqa: S311 -- a race to be replayed

    async def write(number: int) -> bool:
        store = stores[number % PROCESSES]
        try:
            await profiles.create_or_merge(store, user_id, {f"n{number}": number}, Always())
        except AccountClosed:
            return False
        return True

    async def close(number: int) -> None:
        await stores[number % PROCESSES].close(user_id)
        assert await stores[0].find_latest(user_id) is None
        with pytest.raises(AccountClosed):
            await stores[1].create(user_id, {"city": "late"})

    racing = [*map(write, range(10)), close(0), close(1)]
    rng.shuffle(racing)
    await asyncio.gather(*racing)

    assert await stores[2].find_latest(user_id) is None
    assert not await write(0)
