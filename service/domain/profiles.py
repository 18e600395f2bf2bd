"""Profiles: the value, the rules of writing, and the port of the store."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol, TypeAlias, TypeVar

from service.domain.errors import PreconditionFailed, ProfileChanged, ProfileNotFound
from service.domain.values.backoff import pause_s
from service.domain.values.json_values import JsonValue, changed_names, merge_patch, merged

Fields: TypeAlias = Mapping[str, JsonValue]

_Outcome = TypeVar("_Outcome")

SYSTEM_FIELDS = ("userId", "createdAt", "updatedAt", "version")

MAX_USERS = 100  # of one read of many profiles: KeyList in DynamoDB's service model

FIRST_PAUSE_S = 0.005  # about one round trip to DynamoDB inside a region
LONGEST_PAUSE_S = 0.25
MAX_ATTEMPTS = 40  # about five seconds of pauses

# Twice the longest lifetime of an access token (AccessTokenValidityType in Cognito's service model).
CLOSURE_PERIOD = timedelta(hours=48)


@dataclass(slots=True)  # Final in place of frozen, which takes four times as long to construct
class Profile:
    """
    A user's profile as the store holds it.

    *created_at* and *updated_at* are timestamps as stored; those that this service writes are
    ISO 8601 UTC with milliseconds. *version* counts the writes of this service; 0 means that only
    other applications have written the profile. *fields* holds all attributes except the service's
    own, including those of other applications.
    """

    user_id: Final[str]
    created_at: Final[str]
    updated_at: Final[str]
    version: Final[int]
    fields: Final[Fields]


@dataclass(frozen=True, slots=True)
class Latest:
    """
    The result of a strongly consistent read: the live profile of a user, or None.

    A store returns a subclass with what its writes would otherwise have to read again.
    """

    profile: Profile | None


@dataclass(frozen=True, slots=True)
class WriteResult:
    """
    The profile after a write, whether the write created it, and the names of the fields that it changed.

    A write that changed no field of an existing profile has not been made.
    """

    profile: Profile
    created: bool
    changed: tuple[str, ...]


class ProfileStore(Protocol):
    """
    The port of the profile store.

    A user has at most one live profile. The effect of a method that returns is durable. All raise
    UpstreamUnavailable, Misconfigured or UpstreamFault; writing methods also raise ProfileTooLarge.
    """

    async def find(self, user_id: str) -> Profile | None:
        """Return the live profile, or None, with the configured consistency."""

    async def find_latest(self, user_id: str) -> Profile | None:
        """Return the live profile, or None, by a strongly consistent read."""

    async def read_latest(self, user_id: str) -> Latest:
        """Return what `find_latest` returns, for a write that follows."""

    async def read_for_update(self, user_id: str) -> Latest:
        """Return what `read_latest` returns, except that other applications' items may be missed."""

    async def find_many(self, user_ids: Collection[str]) -> Mapping[str, Profile]:
        """
        Return the live profiles of up to MAX_USERS users by user id, as `find` does for each of them.

        A user without a profile is absent. If one of them cannot be read, the error is raised.
        """

    async def create(self, user_id: str, fields: Fields, latest: Latest | None = None) -> Profile:
        """
        Create the profile of a user for whom *latest*, or `find_latest`, found none.

        *latest* saves a read, and may be outdated. Raises ProfileChanged where another request created
        it in between, AccountClosed where the account was closed less than CLOSURE_PERIOD ago.
        """

    async def update(self, seen: Profile, changes: Fields) -> Profile:
        """
        Set the fields in *changes* and remove those that are None; other fields are unchanged.

        Raises ProfileChanged where the profile is no longer as *seen*, which this store returned.
        """

    async def delete(self, seen: Profile, latest: Latest | None = None) -> None:
        """
        Delete the profile with all attributes, including those of other applications.

        *latest*, the read that returned *seen*, saves another one. All other data of the user is erased
        before it, so that the user can repeat the deletion. Raises ProfileChanged where the profile is
        no longer as *seen*.
        """

    async def erase_remains(self, user_id: str) -> None:
        """Erase the other data of a user without a profile; of a user with one it erases none."""

    async def close(self, user_id: str) -> None:
        """
        Delete the profile, if there is one, and block creation for CLOSURE_PERIOD from now.

        All other data of the user is erased before it. Idempotent. Raises ProfileChanged where
        concurrent writes continue.
        """


class Condition(Protocol):
    """The caller's precondition of a write."""

    def allows(self, profile: Profile | None) -> bool:
        """Return whether the write is allowed; None is a user without a profile."""


async def create_or_merge(
    store: ProfileStore,
    user_id: str,
    changes: Fields,
    condition: Condition,
    *,
    attempts: int = MAX_ATTEMPTS,
) -> WriteResult:
    """
    Create the profile from *changes*, or apply them to it; each field is replaced as a whole.

    Changes without effect are not written. Raises PreconditionFailed, ProfileChanged, AccountClosed.
    """

    async def write(latest: Latest) -> WriteResult:
        if latest.profile is None:
            created = await store.create(user_id, merged({}, changes), latest)
            return WriteResult(created, created=True, changed=changed_names({}, changes))
        return await updated(store, latest.profile, changes)

    return await on_latest(store.read_for_update, user_id, condition, write, attempts)


async def replace(
    store: ProfileStore, user_id: str, fields: Fields, declared: Iterable[str], condition: Condition
) -> WriteResult:
    """
    Create the profile from *fields*, or replace the fields of the existing one.

    Fields *declared* by the schema and absent from *fields* are removed; attributes of other
    applications stay. Raises as `create_or_merge`.
    """
    return await create_or_merge(store, user_id, {**dict.fromkeys(declared), **fields}, condition)


async def patch(
    store: ProfileStore,
    user_id: str,
    changes: Fields,
    condition: Condition,
    *,
    check: Callable[[Fields], object] = lambda _: None,
) -> WriteResult:
    """
    Apply *changes* to the profile as a merge patch (RFC 7396).

    *check* rejects the patched fields by raising. Raises ProfileNotFound, PreconditionFailed,
    ProfileChanged.
    """

    async def write(latest: Latest) -> WriteResult:
        seen = latest.profile
        if seen is None:
            raise ProfileNotFound
        patched = {
            name: merge_patch(seen.fields.get(name), value) for name, value in changes.items()
        }
        check(patched)
        return await updated(store, seen, patched)

    return await on_latest(store.read_for_update, user_id, condition, write)


async def delete(store: ProfileStore, user_id: str, condition: Condition) -> None:
    """Delete the profile; raises ProfileNotFound, PreconditionFailed, ProfileChanged."""

    async def write(latest: Latest) -> None:
        if latest.profile is None:
            await store.erase_remains(user_id)  # of a deletion whose last step failed
            raise ProfileNotFound
        await store.delete(latest.profile, latest)

    await on_latest(store.read_latest, user_id, condition, write)


async def until_unchanged(
    write: Callable[[], Awaitable[_Outcome]], attempts: int = MAX_ATTEMPTS
) -> _Outcome:
    """Call *write* until it does not raise ProfileChanged, at most *attempts* times."""
    for attempt in range(attempts):
        try:
            return await write()
        except ProfileChanged:
            await asyncio.sleep(pause_s(attempt, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S))
    raise ProfileChanged


async def on_latest(
    read: Callable[[str], Awaitable[Latest]],
    user_id: str,
    condition: Condition,
    write: Callable[[Latest], Awaitable[_Outcome]],
    attempts: int = MAX_ATTEMPTS,
) -> _Outcome:
    """Read the profile, check *condition* and write; repeated where another write came first."""

    async def checked() -> _Outcome:
        latest = await read(user_id)
        if not condition.allows(latest.profile):
            raise PreconditionFailed
        return await write(latest)

    return await until_unchanged(checked, attempts)


async def updated(store: ProfileStore, seen: Profile, changes: Fields) -> WriteResult:
    """Write *changes* if they have an effect."""
    changed = changed_names(seen.fields, changes)
    profile = await store.update(seen, changes) if changed else seen
    return WriteResult(profile, created=False, changed=changed)
