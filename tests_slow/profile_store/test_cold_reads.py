"""Reads by claim of users whose sort key is not cached, while the loop is behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from service.aws.clients import open_clients
from service.config.settings import Config
from service.domain.errors import Misconfigured, UpstreamFault
from service.domain.profiles import Profile
from service.observability.loop_lag import LoopLag
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.items import CLAIM_SORT_KEY
from tests.profile_store.scripted_table import ScriptedTable, scripted_table
from tests.profile_store.table import (
    NOON_TEXT,
    Table,
    busy_lag,
    idle_lag,
    store_behind_proxy,
    store_on,
)
from tests.support.configs import CREDENTIALS, configured

USERS = [f"user-{number}" for number in range(32)]
CLAIMS = [(user, CLAIM_SORT_KEY) for user in USERS]
PROFILES = [(user, NOON_TEXT) for user in USERS]

Open = Callable[..., Awaitable[DynamoDBProfileStore]]


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedTable]:
    """Serve a table with a profile and its claim for each user."""
    async with scripted_table() as table:
        for user in USERS:
            table.put_profile(user)
        yield table


@pytest.fixture
async def opened(scripted: ScriptedTable) -> AsyncIterator[Open]:
    """Return a function that opens a store on the scripted table; the loop is behind by default."""
    server = {"endpoint-url": scripted.url, "read-timeout-s": "20"}
    async with open_clients(configured({"aws.dynamodb": server}), CREDENTIALS) as clients:

        async def opened(lag: LoopLag | None = None, **settings: str) -> DynamoDBProfileStore:
            config = configured({"aws.dynamodb": {**server, **settings}})
            return store_on(clients, config, lag=lag or await busy_lag())

        yield opened


async def _found(store: DynamoDBProfileStore) -> list[object]:
    """Return the cities of all users, or the errors."""
    async with asyncio.timeout(10):
        found = await asyncio.gather(*map(store.find, USERS), return_exceptions=True)
    return [one.fields["city"] if isinstance(one, Profile) else one for one in found]


@pytest.mark.parametrize("consistent", [True, False])
async def test_new_users_share_two_calls(
    scripted: ScriptedTable, opened: Open, *, consistent: bool
) -> None:
    """Both calls have the configured consistency, and later reads are by key."""
    store = await opened(**{"consistent-read": str(consistent)})

    assert await _found(store) == USERS
    assert [call.keys for call in scripted.calls] == [CLAIMS, PROFILES]
    assert await _found(store) == USERS
    assert [call.keys for call in scripted.calls][2:] == [PROFILES]
    assert {
        call.body["RequestItems"]["user-profiles"]["ConsistentRead"] for call in scripted.calls
    } == {consistent}


async def test_loop_with_time_to_spare_makes_queries(scripted: ScriptedTable, opened: Open) -> None:
    """A cold read is one Query then."""
    assert await _found(await opened(idle_lag())) == USERS
    assert scripted.operations == ["Query"] * len(USERS)


@pytest.mark.parametrize("setting", ["batched-reads", "sort-key-cache-size"])
async def test_cold_read_is_a_query_without_batches_or_cache(
    scripted: ScriptedTable, opened: Open, setting: str
) -> None:
    """Claims are of use only in shared calls, and 0 in either setting leaves the Query."""
    assert await _found(await opened(**{setting: "0"})) == USERS
    assert scripted.operations == ["Query"] * len(USERS)


async def test_users_without_a_claim_are_read_by_query(
    scripted: ScriptedTable, opened: Open
) -> None:
    """Among others, they alone cost a Query."""
    for user in USERS[:5]:
        del scripted.items[user, CLAIM_SORT_KEY]

    assert await _found(await opened()) == USERS

    assert scripted.operations.count("Query") == 5
    assert scripted.operations.count("BatchGetItem") == 2


async def test_unprocessed_keys_are_read_again(scripted: ScriptedTable, opened: Open) -> None:
    """UnprocessedKeys among the claims or the profiles cost their users another call."""
    scripted.unprocessed = [CLAIMS[10:20], PROFILES[:5]]

    assert await _found(await opened()) == USERS

    assert "Query" not in scripted.operations


@pytest.mark.parametrize("sort_key", [CLAIM_SORT_KEY, NOON_TEXT], ids=["claim", "profile"])
async def test_key_that_dynamodb_rejects_fails_one_user(
    scripted: ScriptedTable, opened: Open, sort_key: str
) -> None:
    """The others of the call are answered."""
    scripted.invalid = {("user-3", sort_key)}

    found = await _found(await opened())

    assert isinstance(found.pop(3), UpstreamFault)
    assert found == [user for user in USERS if user != "user-3"]


async def test_failed_call_is_the_error_of_each_user(scripted: ScriptedTable, opened: Open) -> None:
    """No user is read by Query where DynamoDB denies the call for all."""
    scripted.refusing = ["AccessDeniedException"]

    failures = await _found(await opened())

    assert [type(failure) for failure in failures] == [Misconfigured] * len(USERS)
    assert scripted.operations == ["BatchGetItem"]


@pytest.mark.parametrize("after", ["deleted", "created again", "closed", "updated", "created"])
async def test_change_between_the_two_calls_gives_a_state_that_existed(
    config: Config, store: DynamoDBProfileStore, user_id: str, after: str
) -> None:
    """The profile is as it is at the second call, or at the Query that follows."""
    seen = None if after == "created" else await store.create(user_id, {"city": "old"})

    async def change() -> None:
        if after == "closed":
            await store.close(user_id)
        elif seen is not None and after == "updated":
            await store.update(seen, {"city": "new"})
        elif seen is not None:
            await store.delete(seen)
        if after.startswith("created"):
            await store.create(user_id, {"city": "new"})

    async with store_behind_proxy(config, lag=await busy_lag()) as (reader, proxy):
        proxy.after["GetItem"] = [change]
        found = await reader.find(user_id)
        again = await reader.find(user_id)

    assert proxy.seen[0] == "GetItem"
    assert found == again == await store.find_latest(user_id)
    assert (None if found is None else found.fields) == (
        None if after in {"deleted", "closed"} else {"city": "new"}
    )


async def test_earlier_item_of_another_application_is_found_by_the_next_write(
    config: Config, store: DynamoDBProfileStore, table: Table, user_id: str
) -> None:
    """A read by claim returns the claimed profile until a write of this process reads all items."""
    created = await store.create(user_id, {"city": "Mumbai"})
    await table.put(user_id, "2001", city={"S": "Pune"})
    async with store_behind_proxy(config, lag=await busy_lag()) as (reader, _):
        assert await reader.find(user_id) == created

        earliest = await reader.find_latest(user_id)

        assert earliest is not None
        assert await reader.find(user_id) == earliest
    assert earliest.created_at == "2001"
