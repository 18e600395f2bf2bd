"""The rules of writing a profile."""

import pytest

from service.domain import profiles
from service.domain.errors import PreconditionFailed, ProfileChanged
from service.domain.profiles import Fields, JsonValue, Profile, merged
from tests.fakes.profiles import MemoryProfileStore


class Always:
    """A condition that allows, or does not."""

    def __init__(self, *, allowed: bool = True) -> None:
        self._allowed = allowed

    def allows(self, _: Profile | None) -> bool:
        """Answer the fixed answer."""
        return self._allowed


class OvertakenStore(MemoryProfileStore):
    """A store in which somebody else writes first, *times* times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    async def create(self, user_id: str, fields: Fields) -> Profile:
        """Let the other one create first."""
        if self._left:
            self._left -= 1
            await super().create(user_id, {"other": self._left})
        return await super().create(user_id, fields)

    async def update(self, seen: Profile, changes: Fields) -> Profile:
        """Let the other one update first."""
        if self._left:
            self._left -= 1
            await super().update(seen, {"other": self._left})
        return await super().update(seen, changes)


async def test_overtaken_write_begins_again_and_keeps_both() -> None:
    """A caller without a condition never sees a conflict, and nobody's field is lost."""
    store = OvertakenStore(times=5)

    saved = await profiles.create_or_merge(store, "alice", {"city": "Mumbai"}, Always())

    assert not saved.created
    assert saved.profile.fields == {"other": 0, "city": "Mumbai"}
    assert saved.profile.version == 6


async def test_condition_is_asked_again_after_each_conflict() -> None:
    """A write that was overtaken is refused where the newer state does not meet the condition."""

    class NoneYet:
        def allows(self, profile: Profile | None) -> bool:
            return profile is None

    with pytest.raises(PreconditionFailed):
        await profiles.create_or_merge(OvertakenStore(times=1), "alice", {}, NoneYet())


async def test_refused_condition_writes_nothing() -> None:
    """A condition is checked before anything is written."""
    store = MemoryProfileStore()

    with pytest.raises(PreconditionFailed):
        await profiles.create_or_merge(store, "alice", {}, Always(allowed=False))

    assert await store.find("alice") is None


async def test_store_refuses_an_overtaken_write() -> None:
    """The store itself never retries: whoever calls it knows what the write was made against."""
    with pytest.raises(ProfileChanged):
        await OvertakenStore(times=1).create("alice", {})


def test_none_removes_and_is_never_kept() -> None:
    """Merging sets, removes by None, and leaves what is not named."""
    assert merged({"a": 1, "b": 2}, {"b": None, "c": 3, "d": None}) == {"a": 1, "c": 3}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1),
        (False, 0),
        (1, 1.0),
        ({"a": True}, {"a": 1}),
        ([0], [False]),
        ([1], [1, 1]),
        ({"a": None}, {}),
        ({"a": [{"b": 0}]}, {"a": [{"b": False}]}),
        ("1", 1),
        ([], {}),
    ],
    ids=repr,
)
async def test_change_of_type_alone_is_a_change(one: JsonValue, other: JsonValue) -> None:
    """For Python true is 1; for a caller it is not, so it is written."""
    store = MemoryProfileStore()
    await profiles.create_or_merge(store, "alice", {"x": one}, Always())

    saved = await profiles.create_or_merge(store, "alice", {"x": other}, Always())

    assert repr(saved.profile.fields["x"]) == repr(other)
    assert saved.profile.version == 2


async def test_repetition_is_no_change() -> None:
    """Values that are the same, whatever the order of names, are not written again."""
    store = MemoryProfileStore()
    await profiles.create_or_merge(store, "alice", {"x": {"a": [1, {"b": True}], "c": 2}}, Always())

    saved = await profiles.create_or_merge(
        store, "alice", {"x": {"c": 2, "a": [1, {"b": True}]}}, Always()
    )

    assert (saved.created, saved.profile.version) == (False, 1)


async def test_write_that_is_overtaken_for_ever_gives_up() -> None:
    """A store that refuses every write does not keep a request going until its deadline."""

    class RefusingStore(MemoryProfileStore):
        async def create(self, user_id: str, fields: Fields) -> Profile:
            raise ProfileChanged(f"{user_id} {len(fields)}")

    with pytest.raises(ProfileChanged):
        await profiles.create_or_merge(RefusingStore(), "alice", {}, Always(), attempts=3)
