"""The ProfileHistory port on DynamoDB."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from service.domain.errors import HistoryExpired, ProfileNotFound, VersionNotFound
from service.domain.profile_history import HistoryPage, PastVersion
from service.domain.profiles import Fields, Profile
from service.domain.values.timestamps import moment
from service.profile_store.past_states import PastState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.profile_store.history_queries import HistoryQueries


class DynamoDBProfileHistory:
    """The ProfileHistory port on *queries*."""

    def __init__(self, queries: HistoryQueries) -> None:
        self._queries = queries

    async def page(self, profile: Profile, *, limit: int, before: int | None = None) -> HistoryPage:
        """Return *limit* past versions before the version *before*, newest first, or all there are."""
        # Of the version *before*, if it is a past one, only the beginning is needed.
        groups = await self._queries.newest_groups(profile, up_to=before, number=limit + 2)
        versions: list[PastVersion] = []
        next_version, next_begins = profile.version, profile.updated_at
        shown: list[int] = []
        for group in groups:
            version = group[0].version
            if before is None or version < before:
                if len(shown) == limit:
                    return HistoryPage(versions, shown[-1])
                ends = next_begins if next_version == version + 1 else group[-1].ends
                versions += reversed(_past_versions(group, ends))
                shown.append(version)
            next_version, next_begins = version, group[0].begins
        return HistoryPage(versions, None)

    async def at_version(self, profile: Profile, version: int) -> Profile:
        """Return the profile as it was at *version*: the state that this service wrote, if it is kept."""
        group = [] if 0 < profile.version < version else await self._queries.group(profile, version)
        own = [state for state in group if not state.by_other_application]
        if version == profile.version and (not own or self._queries.is_as_written(profile)):
            return profile
        state = own[0] if own else next(reversed(group), None)
        if state is None or state.fields is None:
            raise VersionNotFound
        return _profile(profile, version, state.begins, state.fields)

    async def as_of(self, profile: Profile, at: datetime) -> Profile:
        """Return the profile as it was at the time *at*."""
        if at < _time(profile.created_at):
            raise ProfileNotFound
        group = await self._states_of_live_version(profile)
        since = max([_time(profile.updated_at), *(_time(state.ends) for state in group)])
        if at >= since:
            return profile
        if not group or at < _time(group[0].begins):
            newest = group[0].version if group else profile.version
            group = await self._group_at(profile, at, up_to=newest - 1)
        elif at >= _time(group[-1].ends):
            raise HistoryExpired
        state, begins = _state_at(group, at)
        kept = await self._queries.group(profile, state.version)
        fields = next((found.fields for found in kept if found.digest == state.digest), None)
        if fields is None:  # too large to be kept, or expired since
            raise HistoryExpired
        return _profile(profile, state.version, begins, fields)

    async def _states_of_live_version(self, profile: Profile) -> Sequence[PastState]:
        """Return the past states under the live version; without a version, the newest states."""
        if profile.version:
            return await self._queries.group(profile, profile.version)
        groups = await self._queries.newest_groups(profile, up_to=None, number=1)
        return groups[0] if groups else []

    async def _group_at(self, profile: Profile, at: datetime, *, up_to: int) -> Sequence[PastState]:
        """
        Return the states of the version that had begun last at the time *at*, of those up to *up_to*.

        A binary search: of 10,000 versions it reads 14. Raises HistoryExpired.
        """
        low, high = 0, up_to
        best: Sequence[PastState] = []
        while low <= high:
            middle = (low + high) // 2
            groups = await self._queries.newest_groups(profile, up_to=middle, number=1)
            if not groups:
                low = middle + 1
            elif _time(groups[0][0].begins) <= at:
                best, low = groups[0], middle + 1
            else:
                high = groups[0][0].version - 1
        if not best:
            raise HistoryExpired
        following = best[0].version + 1
        is_followed = following == profile.version or await self._queries.group(profile, following)
        if at >= _time(best[-1].ends) and not is_followed:
            raise HistoryExpired  # a later version was not kept
        return best


def _past_versions(group: Sequence[PastState], ends: str) -> list[PastVersion]:
    """Return the versions of a group, oldest first, of which the last one was replaced at *ends*."""
    versions: list[PastVersion] = []
    begins = group[0].begins
    for position, state in enumerate(group):
        is_last = position == len(group) - 1
        until = ends if is_last else state.ends
        versions.append(
            PastVersion(
                version=state.version,
                begins=begins,
                ends=until,
                changed=state.changed,
                by_other_application=state.by_other_application or position > 0,
            )
        )
        begins = until
    return versions


def _state_at(group: Sequence[PastState], at: datetime) -> tuple[PastState, str]:
    """Return the state of a group at a time after the beginning of the first, and when it began."""
    found, begins = group[0], group[0].begins
    for earlier, state in pairwise(group):
        if at >= _time(earlier.ends):
            found, begins = state, earlier.ends
    return found, begins


def _profile(profile: Profile, version: int, begins: str, fields: Fields) -> Profile:
    return Profile(profile.user_id, profile.created_at, begins, version, fields)


def _time(text: str) -> datetime:
    """Return the time of a timestamp; other applications' texts are before all times."""
    return moment(text) or datetime.min.replace(tzinfo=UTC)
