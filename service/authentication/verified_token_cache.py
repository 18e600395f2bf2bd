"""A cache of verified tokens."""

import hashlib

from cachetools import LRUCache

from service.domain.identity import Identity


class VerifiedTokenCache:
    """
    The users of the most recently used tokens, until these expire; *capacity* 0 disables the cache.

    The key is the SHA-256 digest of a token, so that no token is kept in memory.
    """

    def __init__(self, *, capacity: int) -> None:
        self._verified: LRUCache[bytes, tuple[float, Identity]] = LRUCache(capacity)

    def __len__(self) -> int:
        return len(self._verified)

    def get(self, token: str, *, now: float) -> Identity | None:
        """Return the user of a cached token that has not expired at *now*, otherwise None."""
        digest = _digest(token)
        entry = self._verified.get(digest)
        if entry is None:
            return None
        expires_at, identity = entry
        if now < expires_at:
            return identity
        del self._verified[digest]
        return None

    def put(self, token: str, identity: Identity, *, expires_at: float) -> None:
        """Cache the user of a verified token until *expires_at*."""
        if self._verified.maxsize:
            self._verified[_digest(token)] = (expires_at, identity)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
