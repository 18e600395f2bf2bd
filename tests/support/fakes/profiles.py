"""A profile store in memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.domain.errors import AccountClosed, ProfileChanged
from service.domain.profiles import CLOSURE_PERIOD, Fields, Latest, Profile
from service.domain.values.json_values import is_same_json, merged
from service.domain.values.timestamps import (
    Clock,
    timestamp,
    utc_now,  # noqa: TID251 -- as the service does
)
from tests.support.fakes.activity import MemoryActivityLog


@dataclass(frozen=True, slots=True)
class PastProfile:
    """A past state, when it was replaced, and the fields that its own write changed."""

    profile: Profile
    ends: str
    changed: tuple[str, ...] | None


class MemoryProfileStore:
    """The ProfileStore port on a dict; *reads* counts what it was asked, *activity* is erased with it."""

    def __init__(
        self, *, clock: Clock = utc_now, activity: MemoryActivityLog | None = None
    ) -> None:
        self._clock = clock
        self._activity = activity or MemoryActivityLog(clock=clock)
        self._profiles: dict[str, Profile] = {}
        self._changed: dict[str, tuple[str, ...]] = {}  # by the newest write
        self._moments: set[tuple[str, str]] = set()  # at which a user's profile was ever created
        self._closed_until: dict[str, datetime] = {}
        # The states that updates replaced, oldest first, each with the time and the changed fields.
        self.past: dict[str, list[PastProfile]] = {}
        self.reads = 0

    async def find(self, user_id: str) -> Profile | None:
        """Return the live profile, or None."""
        self.reads += 1
        return self._profiles.get(user_id)

    async def find_latest(self, user_id: str) -> Profile | None:
        """Return the live profile, or None."""
        return await self.find(user_id)

    async def read_latest(self, user_id: str) -> Latest:
        """Return the live profile, or None, and nothing else."""
        return Latest(await self.find_latest(user_id))

    async def read_for_update(self, user_id: str) -> Latest:
        """Return what `read_latest` returns."""
        return await self.read_latest(user_id)

    async def find_many(self, user_ids: Collection[str]) -> Mapping[str, Profile]:
        """Return the live profiles by user id."""
        self.reads += 1
        return {user: self._profiles[user] for user in user_ids if user in self._profiles}

    async def create(
        self,
        user_id: str,
        fields: Fields,
        latest: Latest | None = None,  # noqa: ARG002 -- the memory is always as current
    ) -> Profile:
        """Create a profile; raises ProfileChanged where there is one, AccountClosed after close."""
        moment = self._clock()
        if user_id in self._closed_until and moment < self._closed_until[user_id]:
            raise AccountClosed
        if user_id in self._profiles:
            raise ProfileChanged
        while (user_id, timestamp(moment)) in self._moments:
            moment += timedelta(milliseconds=1)
        now = timestamp(moment)
        self._moments.add((user_id, now))
        self._profiles[user_id] = Profile(user_id, now, now, 1, dict(fields))
        self._changed[user_id] = tuple(sorted(fields))
        self.past[user_id] = []
        return self._profiles[user_id]

    async def update(self, seen: Profile, changes: Fields) -> Profile:
        """Apply changes; raises ProfileChanged where the version is another."""
        present = self._as_seen(seen)
        changed = {
            name
            for name, value in changes.items()
            if not is_same_json(present.fields.get(name), value)
        }
        updated = replace(
            present,
            updated_at=timestamp(self._clock()),
            version=present.version + 1,
            fields=merged(present.fields, changes),
        )
        past = PastProfile(present, updated.updated_at, self._changed.get(seen.user_id))
        self.past.setdefault(seen.user_id, []).append(past)
        self._changed[seen.user_id] = tuple(sorted(changed))
        self._profiles[seen.user_id] = updated
        return updated

    async def delete(
        self,
        seen: Profile,
        latest: Latest | None = None,  # noqa: ARG002 -- the memory is always as current
    ) -> None:
        """Erase the profile; raises ProfileChanged where the version is another."""
        user_id = self._as_seen(seen).user_id
        self._activity.erase(user_id, until=self._clock())
        del self._profiles[user_id]
        self.past.pop(user_id, None)

    async def erase_remains(self, user_id: str) -> None:
        """Erase the activity of a user without a profile."""
        if user_id not in self._profiles:
            self._activity.erase(user_id, until=self._clock())

    async def close(self, user_id: str) -> None:
        """Erase the profile and let none be created for a while."""
        until = self._clock() + CLOSURE_PERIOD
        self._activity.erase(user_id, until=until)
        self._profiles.pop(user_id, None)
        self.past.pop(user_id, None)
        self._closed_until[user_id] = until

    def _as_seen(self, seen: Profile) -> Profile:
        present = self._profiles.get(seen.user_id)
        if present is None or (present.created_at, present.version) != (
            seen.created_at,
            seen.version,
        ):
            raise ProfileChanged
        return present
