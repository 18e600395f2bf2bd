"""Tokens that were verified before, so that a repeated one costs microseconds."""

import hashlib
from collections import OrderedDict

from service.domain.identity import Identity


class VerifiedTokenCache:
    """
    Remembers whom a token proves until it expires; at most *capacity* tokens, the latest used.

    A token is known by the SHA-256 digest of its text, so that no token is kept in memory.
    """

    def __init__(self, *, capacity: int) -> None:
        self._capacity = capacity
        self._known: OrderedDict[bytes, tuple[float, Identity]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def recall(self, token: str, *, now: float) -> Identity | None:
        """Return whom the token was found to prove, if that still holds at *now*."""
        digest = _digest(token)
        known = self._known.get(digest)
        if known is None:
            return None
        expires_at, identity = known
        if now >= expires_at:
            del self._known[digest]
            return None
        self._known.move_to_end(digest)
        return identity

    def remember(self, token: str, identity: Identity, *, expires_at: float) -> None:
        """Keep what a token proves until the moment *expires_at*."""
        self._known[_digest(token)] = (expires_at, identity)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
