"""
A delayed call, which DynamoDB receives after the caller's timeout and retry.

If the retry fails with a transaction conflict, the first attempt may still be applied. A caller that
treats it as rejected and writes again writes twice.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from service.config.settings import Config
from service.domain import profiles
from service.domain.errors import UpstreamUnavailable
from service.domain.profiles import ProfileStore
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from tests.profile_store.table import store_behind_proxy
from tests.support.conditions import Always
from tests.support.lossy_proxy import Hook, LossyProxy

TIMEOUT_S = 0.5
CONFLICT = "TransactionConflictException"


class Late:
    """Delays one call until another call comes, which waits until the first one was executed."""

    def __init__(self, proxy: LossyProxy, operation: str) -> None:
        self._comes, self._made = asyncio.Event(), asyncio.Event()
        proxy.before[operation] = [self._comes.wait, self._let_go]
        proxy.after[operation] = [self._note]
        proxy.refusing[operation] = [None, CONFLICT]
        self.meanwhile: list[Hook] = []

    async def _let_go(self) -> None:
        self._comes.set()
        await self._made.wait()
        for deed in self.meanwhile:
            await deed()

    async def _note(self) -> None:
        self._made.set()

    async def made(self) -> None:
        """Let the call through, if nothing has yet, and wait until it was made."""
        self._comes.set()
        await self._made.wait()


@pytest.fixture
async def impatient(config: Config) -> AsyncIterator[tuple[DynamoDBProfileStore, LossyProxy]]:
    """Open a store behind a proxy that waits for half a second only."""
    hasty = replace(config, dynamodb=replace(config.dynamodb, read_timeout_s=TIMEOUT_S))
    async with store_behind_proxy(hasty) as opened:
        yield opened


def _merging(store: ProfileStore, user_id: str, city: str) -> Hook:
    async def deed() -> None:
        await profiles.create_or_merge(store, user_id, {"city": city}, Always())

    return deed


async def test_update_that_may_still_apply_is_not_repeated(
    impatient: tuple[DynamoDBProfileStore, LossyProxy], user_id: str
) -> None:
    """The outcome is unknown and reported as such: a write over the late one is not undone."""
    store, proxy = impatient
    await store.create(user_id, {"city": "Mumbai"})
    late = Late(proxy, "UpdateItem")
    late.meanwhile = [_merging(store, user_id, "Nagpur")]

    with pytest.raises(UpstreamUnavailable):
        await profiles.create_or_merge(store, user_id, {"city": "Pune"}, Always())

    await late.made()
    await _merging(store, user_id, "Nagpur")()
    found = await store.find_latest(user_id)
    assert found is not None
    assert (found.version, found.fields) == (3, {"city": "Nagpur"})


async def test_creation_that_may_still_be_made_is_not_made_again(
    impatient: tuple[DynamoDBProfileStore, LossyProxy], user_id: str
) -> None:
    """The outcome is open: a creation never takes its own late profile for another's."""
    store, proxy = impatient
    late = Late(proxy, "TransactWriteItems")

    with pytest.raises(UpstreamUnavailable):
        await profiles.create_or_merge(store, user_id, {"city": "Pune"}, Always())

    await late.made()
    found = await store.find_latest(user_id)
    assert found is not None
    assert (found.version, found.fields) == (1, {"city": "Pune"})
