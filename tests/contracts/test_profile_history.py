"""The contract of every history of profiles; run on the fake and on DynamoDB."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from service.aws.clients import open_clients
from service.config.settings import Config
from service.domain import profile_history
from service.domain.errors import (
    HistoryExpired,
    PreconditionFailed,
    ProfileNotFound,
    VersionNotFound,
)
from service.domain.profile_history import PastVersion, ProfileHistory
from service.domain.profiles import Fields, Profile, ProfileStore
from service.domain.values.json_values import JsonValue
from service.domain.values.timestamps import timestamp
from service.profile_store.past_states import Retention
from tests.profile_store.table import NOON, SetClock, store_on
from tests.support.conditions import Always
from tests.support.configs import CREDENTIALS
from tests.support.fakes.profile_history import MemoryProfileHistory
from tests.support.fakes.profiles import MemoryProfileStore

DAYS = 30
HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Kept:
    """A store with a history, and their clock."""

    store: ProfileStore
    history: ProfileHistory
    clock: SetClock

    async def written(self, user_id: str, *fields: Fields) -> Profile:
        """Create a profile, and update it an hour later for each further *fields*."""
        first, *others = fields
        profile = await self.store.create(user_id, first)
        for changes in others:
            self.clock.ahead += HOUR
            profile = await self.store.update(profile, changes)
        return profile

    async def versions(self, profile: Profile, before: int | None = None) -> list[int]:
        """Return the numbers of up to three past versions."""
        page = await self.history.page(profile, limit=3, before=before)
        return [past.version for past in page.versions]


@pytest.fixture(params=["memory", "dynamodb"])
async def kept(request: pytest.FixtureRequest, config: Config) -> AsyncIterator[Kept]:
    """Open each store in turn."""
    clock = SetClock()
    if request.param == "memory":
        store = MemoryProfileStore(clock=clock)
        yield Kept(store, MemoryProfileHistory(store, days=DAYS, clock=clock), clock)
        return
    retention = Retention(("city", "bio", "preferences"), timedelta(days=DAYS))
    async with open_clients(config, CREDENTIALS) as clients:
        on_table = store_on(clients, config, clock, retention)
        assert on_table.history is not None
        yield Kept(on_table, on_table.history, clock)


@pytest.fixture
def user_id() -> str:
    """Return a user of this test alone."""
    return str(uuid.uuid4())


async def test_profile_that_never_changed_has_no_past(kept: Kept, user_id: str) -> None:
    """The present version is not a past one."""
    profile = await kept.written(user_id, {"city": "Mumbai"})

    page = await kept.history.page(profile, limit=3)

    assert (page.versions, page.next_before) == ([], None)
    assert await kept.history.at_version(profile, 1) == profile


async def test_past_versions_have_times_and_changes(kept: Kept, user_id: str) -> None:
    """A version begins with its write, ends with the next one, and names the fields it changed."""
    profile = await kept.written(
        user_id, {"city": "Mumbai", "bio": "a"}, {"city": "Pune", "bio": "a"}, {"bio": None}
    )

    page = await kept.history.page(profile, limit=3)

    noon, one, two = (timestamp(NOON + hours * HOUR) for hours in range(3))
    assert page.versions == [
        PastVersion(2, one, two, ("city",)),
        PastVersion(1, noon, one, ("bio", "city")),
    ]


async def test_versions_are_paged(kept: Kept, user_id: str) -> None:
    """A page names the version before which the next one begins."""
    profile = await kept.written(user_id, {}, *({"bio": str(n)} for n in range(2, 7)))

    first = await kept.history.page(profile, limit=3)
    second = await kept.history.page(profile, limit=3, before=first.next_before)

    assert [past.version for past in first.versions] == [5, 4, 3]
    assert first.next_before == 3
    assert [past.version for past in second.versions] == [2, 1]
    assert second.next_before is None
    assert second.versions[0].ends == first.versions[-1].begins
    assert await kept.versions(profile, before=0) == []
    assert await kept.versions(profile, before=99) == [5, 4, 3]


async def test_past_version_is_read_as_it_was(kept: Kept, user_id: str) -> None:
    """A past version has its fields, its number and its time."""
    value: JsonValue = {"a": [1, 2.5, None, True, {"b": "c"}]}
    profile = await kept.written(user_id, {"preferences": value}, {"preferences": None, "bio": "b"})

    past = await kept.history.at_version(profile, 1)

    assert (past.version, past.fields) == (1, {"preferences": value})
    assert past.created_at == past.updated_at == profile.created_at
    for missing in (0, 3, 10**15 - 1):
        with pytest.raises(VersionNotFound):
            await kept.history.at_version(profile, missing)


async def test_state_at_any_time_is_found(kept: Kept, user_id: str) -> None:
    """At a time the profile is that of the last write until then; before the creation there is none."""
    numbers = range(1, 5)
    profile = await kept.written(user_id, *({"bio": str(n)} for n in numbers))

    for n in numbers:
        for at in (NOON + (n - 1) * HOUR, NOON + n * HOUR - timedelta(milliseconds=1)):
            assert (await kept.history.as_of(profile, at)).fields == {"bio": str(n)}
    assert await kept.history.as_of(profile, NOON + timedelta(days=999)) == profile
    with pytest.raises(ProfileNotFound):
        await kept.history.as_of(profile, NOON - timedelta(milliseconds=1))


async def test_expired_versions_are_gone_at_once(kept: Kept, user_id: str) -> None:
    """A past version is kept for the retention period after it was replaced, to the millisecond."""
    profile = await kept.written(user_id, {"bio": "1"}, {"bio": "2"}, {"bio": "3"})
    kept.clock.ahead = HOUR + timedelta(days=DAYS)

    assert await kept.versions(profile) == [2]
    with pytest.raises(VersionNotFound):
        await kept.history.at_version(profile, 1)
    with pytest.raises(HistoryExpired):
        await kept.history.as_of(profile, NOON)
    assert (await kept.history.as_of(profile, NOON + HOUR)).fields == {"bio": "2"}


async def test_new_profile_has_no_past_of_the_deleted_one(kept: Kept, user_id: str) -> None:
    """The history of a deleted profile is never shown."""
    await kept.store.delete(await kept.written(user_id, {"bio": "1"}, {"bio": "2"}))
    profile = await kept.written(user_id, {"bio": "1"}, {"bio": "2"}, {"bio": "3"})

    assert await kept.versions(profile) == [2, 1]
    assert (await kept.history.at_version(profile, 1)).created_at == profile.created_at


async def test_reverting_sets_the_named_fields(kept: Kept, user_id: str) -> None:
    """A revert sets and removes the named fields alone, as a new version."""
    await kept.written(user_id, {"city": "Mumbai"}, {"city": "Pune", "bio": "b"}, {"bio": "c"})

    async def reverted(version: int, *names: str) -> Profile:
        saved = await profile_history.revert(
            kept.store,
            kept.history,
            user_id,
            version=version,
            names=names,
            condition=Always(),
            load=lambda values: values,
        )
        return saved.profile

    city = await reverted(1, "city")
    assert (city.version, city.fields) == (4, {"city": "Mumbai", "bio": "c"})
    both = await reverted(1, "city", "bio")
    assert (both.version, both.fields) == (5, {"city": "Mumbai"})
    assert (await reverted(1, "city", "bio")).version == 5  # nothing to change
    with pytest.raises(VersionNotFound):
        await reverted(9, "city")


async def test_revert_without_a_profile_is_refused(kept: Kept, user_id: str) -> None:
    """Reverting creates no profile, and respects the precondition."""

    class Never:
        """A condition that allows nothing."""

        def allows(self, _: Profile | None) -> bool:
            """Refuse it."""
            return False

    async def revert(condition: Always | Never) -> None:
        await profile_history.revert(
            kept.store,
            kept.history,
            user_id,
            version=1,
            names=["city"],
            condition=condition,
            load=lambda values: values,
        )

    with pytest.raises(ProfileNotFound):
        await revert(Always())
    await kept.written(user_id, {"city": "Mumbai"}, {"city": "Pune"})
    with pytest.raises(PreconditionFailed):
        await revert(Never())
