"""A profile store in memory."""

from dataclasses import replace

from service.domain.errors import ProfileChanged
from service.domain.profiles import Fields, Profile, merged
from service.domain.timestamps import Clock, timestamp, utc_now


class MemoryProfileStore:
    """The ProfileStore port on a dict; *reads* counts what it was asked."""

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._profiles: dict[str, Profile] = {}
        self.reads = 0

    async def find(self, user_id: str) -> Profile | None:
        """Return the live profile, or None."""
        self.reads += 1
        return self._profiles.get(user_id)

    async def find_latest(self, user_id: str) -> Profile | None:
        """Return the live profile, or None."""
        return await self.find(user_id)

    async def create(self, user_id: str, fields: Fields) -> Profile:
        """Create a profile; raises ProfileChanged where there is one."""
        if user_id in self._profiles:
            raise ProfileChanged
        now = timestamp(self._clock())
        self._profiles[user_id] = Profile(user_id, now, now, 1, dict(fields))
        return self._profiles[user_id]

    async def update(self, seen: Profile, changes: Fields) -> Profile:
        """Apply changes; raises ProfileChanged where the version is another."""
        present = self._profiles.get(seen.user_id)
        if present is None or present.version != seen.version:
            raise ProfileChanged
        updated = replace(
            present,
            updated_at=timestamp(self._clock()),
            version=present.version + 1,
            fields=merged(present.fields, changes),
        )
        self._profiles[seen.user_id] = updated
        return updated
