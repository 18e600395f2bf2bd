"""
Why the store does not Put a profile on `attribute_not_exists(userId)` alone.

A condition sees only the item of its own full key. The first tests reproduce the race that follows;
the last shows that the store has none.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from service.aws.clients import Clients
from service.config.settings import Config
from service.domain.errors import ProfileChanged
from service.domain.profiles import Profile
from service.domain.values.timestamps import timestamp
from service.profile_store import items
from tests.profile_store.table import NOON, Table, store_on

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

RACERS = 4


@dataclass(frozen=True, slots=True)
class Racer:
    """A concurrent creator of a user's profile; its clock is slightly behind the others'."""

    clients: Clients
    config: Config
    number: int

    async def put_unless_exists(self, user_id: str) -> bool:
        """Put a profile with `attribute_not_exists`, and return whether it was put."""
        client: DynamoDBClient = self.clients.dynamodb.aioboto3
        try:
            await client.put_item(
                TableName=self.config.dynamodb.user_profile_table,
                Item=items.key(user_id, timestamp(self._now())),
                ConditionExpression="attribute_not_exists(userId)",
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    async def has_none(self, user_id: str) -> bool:
        """Return whether the user has no item, by a strongly consistent read."""
        table = Table(self.clients.dynamodb.aioboto3, self.config.dynamodb.user_profile_table)
        return not await table.items(user_id)

    async def create(self, user_id: str) -> Profile | None:
        """Create the profile as the store does; None where another was first."""
        store = store_on(self.clients, self.config, self._now)
        try:
            return await store.create(user_id, {"n": self.number})
        except ProfileChanged:
            return None

    def _now(self) -> datetime:
        return NOON + timedelta(milliseconds=self.number)


@pytest.fixture
def racers(clients: Clients, config: Config) -> list[Racer]:
    """Return all of them."""
    return [Racer(clients, config, number) for number in range(RACERS)]


async def test_condition_sees_its_own_key_only(
    racers: list[Racer], table: Table, user_id: str
) -> None:
    """Conditional Puts at different milliseconds do not exclude one another."""
    assert [await racer.put_unless_exists(user_id) for racer in racers] == [True] * RACERS
    assert not await racers[0].put_unless_exists(user_id)

    assert len(await table.items(user_id)) == RACERS


async def test_reading_first_does_not_help(racers: list[Racer], table: Table, user_id: str) -> None:
    """All read that there is none, consistently, before the first of them writes."""
    assert await asyncio.gather(*(racer.has_none(user_id) for racer in racers)) == [True] * RACERS

    await asyncio.gather(*(racer.put_unless_exists(user_id) for racer in racers))

    assert len(items.live_items(await table.items(user_id))) == RACERS


async def test_claim_admits_one_creation(racers: list[Racer], table: Table, user_id: str) -> None:
    """With the store's transaction one creation succeeds, and one raises ProfileChanged."""
    outcomes = await asyncio.gather(*(racer.create(user_id) for racer in racers))

    (created,) = (outcome for outcome in outcomes if outcome is not None)
    (live,) = items.live_items(await table.items(user_id))
    assert items.profile_of(live) == created


async def test_claim_stops_whoever_comes_late(
    racers: list[Racer], table: Table, user_id: str
) -> None:
    """One that read that there is none, and writes long after another has created, creates nothing."""
    assert await racers[1].create(user_id) is not None

    assert [await racers[number].create(user_id) for number in (0, 2, 3)] == [None] * 3

    assert len(items.live_items(await table.items(user_id))) == 1
