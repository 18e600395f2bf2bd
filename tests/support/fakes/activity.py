"""The stored activity in memory."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from service.domain.activity import ActivityErased, ActivityEvent, ActivityPage
from service.domain.values.timestamps import (
    Clock,
    timestamp,
    utc_now,  # noqa: TID251 -- as the service does
)


class MemoryActivityLog:
    """The ActivityLog port on a dict; a profile store erases it."""

    def __init__(self, *, days: int = 30, clock: Clock = utc_now) -> None:
        self._days = days
        self._clock = clock
        self._stored: dict[str, dict[str, tuple[ActivityEvent, datetime]]] = {}
        self._refused_until: dict[str, str] = {}

    async def append(self, user_id: str, events: Sequence[ActivityEvent]) -> None:
        """Store events; raises ActivityErased."""
        if min(event.at for event in events) <= self._refused_until.get(user_id, ""):
            raise ActivityErased
        expires_at = self._clock() + timedelta(days=self._days)
        for event in events:
            self._stored.setdefault(user_id, {})[event.position] = (event, expires_at)

    async def page(self, user_id: str, *, limit: int, before: str | None = None) -> ActivityPage:
        """Return a page of events, newest first."""
        now = self._clock()
        found = [
            event
            for position, (event, expires_at) in sorted(self._stored.get(user_id, {}).items())
            if expires_at > now and (before is None or position < before)
        ][::-1]
        more = len(found) > limit
        return ActivityPage(found[:limit], found[limit - 1].position if more else None)

    async def all(self, user_id: str) -> AsyncIterator[Sequence[ActivityEvent]]:
        """Yield all events in one list."""
        yield (await self.page(user_id, limit=1_000_000)).events

    def erase(self, user_id: str, *, until: datetime) -> None:
        """Erase all events, and refuse those that happened until *until*."""
        self._stored.pop(user_id, None)
        refused = self._refused_until.get(user_id, "")
        self._refused_until[user_id] = max(refused, timestamp(until))
