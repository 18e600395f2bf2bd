"""Where users' profiles stand: the sort keys that were learnt, of the users asked for last."""

from collections import OrderedDict


class SortKeyCache:
    """
    Remembers the `createdAt` of users' profiles, *size* of them at most; 0 remembers none.

    An entry costs about 270 bytes. It is a hint, never the truth: who finds no profile at the place
    forgets it and asks the table.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._places: OrderedDict[str, str] = OrderedDict()

    def get(self, user_id: str) -> str | None:
        """Return the `createdAt` of a user's profile as it was learnt last, or None."""
        created_at = self._places.get(user_id)
        if created_at is not None:
            self._places.move_to_end(user_id)
        return created_at

    def learn(self, user_id: str, created_at: str) -> None:
        """Remember where a user's profile stands; the user asked for longest ago is forgotten for it."""
        self._places[user_id] = created_at
        self._places.move_to_end(user_id)
        if len(self._places) > self._size:
            self._places.popitem(last=False)

    def forget(self, user_id: str) -> None:
        """Forget where a user's profile stands, if that is known."""
        self._places.pop(user_id, None)
