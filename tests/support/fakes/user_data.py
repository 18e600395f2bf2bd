"""The data of users in memory."""

from collections.abc import AsyncIterator, Sequence

from service.domain.profiles import Fields
from service.domain.user_data import UserData
from tests.support.fakes.profiles import MemoryProfileStore


class MemoryUserData:
    """The UserDataReader port on a store in memory, in which other applications have nothing else."""

    def __init__(self, profiles: MemoryProfileStore) -> None:
        self._profiles = profiles

    async def read(self, user_id: str) -> UserData:
        """Return the data of a user."""
        return UserData(await self._profiles.find_latest(user_id), {}, ())

    async def history(self, user_id: str) -> AsyncIterator[Sequence[Fields]]:
        """Yield all past states."""
        yield [
            {
                "version": past.profile.version,
                "from": past.profile.updated_at,
                "until": past.ends,
                "fields": {**past.profile.fields},
            }
            for past in self._profiles.past.get(user_id, ())
        ]
