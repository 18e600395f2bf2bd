"""Reads of many profiles: their calls, their correctness under races, and what DynamoDB leaves aside."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import pytest

from service.aws.clients import open_clients
from service.config.settings import Config
from service.domain import profiles
from service.domain.errors import Misconfigured, ProfileNotFound, UpstreamFault, UpstreamUnavailable
from service.domain.profiles import Fields, Profile
from service.domain.values.timestamps import utc_now  # noqa: TID251 -- as the service does
from service.profile_store import claimed_profiles
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.items import CLAIM_SORT_KEY
from tests.profile_store.scripted_table import ScriptedTable, scripted_table
from tests.profile_store.table import NOON_TEXT, busy_lag, store_behind_proxy, store_on
from tests.support.conditions import Always
from tests.support.configs import CREDENTIALS, configured

USERS = [f"user-{number}" for number in range(100)]
CLAIMS = [(user, CLAIM_SORT_KEY) for user in USERS]
PROFILES = [(user, NOON_TEXT) for user in USERS]
EARLIER, LATER = "2095-01-01T00:00:00.000Z", "2097-01-01T00:00:00.000Z"

Found: TypeAlias = Mapping[str, Profile]


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedTable]:
    """Serve a table with a profile and its claim for each user."""
    async with scripted_table() as table:
        for user in USERS:
            table.put_profile(user)
        yield table


@pytest.fixture
async def scripted_store(
    scripted: ScriptedTable, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DynamoDBProfileStore]:
    """Open a store on the scripted table that hardly pauses."""
    monkeypatch.setattr(claimed_profiles, "LONGEST_PAUSE_S", 0.001)
    config = configured({"aws.dynamodb": {"endpoint-url": scripted.url, "read-timeout-s": "20"}})
    async with open_clients(config, CREDENTIALS) as clients:
        yield store_on(clients, config)


async def _cities(store: DynamoDBProfileStore, users: Iterable[str] = USERS) -> dict[str, object]:
    async with asyncio.timeout(20):
        found = await store.find_many([*users])
    assert all(user == profile.user_id for user, profile in found.items())
    return {user: profile.fields.get("city") for user, profile in found.items()}


async def test_a_hundred_users_cost_two_calls_and_then_one(
    scripted: ScriptedTable, scripted_store: DynamoDBProfileStore
) -> None:
    """The claims are read first, then the profiles; of users whose sort key is cached, only these."""
    assert await _cities(scripted_store) == {user: user for user in USERS}
    assert [(call.operation, call.keys) for call in scripted.calls] == [
        ("BatchGetItem", CLAIMS),
        ("BatchGetItem", PROFILES),
    ]
    assert all(
        call.body["RequestItems"]["user-profiles"]["ConsistentRead"] for call in scripted.calls
    )

    scripted.calls.clear()
    assert await _cities(scripted_store) == {user: user for user in USERS}
    assert [call.keys for call in scripted.calls] == [PROFILES]


async def test_users_without_a_claim_cost_a_query_each(
    scripted: ScriptedTable, scripted_store: DynamoDBProfileStore
) -> None:
    """Profiles of other applications are found, and users without any item are absent."""
    for user in USERS[:60]:
        del scripted.items[user, CLAIM_SORT_KEY]
    for user in USERS[:20]:
        del scripted.items[user, NOON_TEXT]

    assert await _cities(scripted_store) == {user: user for user in USERS[20:]}

    assert scripted.operations == ["BatchGetItem", "BatchGetItem", *["Query"] * 60]
    assert scripted.max_in_flight <= claimed_profiles.MAX_SINGLE_READS


@pytest.mark.parametrize(
    "change",
    [
        {"claimedFor": None, "expiresAt": {"N": "4000000000"}},
        {"claimedFor": None, "closedAt": {"S": NOON_TEXT}, "expiresAt": {"N": "4000000000"}},
        {"claimedFor": {"S": EARLIER}},
        {"claimedFor": {"S": CLAIM_SORT_KEY}},
        {"claimedFor": {"S": ""}},
        {"claimedFor": {"S": "x" * 2_000}},
        {"claimedFor": {"N": "1"}},
        {"claimedFor": {"S": LATER}, "writeId": None},
    ],
    ids=["released", "closed", "stale", "itself", "empty", "too long", "number", "of another"],
)
@pytest.mark.parametrize("has_profile", [True, False])
async def test_claim_that_does_not_lead_to_a_live_profile_decides_nothing(
    scripted: ScriptedTable,
    scripted_store: DynamoDBProfileStore,
    change: dict[str, object],
    *,
    has_profile: bool,
) -> None:
    """Then the user's items decide: the earliest live one is the profile, or there is none."""
    claim = {**scripted.items["user-0", CLAIM_SORT_KEY], **change}
    scripted.items["user-0", CLAIM_SORT_KEY] = {
        name: value for name, value in claim.items() if value is not None
    }
    scripted.put(("user-0", LATER), city="later")
    if not has_profile:
        scripted.put(("user-0", NOON_TEXT), deletedAt=NOON_TEXT)
        scripted.put(("user-0", LATER), deletedAt=NOON_TEXT)

    expected = {"user-0": "user-0"} if has_profile else {}
    assert await _cities(scripted_store, USERS[:2]) == {**expected, "user-1": "user-1"}


@pytest.mark.parametrize("state", ["missing", "deleted"])
async def test_wrong_cached_sort_key_gives_no_wrong_result(
    scripted: ScriptedTable, scripted_store: DynamoDBProfileStore, state: str
) -> None:
    """A profile that was created again elsewhere is found, and one that was deleted is absent."""
    await _cities(scripted_store)
    for user in ("user-0", "user-1"):
        if state == "missing":
            del scripted.items[user, NOON_TEXT]
        else:
            scripted.put((user, NOON_TEXT), deletedAt=NOON_TEXT)
    scripted.put(("user-0", LATER), city="new")
    scripted.put(("user-0", CLAIM_SORT_KEY), claimedFor=LATER, writeId="v")

    expected = {**{user: user for user in USERS if user != "user-1"}, "user-0": "new"}
    assert await _cities(scripted_store) == expected
    assert await _cities(scripted_store) == expected


async def test_unprocessed_keys_are_read_again_until_the_result_is_whole(
    scripted: ScriptedTable, scripted_store: DynamoDBProfileStore
) -> None:
    """As with items of more than 16 MB: each call processes some keys, however many it takes."""
    scripted.unprocessed = [
        *(CLAIMS[number:] for number in range(1, 100)),
        [],
        *(PROFILES[number:] for number in range(10, 100, 10)),
    ]

    assert await _cities(scripted_store) == {user: user for user in USERS}
    assert [len(call.keys) for call in scripted.calls][:3] == [100, 99, 98]


@pytest.mark.parametrize("processed", [0, 37])
async def test_keys_that_stay_unprocessed_are_an_error(
    scripted: ScriptedTable, scripted_store: DynamoDBProfileStore, processed: int
) -> None:
    """A part of the profiles is never returned for the whole."""
    scripted.unprocessed = [CLAIMS[processed:]] * 50

    with pytest.raises(UpstreamUnavailable) as raised:
        await scripted_store.find_many(USERS)

    assert raised.value.retry_after_s == 1
    assert len(scripted.calls) <= claimed_profiles.MAX_FUTILE_CALLS + 1


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("AccessDeniedException", Misconfigured),
        ("ValidationException", UpstreamFault),
        ("ProvisionedThroughputExceededException", UpstreamUnavailable),
    ],
)
@pytest.mark.parametrize("call", [0, 1, 2], ids=["claims", "profiles", "query"])
@pytest.mark.usefixtures("short_pauses")
async def test_error_of_one_call_is_that_of_the_read(
    scripted: ScriptedTable,
    scripted_store: DynamoDBProfileStore,
    refusal: str,
    error: type[Exception],
    call: int,
) -> None:
    """An error in any step fails the read, as the error that a single read would have."""
    for user in USERS[:10]:
        del scripted.items[user, CLAIM_SORT_KEY]
    scripted.refusing = [*[None] * call, *[refusal] * 30]

    with pytest.raises(error):
        await _cities(scripted_store)


@pytest.mark.parametrize("after", ["deleted", "created again", "closed", "created"])
async def test_change_between_the_two_calls_gives_a_state_that_existed(
    config: Config, store: DynamoDBProfileStore, user_id: str, after: str
) -> None:
    """A profile that is deleted or created after the read of the claims is absent, or the new one."""
    await store.create(f"{user_id}.1", {"city": "Mumbai"})
    seen = None if after == "created" else await store.create(user_id, {"city": "old"})

    async def change() -> None:
        if after == "closed":
            await store.close(user_id)
        elif seen is not None:
            await store.delete(seen)
        if after.startswith("created"):
            await store.create(user_id, {"city": "new"})

    async with store_behind_proxy(config) as (reader, proxy):
        proxy.after["BatchGetItem"] = [change]
        found = await _cities(reader, [f"{user_id}.1", user_id])

    expected = {user_id: "new"} if after.startswith("created") else {}
    assert found == {f"{user_id}.1": "Mumbai", **expected}


@dataclass(slots=True)
class Race:
    """Writers and readers of *users*; *states* has every state that a user's profile was in."""

    users: list[str]
    states: dict[str, list[Profile]] = field(default_factory=lambda: defaultdict(list))
    is_over: bool = False

    async def write(self, store: DynamoDBProfileStore, user: str, rng: random.Random) -> None:
        """Create, update and delete a user's profile."""
        for number in range(4):
            if rng.random() < 0.3:
                with suppress(ProfileNotFound):
                    await profiles.delete(store, user, Always())
            else:
                fields: Fields = {"city": f"{user} {number}"}
                saved = await profiles.create_or_merge(store, user, fields, Always())
                self.states[user].append(saved.profile)

    async def read(self, store: DynamoDBProfileStore, *, singly: bool) -> list[Found]:
        """Return what is read until the race is over."""
        results: list[Found] = []
        while not self.is_over:
            if singly:
                found = await asyncio.gather(*map(store.find, self.users))
                results.append({profile.user_id: profile for profile in found if profile})
            else:
                results.append(await store.find_many(self.users))
        return results


@pytest.mark.parametrize("singly", [False, True], ids=["together", "singly by claim"])
async def test_concurrent_reads_and_writes_mix_up_no_users(
    config: Config, user_id: str, *, singly: bool
) -> None:
    """Reads return states that their users had, in order, while others write and delete."""
    if singly:  # a cache that forgets at once, and a loop that is behind
        config = replace(config, dynamodb=replace(config.dynamodb, sort_key_cache_size=1))
    lag = await busy_lag()
    rng = random.Random(1)  # noqa: S311 -- choices that can be repeated
    race = Race([f"{user_id}.{number}" for number in range(12)])
    async with AsyncExitStack() as stack:
        stores = []
        for _ in range(3):
            clients = await stack.enter_async_context(open_clients(config, CREDENTIALS))
            stores.append(store_on(clients, config, utc_now, lag=lag))
        readers = [asyncio.create_task(race.read(store, singly=singly)) for store in stores[:2]]
        await asyncio.gather(*(race.write(rng.choice(stores), user, rng) for user in race.users))
        race.is_over = True
        results = await asyncio.gather(*readers)
        for store in stores:
            latest = {user: await stores[0].find_latest(user) for user in race.users}
            assert await store.find_many(race.users) == {
                user: profile for user, profile in latest.items() if profile is not None
            }

    for of_one_reader in results:
        assert of_one_reader
        for user, states in race.states.items():
            found = [result[user] for result in of_one_reader if user in result]
            assert all(profile in states for profile in found)
            order = [(profile.created_at, profile.version) for profile in found]
            assert order == sorted(order)
