"""All that the table holds of a user but the activity, and the port that reads it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.domain.profiles import Fields, Profile


@dataclass(frozen=True, slots=True)
class UserData:
    """
    The data of one user.

    *profile* is the live profile, or None. *other_attributes* are attributes of its item that have names
    of the service's own and values of other applications. *other_items* are the user's other items with
    data, with all their attributes but the user id: other applications wrote them.
    """

    profile: Profile | None
    other_attributes: Fields
    other_items: Sequence[Fields]


class UserDataReader(Protocol):
    """The port; it raises UpstreamUnavailable, Misconfigured or UpstreamFault."""

    async def read(self, user_id: str) -> UserData:
        """Return the data of a user, by a strongly consistent read."""

    def history(self, user_id: str) -> AsyncIterator[Sequence[Fields]]:
        """
        Yield all past states of the user's profile, oldest first, in lists.

        Each has `version`, `from` and `until` (timestamps), `changed` where it is known, and `fields`.
        Expired ones are not among them.
        """
