"""A cache of the sort keys of profiles."""

from typing import Final

# An int of up to 60 bits takes 32 bytes; a user id of 36 characters takes 96.
HASH_MASK: Final = (1 << 60) - 1


class SortKeyCache:
    """
    The sort keys of the users that were looked up or put last.

    There are at most *capacity* of them, an odd number is rounded up, and at least half as many; 0
    disables the cache. It stores a hash of the user id. Where two ids have the same hash, a user gets the
    other's sort key, at which no item of this user is: callers have to expect that of any entry.
    """

    # Not cachetools.LRUCache, which keeps each key in a dict and in an OrderedDict: that takes twice the
    # memory. A dict whose entries are reinserted at each use is rehashed as a whole again and again,
    # 50 ms for a million entries. Here, the older of two generations is dropped.

    def __init__(self, capacity: int) -> None:
        self._generation_size = (capacity + 1) // 2
        self._recent: dict[int, str] = {}
        self._older: dict[int, str] = {}

    def get(self, user_id: str) -> str | None:
        """Return the sort key that was put for the user, or None."""
        key = hash(user_id) & HASH_MASK
        sort_key = self._recent.get(key)
        if sort_key is None:
            sort_key = self._older.get(key)
            if sort_key is not None:
                self._put(key, sort_key)
        return sort_key

    def put(self, user_id: str, sort_key: str) -> None:
        """Store the sort key of a user, in place of an earlier one."""
        if self._generation_size:
            self._put(hash(user_id) & HASH_MASK, sort_key)

    def discard(self, user_id: str) -> None:
        """Remove the sort key of a user, if there is one."""
        key = hash(user_id) & HASH_MASK
        self._recent.pop(key, None)
        self._older.pop(key, None)

    def _put(self, key: int, sort_key: str) -> None:
        if len(self._recent) >= self._generation_size and key not in self._recent:
            self._older = self._recent
            self._recent = {}
        self._recent[key] = sort_key
