"""A cache of verified tokens."""

import hashlib
from typing import Generic, TypeVar

from cachetools import LRUCache

Caller = TypeVar("Caller")


class VerifiedTokenCache(Generic[Caller]):
    """
    The callers of the most recently used tokens, until these expire; *capacity* 0 disables the cache.

    The key is the SHA-256 digest of a token, so that no token is kept in memory.
    """

    def __init__(self, *, capacity: int) -> None:
        self._verified: LRUCache[bytes, tuple[float, Caller]] = LRUCache(capacity)

    def __len__(self) -> int:
        return len(self._verified)

    def get(self, token: str, *, now: float) -> Caller | None:
        """Return the caller of a cached token that has not expired at *now*, otherwise None."""
        digest = _digest(token)
        entry = self._verified.get(digest)
        if entry is None:
            return None
        expires_at, caller = entry
        if now < expires_at:
            return caller
        del self._verified[digest]
        return None

    def put(self, token: str, caller: Caller, *, expires_at: float) -> None:
        """Cache the caller of a verified token until *expires_at*."""
        if self._verified.maxsize:
            self._verified[_digest(token)] = (expires_at, caller)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
