"""Profiles with a cached sort key are read by key, in shared calls; otherwise by Query."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import fields

import pytest
import pytest_asyncio

from service.aws.clients import Clients, open_clients
from service.config.settings import Config
from service.domain.errors import Misconfigured, UpstreamFault, UpstreamUnavailable
from service.domain.profiles import Profile
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.items import StoredProfile
from tests.profile_store.scripted_table import ScriptedTable, scripted_table
from tests.profile_store.table import NOON, NOON_TEXT, Table, idle_lag, store_behind_proxy
from tests.support.configs import CREDENTIALS, configured

USERS = ["alice", "bob", "carol", "dave"]
PAUSES_ALMOST_NONE = 8_038  # a seed: botocore draws its pauses between attempts from `random`

Open = Callable[..., DynamoDBProfileStore]

on_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(name="served", scope="module", loop_scope="module")
async def _served() -> AsyncIterator[tuple[ScriptedTable, Clients]]:
    """Open the client once: it takes longer than most tests of this module."""
    async with scripted_table() as table:
        servers = {"endpoint-url": table.url, "read-timeout-s": "20"}
        config = configured({"aws.dynamodb": servers, "aws.cognito": servers})
        async with open_clients(config, CREDENTIALS) as clients:
            yield table, clients


@pytest.fixture(name="scripted")
def _scripted(served: tuple[ScriptedTable, Clients]) -> ScriptedTable:
    """Return a table as new, with a profile of each user."""
    table, _ = served
    fresh = ScriptedTable(url=table.url)
    for field in fields(ScriptedTable):
        setattr(table, field.name, getattr(fresh, field.name))
    for user in USERS:
        table.put((user, NOON_TEXT), city=user)
    return table


@pytest.fixture(name="opened")
def _opened(scripted: ScriptedTable, served: tuple[ScriptedTable, Clients]) -> Open:
    """Return a function that opens a store on the scripted table."""

    def opened(**settings: str) -> DynamoDBProfileStore:
        _, clients = served
        config = configured({"aws.dynamodb": {"endpoint-url": scripted.url, **settings}})
        return DynamoDBProfileStore(
            clients.dynamodb,
            config=config.dynamodb,
            clock=lambda: NOON,
            calls=UpstreamTelemetry(Metrics()),
            lag=idle_lag(),
        )

    return opened


@pytest.fixture(name="short_pauses")
def _short_pauses() -> Iterator[None]:
    state = random.getstate()
    random.seed(PAUSES_ALMOST_NONE)
    yield
    random.setstate(state)


async def _with_cached_keys(
    store: DynamoDBProfileStore, scripted: ScriptedTable
) -> DynamoDBProfileStore:
    """Return the store with the sort keys of all users cached."""
    for user in USERS:
        await store.find(user)
    scripted.calls.clear()
    return store


async def _found(store: DynamoDBProfileStore, users: list[str]) -> list[object]:
    """Return the cities of the users' profiles, or the errors."""
    async with asyncio.timeout(10):
        found = await asyncio.gather(*map(store.find, users), return_exceptions=True)
    return [one.fields["city"] if isinstance(one, Profile) else one for one in found]


@on_one_loop
@pytest.mark.parametrize("consistent", [True, False])
async def test_second_read_is_by_key(
    scripted: ScriptedTable, opened: Open, *, consistent: bool
) -> None:
    """The first read caches the sort key; both reads have the configured consistency."""
    store = opened(**{"consistent-read": str(consistent)})

    assert [await store.find("alice") for _ in range(2)] == [
        StoredProfile("alice", NOON_TEXT, NOON_TEXT, 0, {"city": "alice"})
    ] * 2

    assert scripted.operations == ["Query", "GetItem"]
    assert [call.body["ConsistentRead"] for call in scripted.calls] == [consistent] * 2
    assert scripted.calls[1].keys == [("alice", NOON_TEXT)]


@on_one_loop
@pytest.mark.parametrize("consistent", [True, False])
async def test_concurrent_reads_share_a_call(
    scripted: ScriptedTable, opened: Open, *, consistent: bool
) -> None:
    """Each caller gets its own profile out of one BatchGetItem."""
    store = await _with_cached_keys(opened(**{"consistent-read": str(consistent)}), scripted)

    assert await _found(store, USERS + USERS) == USERS + USERS

    (call,) = scripted.calls
    assert call.operation == "BatchGetItem"
    assert call.keys == [(user, NOON_TEXT) for user in USERS]
    assert call.body["RequestItems"]["user-profiles"]["ConsistentRead"] is consistent


@on_one_loop
async def test_reads_are_not_batched_if_disabled(scripted: ScriptedTable, opened: Open) -> None:
    """With batching disabled every read is a GetItem."""
    store = await _with_cached_keys(opened(**{"batched-reads": "0"}), scripted)

    assert await _found(store, USERS) == USERS

    assert scripted.operations == ["GetItem"] * 4


@on_one_loop
async def test_cache_of_size_0_is_disabled(scripted: ScriptedTable, opened: Open) -> None:
    """With a cache of size 0 every read is a Query."""
    store = await _with_cached_keys(opened(**{"sort-key-cache-size": "0"}), scripted)

    assert await _found(store, USERS) == USERS

    assert scripted.operations == ["Query"] * 4


@on_one_loop
async def test_least_recently_read_sort_key_is_evicted(
    scripted: ScriptedTable, opened: Open
) -> None:
    """A full cache keeps the sort keys of the users that were read last."""
    store = opened(**{"sort-key-cache-size": "2"})
    for user in ("alice", "bob", "alice", "carol"):
        await store.find(user)
    scripted.calls.clear()

    for user in ("alice", "carol", "bob"):
        await store.find(user)

    assert scripted.operations == ["GetItem", "GetItem", "Query"]


@on_one_loop
async def test_calls_at_a_time_are_as_many_as_configured(
    scripted: ScriptedTable, opened: Open
) -> None:
    """Reads beyond the calls that may be under way wait for one of them."""
    store = await _with_cached_keys(opened(**{"batched-reads": "1"}), scripted)
    scripted.holding = True
    first = asyncio.create_task(_found(store, USERS[:1]))
    await scripted.arrived(1)
    others = asyncio.create_task(_found(store, USERS[1:]))
    await asyncio.sleep(0)
    scripted.release()

    assert await first + await others == USERS
    assert [call.keys for call in scripted.calls] == [
        [("alice", NOON_TEXT)],
        [(user, NOON_TEXT) for user in USERS[1:]],
    ]


@on_one_loop
async def test_read_sees_what_was_written_before_it(scripted: ScriptedTable, opened: Open) -> None:
    """A read does not take the answer of a call that began before it."""
    store = await _with_cached_keys(opened(), scripted)
    scripted.holding = True
    early = asyncio.create_task(_found(store, ["alice"]))
    await scripted.arrived(1)
    scripted.put(("alice", NOON_TEXT), city="Pune")
    late = asyncio.create_task(_found(store, ["alice"]))
    await scripted.arrived(2)

    scripted.release()

    assert (await early, await late) == (["alice"], ["Pune"])


@on_one_loop
async def test_what_dynamodb_left_aside_is_asked_for_again(
    scripted: ScriptedTable, opened: Open
) -> None:
    """UnprocessedKeys cost their callers another call, and the others nothing."""
    store = await _with_cached_keys(opened(), scripted)
    scripted.unprocessed = [[("bob", NOON_TEXT), ("dave", NOON_TEXT)]]

    assert await _found(store, USERS) == USERS

    first, *again = scripted.calls
    assert first.keys == [(user, NOON_TEXT) for user in USERS]
    assert sorted(key for call in again for key in call.keys) == [
        ("bob", NOON_TEXT),
        ("dave", NOON_TEXT),
    ]


@on_one_loop
async def test_invalid_key_fails_alone(scripted: ScriptedTable, opened: Open) -> None:
    """A key that DynamoDB rejects fails only its own read."""
    store = await _with_cached_keys(opened(), scripted)
    scripted.invalid = {("carol", NOON_TEXT)}

    *others, carols = await _found(store, ["alice", "bob", "dave", "carol"])

    assert others == ["alice", "bob", "dave"]
    assert isinstance(carols, UpstreamFault)


@on_one_loop
async def test_failure_of_a_call_is_translated_for_each(
    scripted: ScriptedTable, opened: Open
) -> None:
    """An error of a shared call is raised by each of its reads."""
    store = await _with_cached_keys(opened(), scripted)
    scripted.refusing = ["AccessDeniedException"]

    failures = await _found(store, USERS)

    assert [type(failure) for failure in failures] == [Misconfigured] * 4
    assert len({id(failure) for failure in failures}) == 4
    assert len(scripted.calls) == 1


@on_one_loop
@pytest.mark.usefixtures("short_pauses")
async def test_call_is_tried_three_times(scripted: ScriptedTable, opened: Open) -> None:
    """A shared call is retried like any other; then its callers get UpstreamUnavailable."""
    store = await _with_cached_keys(opened(), scripted)
    scripted.refusing = ["InternalServerError"] * 3

    failures = await _found(store, USERS)

    assert [type(failure) for failure in failures] == [UpstreamUnavailable] * 4
    assert scripted.operations == ["BatchGetItem"] * 3


@on_one_loop
async def test_cancelled_callers_do_not_affect_others(
    scripted: ScriptedTable, opened: Open
) -> None:
    """A call continues while a caller remains, and is cancelled with the last one."""
    store = await _with_cached_keys(opened(), scripted)
    scripted.holding = True
    alices, bobs = (asyncio.create_task(_found(store, [user])) for user in USERS[:2])
    await scripted.arrived(1)
    alices.cancel()
    scripted.release()
    assert await bobs == ["bob"]

    scripted.holding = True
    carols = asyncio.create_task(_found(store, ["carol"]))
    await scripted.arrived(2)
    carols.cancel()
    await scripted.until(lambda: scripted.disconnected == 1)
    scripted.release()

    assert await _found(store, USERS) == USERS


@on_one_loop
@pytest.mark.parametrize(
    "oddity",
    [
        {},
        {"deletedAt": {"S": NOON_TEXT}},
        {"userId": {"S": "mallory"}},
        {"createdAt": {"S": "~claim"}},
        {"userId": None},
        {"createdAt": {"N": "1"}},
    ],
    ids=["missing", "deleted", "another user's", "the claim", "without a user", "of another type"],
)
@pytest.mark.parametrize("company", [[], ["bob"]], ids=["alone", "in company"])
async def test_item_that_is_not_the_profile_causes_a_query(
    scripted: ScriptedTable, opened: Open, oddity: dict[str, object], company: list[str]
) -> None:
    """If the item at a cached key is not the profile, the profile is read by Query."""
    store = await _with_cached_keys(opened(), scripted)
    odd = {**scripted.items.pop(("alice", NOON_TEXT)), **oddity}
    if oddity:
        scripted.items["alice", NOON_TEXT] = {name: value for name, value in odd.items() if value}
    scripted.put(("alice", "2027"), city="Pune")

    assert await _found(store, ["alice", *company]) == ["Pune", *company]
    assert await _found(store, ["alice"]) == ["Pune"]

    by_key = "BatchGetItem" if company else "GetItem"
    assert scripted.operations == [by_key, "Query", "GetItem"]
    assert scripted.calls[-1].keys == [("alice", "2027")]


@on_one_loop
async def test_sort_key_of_a_missing_profile_is_evicted(
    scripted: ScriptedTable, opened: Open
) -> None:
    """A user without a profile is read by one Query each time."""
    store = await _with_cached_keys(opened(), scripted)
    del scripted.items["alice", NOON_TEXT]

    assert [await store.find("alice") for _ in range(2)] == [None, None]

    assert scripted.operations == ["GetItem", "Query", "Query"]


@on_one_loop
@pytest.mark.parametrize("answer", [{}, {"Responses": {}}], ids=["nothing", "no table"])
async def test_response_without_content_is_an_error(
    scripted: ScriptedTable, opened: Open, answer: dict[str, object]
) -> None:
    """A response without its content is retried with fewer keys, and finally by Query."""
    store = await _with_cached_keys(opened(), scripted)
    scripted.refusing = [answer]

    assert await _found(store, USERS[:2]) == USERS[:2]


async def test_writes_tell_where_the_profile_is(config: Config, user_id: str) -> None:
    """After a creation or an update the profile is read by key, after a deletion by Query."""
    async with store_behind_proxy(config) as (store, proxy):
        created = await store.create(user_id, {"city": "Mumbai"})
        assert await store.find(user_id) == created
        updated = await store.update(created, {"city": "Pune"})
        assert await store.find(user_id) == updated
        assert proxy.seen == ["TransactWriteItems", "GetItem", "UpdateItem", "GetItem"]

        proxy.seen.clear()
        await store.delete(updated)
        assert proxy.seen[-3:] == ["TransactWriteItems", "Query", "Query"]  # two other partitions

        proxy.seen.clear()
        assert await store.find(user_id) is None
        assert proxy.seen == ["Query"]


async def test_update_caches_the_sort_key(
    store: DynamoDBProfileStore, config: Config, user_id: str
) -> None:
    """An update caches the sort key."""
    created = await store.create(user_id, {"city": "Mumbai"})
    async with store_behind_proxy(config) as (other, proxy):
        updated = await other.update(created, {"city": "Pune"})

        assert await other.find(user_id) == updated
        assert proxy.seen == ["UpdateItem", "GetItem"]


async def test_closing_forgets_the_place(config: Config, user_id: str) -> None:
    """After a closing there is nothing to be read by key."""
    async with store_behind_proxy(config) as (store, proxy):
        await store.create(user_id, {"city": "Mumbai"})
        await store.close(user_id)
        proxy.seen.clear()

        assert await store.find(user_id) is None
        assert proxy.seen == ["Query"]


async def test_profile_recreated_by_another_process_is_found(
    config: Config, store: DynamoDBProfileStore, user_id: str
) -> None:
    """A profile that another process deleted and created again is found."""
    async with store_behind_proxy(config) as (remembering, _):
        await remembering.create(user_id, {"city": "Mumbai"})
        found = await store.find_latest(user_id)
        assert found is not None
        await store.delete(found)
        assert await remembering.find(user_id) is None
        fresh = await store.create(user_id, {"city": "Pune"})

        assert await remembering.find(user_id) == fresh


async def test_earlier_item_of_another_application_is_found_by_the_next_write(
    config: Config, table: Table, user_id: str
) -> None:
    """A cached profile is read until a write of this process reads all items."""
    async with store_behind_proxy(config) as (store, _):
        created = await store.create(user_id, {"city": "Mumbai"})
        await table.put(user_id, "2001", city={"S": "Pune"})
        assert await store.find(user_id) == created

        earliest = await store.find_latest(user_id)

        assert earliest is not None
        assert earliest.created_at == "2001"
        assert await store.find(user_id) == earliest
