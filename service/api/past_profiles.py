"""The history of profiles, for handlers."""

from typing import Final

from aiohttp import web

from service.api import keys
from service.api.request_parsing import query_parameters
from service.domain.errors import FeatureUnavailable, ProfileNotFound
from service.domain.profile_history import ProfileHistory
from service.domain.profiles import Profile

AS_OF: Final = "asOf"
NOT_YET: Final = "There was no profile at this time. Send a time from its createdAt on."


def history_of(request: web.Request) -> ProfileHistory:
    """Return the history; raises FeatureUnavailable where `[profile] history-days` is 0."""
    history = request.app[keys.PROFILE_HISTORY]
    if history is None:
        raise FeatureUnavailable
    return history


async def find(request: web.Request, user_id: str) -> Profile | None:
    """
    Return the profile of a user as it was at the time in the query, None where the query has none.

    Raises InvalidFields, FeatureUnavailable, ProfileNotFound, and as `ProfileHistory.as_of`.
    """
    at = query_parameters.time(request, AS_OF)
    if at is None:
        return None
    history = history_of(request)
    profile = await request.app[keys.PROFILE_STORE].find_latest(user_id)
    if profile is None:
        raise ProfileNotFound
    try:
        return await history.as_of(profile, at)
    except ProfileNotFound:
        raise ProfileNotFound(NOT_YET) from None
