"""The rules of writing a profile."""

import pytest

from service.domain import profiles
from service.domain.errors import (
    AccountClosed,
    InvalidFields,
    PreconditionFailed,
    ProfileChanged,
    ProfileNotFound,
)
from service.domain.profiles import Fields, Latest, Profile
from service.domain.values.json_values import JsonValue, merge_patch, merged
from tests.support.fakes.profiles import MemoryProfileStore


class Always:
    """A condition that allows, or does not."""

    def __init__(self, *, allowed: bool = True) -> None:
        self._allowed = allowed

    def allows(self, _: Profile | None) -> bool:
        """Answer the fixed answer."""
        return self._allowed


class OvertakenStore(MemoryProfileStore):
    """A store in which another writer comes first, *times* times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    async def create(self, user_id: str, fields: Fields, latest: Latest | None = None) -> Profile:
        """Let the other one create first."""
        if self._left:
            self._left -= 1
            await super().create(user_id, {"other": self._left})
        return await super().create(user_id, fields, latest)

    async def update(self, seen: Profile, changes: Fields) -> Profile:
        """Let the other one update first."""
        if self._left:
            self._left -= 1
            await super().update(seen, {"other": self._left})
        return await super().update(seen, changes)

    async def delete(self, seen: Profile, latest: Latest | None = None) -> None:
        """Let the other one update first."""
        if self._left:
            self._left -= 1
            await super().update(seen, {"other": self._left})
        await super().delete(seen, latest)


class ForeignStore(MemoryProfileStore):
    """A store with a profile in which another application left a null."""

    async def find(self, user_id: str) -> Profile | None:
        """Return the foreign profile."""
        return Profile(user_id, "2020", "2020", 0, {"city": "Mumbai", "theirs": None, "bio": None})


async def test_overtaken_write_begins_again_and_keeps_both() -> None:
    """A conflict is retried for a caller without a condition, and both writes are kept."""
    store = OvertakenStore(times=5)

    saved = await profiles.create_or_merge(store, "alice", {"city": "Mumbai"}, Always())

    assert not saved.created
    assert saved.profile.fields == {"other": 0, "city": "Mumbai"}
    assert saved.profile.version == 6


async def test_condition_is_checked_again_after_each_conflict() -> None:
    """After a conflict the condition is checked against the newer state."""

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


async def test_store_rejects_an_overtaken_write() -> None:
    """The store itself does not retry a conflicting write."""
    with pytest.raises(ProfileChanged):
        await OvertakenStore(times=1).create("alice", {})


def test_none_removes_and_is_never_kept() -> None:
    """Merging sets fields, removes those that are None, and keeps the others."""
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


async def test_write_with_endless_conflicts_fails() -> None:
    """The number of attempts is bounded."""

    class RefusingStore(MemoryProfileStore):
        async def create(
            self, user_id: str, fields: Fields, latest: Latest | None = None
        ) -> Profile:
            raise ProfileChanged(f"{user_id} {len(fields)} {latest}")

    with pytest.raises(ProfileChanged):
        await profiles.create_or_merge(RefusingStore(), "alice", {}, Always(), attempts=3)


async def test_null_of_another_application_is_no_change() -> None:
    """An absent field equals null, and fields that are not in the request do not count."""
    saved = await profiles.create_or_merge(
        ForeignStore(), "alice", {"city": "Mumbai", "bio": None}, Always()
    )

    assert saved.profile.version == 0


async def test_closed_account_gets_no_profile() -> None:
    """A write whose profile was deleted by a closing does not create another one."""

    class ClosingStore(MemoryProfileStore):
        async def update(self, seen: Profile, changes: Fields) -> Profile:
            await self.close(seen.user_id)
            return await super().update(seen, changes)

    store = ClosingStore()
    await profiles.create_or_merge(store, "alice", {"city": "Mumbai"}, Always())

    with pytest.raises(AccountClosed):
        await profiles.create_or_merge(store, "alice", {"city": "late"}, Always())


async def test_replacing_creates() -> None:
    """Where there is no profile, replacing makes one; a null is no field."""
    saved = await profiles.replace(
        MemoryProfileStore(), "alice", {"city": "Mumbai", "bio": None}, ("city", "bio"), Always()
    )

    assert (saved.created, saved.profile.fields) == (True, {"city": "Mumbai"})


async def test_replacement_removes_declared_fields_only() -> None:
    """Declared fields that are not sent are removed; undeclared attributes stay."""
    store = MemoryProfileStore()
    await store.create("alice", {"city": "Mumbai", "bio": "old", "theirs": 1})

    saved = await profiles.replace(store, "alice", {"city": "Pune"}, ("city", "bio"), Always())

    assert (saved.created, saved.profile.fields) == (False, {"city": "Pune", "theirs": 1})
    assert await store.find("alice") == saved.profile


async def test_replacing_by_the_same_writes_nothing() -> None:
    """A replacement repeated after a lost reply gives the same profile, at the same version."""
    store = MemoryProfileStore()
    for _ in range(2):
        saved = await profiles.replace(store, "alice", {"city": "Pune"}, ("city", "bio"), Always())

    assert saved.profile.version == 1


async def test_overtaken_replacement_is_made_on_the_newer_version() -> None:
    """A replacement without a condition never sees a conflict."""
    store = OvertakenStore(times=2)
    saved = await profiles.replace(store, "alice", {"city": "Pune"}, ("city", "bio"), Always())

    assert saved.profile.fields == {"other": 0, "city": "Pune"}


@pytest.mark.parametrize(
    ("target", "change", "result"),
    [  # RFC 7396, appendix A, all of it
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
    ids=repr,
)
def test_merge_patch_is_that_of_the_standard(
    target: JsonValue, change: JsonValue, result: JsonValue
) -> None:
    """Objects merge at any depth, null removes, all else replaces."""
    before = repr(target)

    assert merge_patch(target, change) == result
    assert repr(target) == before


async def test_patch_merges_inside_fields() -> None:
    """A patch keeps what it does not name, in the profile and inside its objects."""
    store = MemoryProfileStore()
    await store.create(
        "alice", {"city": "Mumbai", "bio": "old", "preferences": {"a": {"b": 1, "c": 2}, "d": 3}}
    )

    patched = await profiles.patch(
        store, "alice", {"bio": None, "preferences": {"a": {"b": None, "e": 4}}}, Always()
    )

    fields = {"city": "Mumbai", "preferences": {"a": {"c": 2, "e": 4}, "d": 3}}
    assert patched.profile.fields == fields
    assert patched.changed
    assert await store.find("alice") == patched.profile


async def test_overtaken_patch_is_merged_into_the_newer_version() -> None:
    """A patch without a condition never sees a conflict, inside an object either."""

    class MergingStore(MemoryProfileStore):
        overtaken = False

        async def update(self, seen: Profile, changes: Fields) -> Profile:
            if not self.overtaken:
                self.overtaken = True
                await super().update(seen, {"preferences": {"theirs": 1}})
            return await super().update(seen, changes)

    store = MergingStore()
    await store.create("alice", {})

    patched = await profiles.patch(store, "alice", {"preferences": {"mine": 2}}, Always())

    assert patched.profile.fields == {"preferences": {"theirs": 1, "mine": 2}}


async def test_patch_without_effect_writes_nothing() -> None:
    """A patch without effect creates no version."""
    store = MemoryProfileStore()
    await store.create("alice", {"preferences": {"a": 1}})

    patched = await profiles.patch(
        store, "alice", {"preferences": {"a": 1, "b": None}, "bio": None}, Always()
    )

    assert patched.profile.version == 1
    assert not patched.changed


async def test_patched_fields_are_checked_before_they_are_written() -> None:
    """A merged field that became too large is rejected."""
    store = MemoryProfileStore()
    created = await store.create("alice", {"preferences": {"a": 1}, "city": "Mumbai"})

    def check(fields: Fields) -> None:
        assert fields == {"preferences": {"a": 1, "b": 2}, "bio": None}
        raise InvalidFields

    with pytest.raises(InvalidFields):
        await profiles.patch(
            store, "alice", {"preferences": {"b": 2}, "bio": None}, Always(), check=check
        )

    assert await store.find("alice") == created


async def test_patch_and_deletion_need_a_profile() -> None:
    """Patch and deletion of a missing profile raise ProfileNotFound."""
    store = MemoryProfileStore()

    with pytest.raises(ProfileNotFound):
        await profiles.patch(store, "alice", {"city": "Mumbai"}, Always())
    with pytest.raises(ProfileNotFound):
        await profiles.delete(store, "alice", Always())


async def test_condition_applies_to_patch_replacement_and_deletion() -> None:
    """The condition is checked first, with a profile and without."""
    store = MemoryProfileStore()
    refused = Always(allowed=False)

    for _ in range(2):
        with pytest.raises(PreconditionFailed):
            await profiles.patch(store, "alice", {"city": "Pune"}, refused)
        with pytest.raises(PreconditionFailed):
            await profiles.replace(store, "alice", {"city": "Pune"}, ("city",), refused)
        with pytest.raises(PreconditionFailed):
            await profiles.delete(store, "alice", refused)
        await profiles.create_or_merge(store, "alice", {"city": "Mumbai"}, Always())

    found = await store.find("alice")
    assert found is not None
    assert found.version == 1


async def test_overtaken_deletion_is_retried() -> None:
    """A deletion without a condition is retried after a conflict."""
    store = OvertakenStore(times=3)
    await MemoryProfileStore.create(store, "alice", {"city": "Mumbai"})

    await profiles.delete(store, "alice", Always())

    assert await store.find("alice") is None
