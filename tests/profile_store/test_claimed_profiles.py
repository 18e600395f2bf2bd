"""A user whose sort key is not cached is read by Query, or by claim while the loop is behind."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.observability.loop_lag import LoopLag
from service.profile_store import items
from service.profile_store.claimed_profiles import ColdReader
from service.profile_store.items import CLAIM_SORT_KEY, Item
from service.profile_store.queries import Key
from tests.profile_store.table import NOON_TEXT, busy_lag, idle_lag
from tests.support.clock import Clock

EARLIER, LATER = "2095-01-01T00:00:00.000Z", "2097-01-01T00:00:00.000Z"
BY_CLAIM = [CLAIM_SORT_KEY, NOON_TEXT]
QUERY = "Query"


@dataclass(slots=True)
class Items:
    """A table in memory; *calls* has the sort keys that were read, and QUERY for each Query."""

    items: dict[Key, Item] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    cached: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    lag_s: float = 0.0

    def put(self, user_id: str, sort_key: str = NOON_TEXT, **attributes: object) -> None:
        """Put an item; None leaves an attribute out."""
        given: dict[str, Any] = {**attributes, **items.key(user_id, sort_key)}
        present = {name: value for name, value in given.items() if value is not None}
        self.items[user_id, sort_key] = present

    def put_profile(self, user_id: str, **claim: object) -> None:
        """Put a profile and its claim, with the attributes of *claim* in place of its own."""
        self.put(user_id, writeId={"S": "w"})
        usual = {"claimedFor": {"S": NOON_TEXT}, "writeId": {"S": "w"}}
        self.put(user_id, CLAIM_SORT_KEY, **{**usual, **claim})

    async def read(self, key: Key) -> Item | None:
        """Return the item at *key*."""
        await self._called(key[1])
        return self.items.get(key)

    async def query(self, user_id: str) -> list[Item]:
        """Return all items of a user."""
        await self._called(QUERY)
        return [item for key, item in sorted(self.items.items()) if key[0] == user_id]

    async def _called(self, what: str) -> None:
        self.calls.append(what)
        self.clock.advance(self.lag_s)
        for _ in range(3):  # iterations of the loop
            await asyncio.sleep(0)

    def reader(self, lag: LoopLag) -> ColdReader:
        """Return a reader of these items."""
        return ColdReader(self.read, self.query, lag=lag, cache_sort_key=self.cached.__setitem__)

    async def calls_of(self, reader: ColdReader, user_id: str) -> list[str]:
        """Return the calls of a read that finds the user's profile."""
        self.calls.clear()
        profile = await reader.find(user_id)
        assert profile is not None
        assert profile.user_id == user_id
        return [*self.calls]


@pytest.fixture(name="table")
def _table() -> Items:
    return Items()


async def test_loop_with_time_to_spare_makes_a_query(table: Items) -> None:
    """One call is less latency than two."""
    table.put_profile("alice")
    reader = table.reader(idle_lag())

    assert [await table.calls_of(reader, "alice") for _ in range(20)] == [[QUERY]] * 20


async def test_loop_that_is_behind_reads_by_claim(table: Items) -> None:
    """The claim and the profile are read by key, and the sort key is cached."""
    table.put_profile("alice")

    assert await table.calls_of(table.reader(await busy_lag()), "alice") == BY_CLAIM
    assert table.cached == {"alice": NOON_TEXT}


@pytest.mark.parametrize(
    "change",
    [
        {"claimedFor": None, "expiresAt": {"N": "4000000000"}},
        {"claimedFor": None, "closedAt": {"S": NOON_TEXT}, "expiresAt": {"N": "4000000000"}},
        {"claimedFor": {"S": EARLIER}},
        {"claimedFor": {"S": LATER}},
        {"claimedFor": {"S": CLAIM_SORT_KEY}},
        {"claimedFor": {"S": "x" * 2_000}},
        {"claimedFor": {"N": "1"}},
        {"writeId": None},
    ],
    ids=["released", "closed", "stale", "deleted", "itself", "too long", "number", "foreign"],
)
@pytest.mark.parametrize("has_profile", [True, False])
async def test_claim_that_leads_to_no_live_profile_decides_nothing(
    table: Items, change: Mapping[str, object], *, has_profile: bool
) -> None:
    """Then all items of the user decide, and nothing is cached."""
    table.put_profile("alice", **change)
    table.put("alice", LATER, deletedAt={"S": LATER})
    if not has_profile:
        table.put("alice", deletedAt={"S": NOON_TEXT})

    profile = await table.reader(await busy_lag()).find("alice")

    assert (profile is not None) is has_profile
    assert table.calls[-1] == QUERY
    assert table.cached == {}


async def test_missing_claims_are_not_read_for_ever(table: Items) -> None:
    """Profiles of other applications cost one call again after a few, and claims are used again too."""
    for number in range(100):
        table.put(f"old-{number}")
        table.put_profile(f"new-{number}")
    reader = table.reader(await busy_lag())

    old = [await table.calls_of(reader, f"old-{number}") for number in range(100)]
    new = [await table.calls_of(reader, f"new-{number}") for number in range(100)]

    assert old == [[CLAIM_SORT_KEY, QUERY]] * 6 + [[QUERY]] * 94
    assert new == [[QUERY]] * 6 + [BY_CLAIM] * 94


async def test_users_without_a_profile_cost_a_query(table: Items) -> None:
    """What has neither profile nor claim is not looked up twice for ever either."""
    reader = table.reader(await busy_lag())

    assert [await reader.find(f"user-{number}") for number in range(100)] == [None] * 100
    assert table.calls.count(QUERY) == 100
    assert table.calls.count(CLAIM_SORT_KEY) == 6


async def test_cold_reads_measure_the_lag_themselves(table: Items) -> None:
    """Without any other read, reads go by claim soon after the loop is behind, and no longer after."""
    for number in range(60):
        table.put_profile(f"user-{number}")
    reader = table.reader(LoopLag(table.clock))
    table.lag_s = 60.0
    busy = [await table.calls_of(reader, f"user-{number}") for number in range(30)]
    table.lag_s = 0.0
    idle = [await table.calls_of(reader, f"user-{number}") for number in range(30, 60)]

    assert busy == [[QUERY]] * 2 + [BY_CLAIM] * 28
    assert idle == [BY_CLAIM] * idle.count(BY_CLAIM) + [[QUERY]] * idle.count([QUERY])
    assert idle.count([QUERY]) > 12
