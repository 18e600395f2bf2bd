"""Every acknowledged version is in the history once, in order, whoever is killed and whatever is lost."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import pytest

from service.config.settings import Config
from service.domain import profile_history, profiles
from service.domain.errors import ServiceError, VersionNotFound
from service.domain.profile_history import PastVersion
from service.domain.profiles import Profile
from service.domain.values.json_values import JsonValue
from service.domain.values.timestamps import moment
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.partitions import HISTORY, partition_key
from tests.profile_store.table import Table, store_behind_proxy
from tests.support.conditions import Always
from tests.support.lossy_proxy import LossyProxy
from tests_slow.profile_store.test_deletion import SECRET
from tests_slow.profile_store.test_history import RETENTION

PROCESSES: Final = 3
CALLS: Final = 12  # of each process
FIELDS: Final = ("city", "bio")


class Process:
    """A store behind a proxy that loses replies; its calls are sometimes cancelled, as by a kill."""

    def __init__(
        self,
        store: DynamoDBProfileStore,
        proxy: LossyProxy,
        rng: random.Random,
        *,
        deletes: bool = False,
    ) -> None:
        self._deletes = deletes
        self._store = store
        self._proxy = proxy
        self._rng = rng
        self.acknowledged: list[Profile] = []

    async def run(self, user_id: str, name: str) -> None:
        """Make all calls, one after the other."""
        for number in range(CALLS):
            lost = self._rng.choice(["PutItem", "UpdateItem", "Query", None, None])
            if lost is not None:
                self._proxy.losing[lost] = 1
            killed_after_s = self._rng.choice([0.005, 0.02, 0.05, None, None, None])
            try:
                async with asyncio.timeout(killed_after_s):
                    if self._deletes and self._rng.random() < 0.2:
                        await profiles.delete(self._store, user_id, Always())
                        continue
                    self.acknowledged.append(await self._write(user_id, f"{name}{number}"))
            except (ServiceError, TimeoutError):
                continue

    async def _write(self, user_id: str, value: JsonValue) -> Profile:
        if self._rng.random() < 0.2:
            assert self._store.history is not None
            saved = await profile_history.revert(
                self._store,
                self._store.history,
                user_id,
                version=self._rng.randint(1, 5),
                names=self._rng.choice([("city",), FIELDS]),
                condition=Always(),
                load=lambda values: values,
            )
            return saved.profile
        changes = {self._rng.choice(FIELDS): value}
        saved = await profiles.create_or_merge(self._store, user_id, changes, Always())
        return saved.profile


async def _whole_history(store: DynamoDBProfileStore, live: Profile) -> list[PastVersion]:
    """Return all past versions, oldest first, read in pages of seven."""
    assert store.history is not None
    found: list[PastVersion] = []
    before: int | None = None
    while True:
        page = await store.history.page(live, limit=7, before=before)
        found += page.versions
        before = page.next_before
        if before is None:
            return found[::-1]


@asynccontextmanager
async def _race(
    config: Config, user_id: str, seed: int, *, deletes: bool
) -> AsyncIterator[tuple[DynamoDBProfileStore, list[Process]]]:
    """Yield the store of one of several processes, and all of them after their calls."""
    rng = random.Random(seed)  # noqa: S311 -- a race to be replayed
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(
                store_behind_proxy(config, lambda: datetime.now(UTC), RETENTION)  # noqa: TID251 -- times that pass
            )
            for _ in range(PROCESSES)
        ]
        processes = [
            Process(*pair, random.Random(rng.random()), deletes=deletes)  # noqa: S311 -- likewise
            for pair in opened
        ]
        await opened[0][0].create(user_id, {"city": "first"})
        await asyncio.gather(
            *(each.run(user_id, f"{SECRET}{number}-") for number, each in enumerate(processes))
        )
        for _, proxy in opened:
            proxy.losing.clear()
        yield opened[0][0], processes


@pytest.mark.parametrize("seed", range(2))
async def test_every_acknowledged_version_is_in_the_history(
    config: Config, user_id: str, seed: int
) -> None:
    """The list, single versions and times agree with what each process was told."""
    async with _race(config, user_id, seed, deletes=False) as (store, processes):
        live = await store.find_latest(user_id)
        assert live is not None
        assert store.history is not None
        past = await _whole_history(store, live)

        assert [each.version for each in past] == [*range(1, live.version)]
        assert not any(each.by_other_application for each in past)
        ends = [*(each.begins for each in past[1:]), live.updated_at]
        assert [each.ends for each in past] == ends
        states: dict[int, Profile] = {live.version: live}
        for each in past:
            states[each.version] = await store.history.at_version(live, each.version)
            assert states[each.version].updated_at == each.begins
        for version in range(2, live.version + 1):
            before, after = states[version - 1].fields, states[version].fields
            changed = sorted(name for name in FIELDS if before.get(name) != after.get(name))
            assert [each.changed for each in past if each.version == version] in ([], [(*changed,)])
        for process in processes:
            assert process.acknowledged
            for told in process.acknowledged:
                kept = states[told.version]
                assert (kept.updated_at, kept.fields) == (told.updated_at, told.fields)
        for each in past:
            at = moment(each.begins)
            assert at is not None
            assert (await store.history.as_of(live, at)).updated_at == each.begins
    with pytest.raises(VersionNotFound):
        await store.history.at_version(live, live.version + 1)


@pytest.mark.parametrize("seed", range(2))
async def test_profile_among_deletions_has_its_own_history_alone(
    config: Config, table: Table, user_id: str, seed: int
) -> None:
    """The last profile has all of its past versions, and after its deletion no item holds data."""
    async with _race(config, user_id, seed, deletes=True) as (store, _):
        await profiles.create_or_merge(store, user_id, {"city": SECRET, "bio": "last"}, Always())
        live = await store.find_latest(user_id)
        assert live is not None
        past = await _whole_history(store, live)
        assert [each.version for each in past] == [*range(1, live.version)]

        await profiles.delete(store, user_id, Always())

        assert SECRET not in str(await table.items(user_id))
        assert SECRET not in str(await table.items(partition_key(user_id, HISTORY)))
