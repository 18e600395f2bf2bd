"""Profiles: the value, the rules of writing one, and the port of the store that keeps them."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, TypeAlias, TypeVar

from service.domain.errors import PreconditionFailed, ProfileChanged, ProfileNotFound

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Fields: TypeAlias = Mapping[str, JsonValue]

_Outcome = TypeVar("_Outcome")

SYSTEM_FIELDS = ("userId", "createdAt", "updatedAt", "version")

FIRST_PAUSE_S = 0.005  # about one round trip to DynamoDB inside a region
LONGEST_PAUSE_S = 0.25
# About five seconds of pauses: nobody loses so often but to a store that is wrong.
MAX_ATTEMPTS = 40

# How long a closed account gets no new profile: the longest life of its access tokens, 24 hours
# (AccessTokenValidityType in Cognito's service model), and as much again for clocks that differ.
CLOSED_FOR = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Profile:
    """
    A user's profile as the store holds it.

    *created_at* and *updated_at* are timestamps as stored: those that this service writes are
    ISO 8601 UTC with milliseconds. *version* counts the service's writes; 0 means that another
    program wrote the profile and this service never has. *fields* holds all that is not the
    service's own, the attributes of other programs included. *writes* is the store's own note of the
    newest writes; it is no part of what the profile is.
    """

    user_id: str
    created_at: str
    updated_at: str
    version: int
    fields: Fields
    writes: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The outcome of a write: the profile as it is now, and whether the write made it."""

    profile: Profile
    created: bool


class ProfileStore(Protocol):
    """
    The port of the store.

    At most one live profile for a user, whatever races. A method that returns has made its effect
    durable. All raise UpstreamUnavailable, Misconfigured or UpstreamFault; those that write raise
    ProfileTooLarge.
    """

    async def find(self, user_id: str) -> Profile | None:
        """Return the live profile, or None; fresh or eventually consistent as configured."""

    async def find_latest(self, user_id: str) -> Profile | None:
        """Return the live profile, or None; every write acknowledged before the call is seen."""

    async def create(self, user_id: str, fields: Fields) -> Profile:
        """
        Create the profile of a user for whom `find_latest` found none.

        Raises ProfileChanged where somebody else created it in between, AccountClosed where the
        account was closed less than CLOSED_FOR ago.
        """

    async def update(self, seen: Profile, changes: Fields) -> Profile:
        """
        Set the fields in *changes*, remove those that are None there, leave all others.

        Raises ProfileChanged where the profile is no longer as *seen*.
        """

    async def delete(self, seen: Profile) -> None:
        """
        Erase the profile, what other programs keep in it included; a later one is a fresh one.

        Raises ProfileChanged where the profile is no longer as *seen*.
        """

    async def close(self, user_id: str) -> None:
        """
        Erase the profile, if there is one, and let none be created for CLOSED_FOR from now.

        May be repeated at any time. Raises ProfileChanged where others write again and again.
        """


class Condition(Protocol):
    """What the caller requires of the profile before a write."""

    def allows(self, profile: Profile | None) -> bool:
        """Tell whether the write may go ahead; None is a user without a profile."""


def merged(fields: Fields, changes: Fields) -> dict[str, JsonValue]:
    """Return *fields* with *changes* applied; None removes a field."""
    result = {**fields, **changes}
    return {name: value for name, value in result.items() if value is not None}


def merge_patch(target: JsonValue, patch: JsonValue) -> JsonValue:
    """Return *target* with *patch* applied (RFC 7396, section 2): objects merge, null removes a name."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def same(one: object, other: object) -> bool:
    """Tell whether two JSON values are the same; for Python, true is 1 and 1 is 1.0."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


async def create_or_merge(
    store: ProfileStore,
    user_id: str,
    changes: Fields,
    condition: Condition,
    *,
    attempts: int = MAX_ATTEMPTS,
) -> WriteResult:
    """
    Create the profile out of *changes*, or merge them into the one that is there.

    A field is replaced as a whole, an object too. Changes that change nothing are not written.
    Raises PreconditionFailed, ProfileChanged, AccountClosed.
    """

    async def write(seen: Profile | None) -> WriteResult:
        if seen is None:
            return WriteResult(await store.create(user_id, merged({}, changes)), created=True)
        return WriteResult(await _updated(store, seen, changes), created=False)

    return await _on_the_latest(store, user_id, condition, write, attempts)


async def replace(
    store: ProfileStore, user_id: str, fields: Fields, declared: Iterable[str], condition: Condition
) -> WriteResult:
    """
    Create the profile out of *fields*, or make them the only ones of the one that is there.

    Of the fields *declared* by the schema, those that *fields* lacks are removed; what other programs
    keep under other names stays. Raises as `create_or_merge`.
    """
    return await create_or_merge(store, user_id, {**dict.fromkeys(declared), **fields}, condition)


async def patch(
    store: ProfileStore,
    user_id: str,
    changes: Fields,
    condition: Condition,
    *,
    check: Callable[[Fields], object] | None = None,
) -> Profile:
    """
    Apply *changes* to the profile as a merge patch (RFC 7396): nested objects merge as well.

    *check* is called with the fields as they are about to be set, and refuses them by raising: small
    objects can merge into a large one. Raises ProfileNotFound, PreconditionFailed, ProfileChanged.
    """

    async def write(seen: Profile | None) -> Profile:
        if seen is None:
            raise ProfileNotFound
        patched = {
            name: merge_patch(seen.fields.get(name), value) for name, value in changes.items()
        }
        if check is not None:
            check(patched)
        return await _updated(store, seen, patched)

    return await _on_the_latest(store, user_id, condition, write)


async def delete(store: ProfileStore, user_id: str, condition: Condition) -> None:
    """Erase the profile; raises ProfileNotFound, PreconditionFailed, ProfileChanged."""

    async def write(seen: Profile | None) -> None:
        if seen is None:
            raise ProfileNotFound
        await store.delete(seen)

    await _on_the_latest(store, user_id, condition, write)


async def until_unchanged(
    write: Callable[[], Awaitable[_Outcome]], attempts: int = MAX_ATTEMPTS
) -> _Outcome:
    """Do *write*, again where another write came in between; raises ProfileChanged after *attempts*."""
    for attempt in range(attempts):
        try:
            return await write()
        except ProfileChanged:
            await _pause(attempt)
    raise ProfileChanged


async def _on_the_latest(
    store: ProfileStore,
    user_id: str,
    condition: Condition,
    write: Callable[[Profile | None], Awaitable[_Outcome]],
    attempts: int = MAX_ATTEMPTS,
) -> _Outcome:
    """Read, check *condition*, write on what was read; all of it again where another write came first."""

    async def checked() -> _Outcome:
        seen = await store.find_latest(user_id)
        if not condition.allows(seen):
            raise PreconditionFailed
        return await write(seen)

    return await until_unchanged(checked, attempts)


async def _updated(store: ProfileStore, seen: Profile, changes: Fields) -> Profile:
    """Write *changes*, unless they change nothing; an absent field is the same as a null."""
    if all(same(seen.fields.get(name), value) for name, value in changes.items()):
        return seen
    return await store.update(seen, changes)


async def _pause(attempt: int) -> None:
    """Wait a random time up to a bound that doubles with each attempt (full jitter)."""
    bound_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt)
    await asyncio.sleep(random.uniform(0, bound_s))  # noqa: S311 -- spreads load, guards nothing
