"""The history of the profiles in memory."""

from datetime import datetime, timedelta

from service.domain.errors import HistoryExpired, ProfileNotFound, VersionNotFound
from service.domain.profile_history import HistoryPage, PastVersion
from service.domain.profiles import Profile
from service.domain.values.timestamps import (
    Clock,
    moment,
    timestamp,
    utc_now,  # noqa: TID251 -- as the service does
)
from tests.support.fakes.profiles import MemoryProfileStore, PastProfile


class MemoryProfileHistory:
    """The ProfileHistory port on the past states of *store*, kept for *days* days."""

    def __init__(self, store: MemoryProfileStore, *, days: int, clock: Clock = utc_now) -> None:
        self._store = store
        self._period = timedelta(days=days)
        self._clock = clock

    async def page(self, profile: Profile, *, limit: int, before: int | None = None) -> HistoryPage:
        """Return past versions, newest first."""
        found = [
            PastVersion(past.profile.version, past.profile.updated_at, past.ends, past.changed)
            for past in reversed(self._kept(profile))
            if before is None or past.profile.version < before
        ]
        following = found[limit - 1].version if len(found) > limit else None
        return HistoryPage(found[:limit], following)

    async def at_version(self, profile: Profile, version: int) -> Profile:
        """Return the profile as it was at *version*."""
        if version == profile.version:
            return profile
        for past in self._kept(profile):
            if past.profile.version == version:
                return past.profile
        raise VersionNotFound

    async def as_of(self, profile: Profile, at: datetime) -> Profile:
        """Return the profile as it was at the time *at*."""
        if timestamp(at) >= profile.updated_at:
            return profile
        created = moment(profile.created_at)
        if created is not None and at < created:
            raise ProfileNotFound
        for past in reversed(self._kept(profile)):
            if past.profile.updated_at <= timestamp(at):
                return past.profile
        raise HistoryExpired

    def _kept(self, profile: Profile) -> list[PastProfile]:
        until = timestamp(self._clock() - self._period)
        return [past for past in self._store.past.get(profile.user_id, ()) if past.ends > until]
