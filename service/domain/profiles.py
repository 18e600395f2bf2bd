"""Profiles: the value, the rules of writing one, and the port of the store that keeps them."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from service.domain.errors import PreconditionFailed, ProfileChanged

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Fields: TypeAlias = Mapping[str, JsonValue]

SYSTEM_FIELDS = ("userId", "createdAt", "updatedAt", "version")

FIRST_PAUSE_S = 0.005  # about one round trip to DynamoDB inside a region
LONGEST_PAUSE_S = 0.25
MAX_ATTEMPTS = (
    40  # about five seconds of pauses: nobody loses so often but to a store that is wrong
)


@dataclass(frozen=True, slots=True)
class Profile:
    """
    A user's profile as the store holds it.

    *created_at* and *updated_at* are timestamps as stored: those that this service writes are
    ISO 8601 UTC with milliseconds. *version* counts the service's writes; 0 means that another
    program wrote the profile and this service never has. *fields* holds all that is not the
    service's own, the attributes of other programs included.
    """

    user_id: str
    created_at: str
    updated_at: str
    version: int
    fields: Fields


@dataclass(frozen=True, slots=True)
class Saved:
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

        Raises ProfileChanged where somebody else created it in between.
        """

    async def update(self, seen: Profile, changes: Fields) -> Profile:
        """
        Set the fields in *changes*, remove those that are None there, leave all others.

        Raises ProfileChanged where the profile is no longer as *seen*.
        """


class Condition(Protocol):
    """What the caller requires of the profile before a write."""

    def allows(self, profile: Profile | None) -> bool:
        """Tell whether the write may go ahead; None is a user without a profile."""


def merged(fields: Fields, changes: Fields) -> dict[str, JsonValue]:
    """Return *fields* with *changes* applied; None removes a field."""
    result = {**fields, **changes}
    return {name: value for name, value in result.items() if value is not None}


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
) -> Saved:
    """
    Create the profile out of *changes*, or merge them into the one that is there.

    Reads, checks *condition*, writes on the version read, and begins again where another write came
    in between, *attempts* times at most. Changes that change nothing are not written. Raises
    PreconditionFailed, ProfileChanged.
    """
    for attempt in range(attempts):
        seen = await store.find_latest(user_id)
        if not condition.allows(seen):
            raise PreconditionFailed
        try:
            if seen is None:
                return Saved(await store.create(user_id, merged({}, changes)), created=True)
            if same(merged(seen.fields, changes), seen.fields):
                return Saved(seen, created=False)
            return Saved(await store.update(seen, changes), created=False)
        except ProfileChanged:
            await _pause(attempt)
    raise ProfileChanged


async def _pause(attempt: int) -> None:
    """Wait a random time up to a bound that doubles with each attempt (full jitter)."""
    bound_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt)
    await asyncio.sleep(random.uniform(0, bound_s))  # noqa: S311 -- spreads load, guards nothing
