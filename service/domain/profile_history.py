"""The history of a profile: its past versions, their port, and the return to one of them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.domain import profiles
from service.domain.errors import ProfileNotFound
from service.domain.profiles import Condition, Fields, Latest, Profile, ProfileStore, WriteResult


@dataclass(frozen=True, slots=True)
class PastVersion:
    """
    A past version of a profile: from *begins* until *ends*, which are timestamps.

    *changed* are the fields that the write of this version changed, by name; None where it was written
    without a history. *by_other_application* is true where another application has changed the profile
    under this version number.
    """

    version: int
    begins: str
    ends: str
    changed: Sequence[str] | None
    by_other_application: bool = False


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Past versions, newest first; older ones follow before *next_before*, None after the oldest."""

    versions: Sequence[PastVersion]
    next_before: int | None


class ProfileHistory(Protocol):
    """
    The port of the past states of profiles.

    *profile* is the live profile, as `ProfileStore.find_latest` returned it. States that have expired and
    those of deleted profiles are never returned. All raise UpstreamUnavailable, Misconfigured or
    UpstreamFault.
    """

    async def page(self, profile: Profile, *, limit: int, before: int | None = None) -> HistoryPage:
        """
        Return *limit* past versions before the version *before*, newest first, or as many as there are.

        States that other applications left under one version number count as one.
        """

    async def at_version(self, profile: Profile, version: int) -> Profile:
        """Return the profile as it was at *version*, or the live one; raises VersionNotFound."""

    async def as_of(self, profile: Profile, at: datetime) -> Profile:
        """
        Return the profile as it was at the time *at*; the live profile if it has not changed since.

        Raises ProfileNotFound before its creation, HistoryExpired where the state is not kept.
        """


async def revert(  # noqa: PLR0913 -- whose profile, to which state, on which condition
    store: ProfileStore,
    history: ProfileHistory,
    user_id: str,
    *,
    version: int,
    names: Collection[str],
    condition: Condition,
    load: Callable[[Fields], Fields],
) -> WriteResult:
    """
    Set the fields *names* to their values at *version*, and remove those that it did not have.

    *load* returns the values as today's schema accepts them, or raises; removals are not validated, as in
    a replacement, since a field may refuse null. The write is conditional on the
    profile that was read, and repeated where another write came first; other fields stay. Raises
    ProfileNotFound, VersionNotFound, PreconditionFailed, ProfileChanged.
    """

    async def write(latest: Latest) -> WriteResult:
        seen = latest.profile
        if seen is None:
            raise ProfileNotFound
        past = await history.at_version(seen, version)
        had = {name: value for name in names if (value := past.fields.get(name)) is not None}
        fields = {**dict.fromkeys(names), **load(had)}
        return await profiles.updated(store, seen, fields)

    return await profiles.on_latest(store.read_latest, user_id, condition, write)
