"""The JSON Web Key Set of a user pool, refreshed in the background."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from service.authentication.key_client import KeyClient, NoSuchKey, unavailable
from service.domain.errors import ServiceError, TokenInvalid

MAX_KEYS: Final = 20  # a pool has two
MIN_BITS: Final = 2_048  # RFC 7518, section 3.3
MAX_BITS: Final = 8_192  # the time to verify grows with the square
REFETCH_INTERVAL_S: Final = 10.0  # between fetches because of an unknown key id
RETRY_INTERVAL_S: Final = 1.0  # after a failed fetch
MAX_AGE_S: Final = 3_600.0  # older keys are refreshed in the background


class Jwks:
    """
    The keys at *url*, by key id.

    A known key is returned at once. An unknown id causes at most one fetch in REFETCH_INTERVAL_S
    seconds, in RETRY_INTERVAL_S after a failure; concurrent requests share it.
    """

    def __init__(self, server: KeyClient, *, url: str, clock: Callable[[], float]) -> None:
        self._server = server
        self.url = url
        self._clock = clock
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._attempted_at: float | None = None
        self._fetched_at: float | None = None
        self._failure: ServiceError | NoSuchKey | None = None  # of the last fetch
        self._fetch: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> RSAPublicKey:
        """Return a key; raises TokenInvalid for an unknown id, UpstreamUnavailable."""
        key = self._keys.get(kid)
        if key is not None:
            if self._is_old():
                self._begin()
            return key
        if self._fetch is not None and self._failure is not None:
            raise unavailable()  # only one request waits for a failing server
        if self._fetch is not None or self._may_fetch():
            await asyncio.shield(self._begin())  # a cancelled request must not cancel it
        if kid in self._keys:
            return self._keys[kid]
        if self._fetched_at != self._attempted_at:  # the last fetch failed: the id may be valid
            raise unavailable()
        raise TokenInvalid

    async def fetch(self) -> int:
        """Fetch the keys, and return their number; raises NoSuchKey, UpstreamUnavailable."""
        await asyncio.shield(self._begin())
        if self._failure is not None:
            raise self._failure
        return len(self._keys)

    async def close(self) -> None:
        """Cancel the fetch in flight."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait((self._fetch,))

    def _is_old(self) -> bool:
        old = self._fetched_at is None or self._clock() - self._fetched_at >= MAX_AGE_S
        return old and self._may_fetch()

    def _may_fetch(self) -> bool:
        if self._attempted_at is None:
            return True
        pause_s = REFETCH_INTERVAL_S if self._fetched_at == self._attempted_at else RETRY_INTERVAL_S
        return self._clock() - self._attempted_at >= pause_s

    def _begin(self) -> asyncio.Task[None]:
        if self._fetch is None:
            self._attempted_at = self._clock()
            self._fetch = asyncio.create_task(self._refresh(self._attempted_at))
        return self._fetch

    async def _refresh(self, asked_at: float) -> None:
        try:
            self._keys = parse_keys(await self._server.fetch(self.url))
            self._fetched_at = asked_at
            self._failure = None
        except (ServiceError, NoSuchKey) as failure:
            # Known keys stay in use.
            self._failure = failure
        finally:
            self._fetch = None


def parse_keys(body: bytes) -> dict[str, RSAPublicKey]:
    """Return the usable keys of a key set; raises UpstreamUnavailable for any other content."""
    try:
        entries = json.loads(body)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise unavailable() from error
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise unavailable()
    found = [key for key in map(_key, entries) if key is not None]
    keys = dict(found)
    if not keys or len(keys) < len(found):  # keys with the same id are ambiguous
        raise unavailable()
    return keys


def _key(entry: object) -> tuple[str, RSAPublicKey] | None:
    """Return an id and its key, None for an entry to be ignored (RFC 7517, section 5)."""
    expected = {"kty": "RSA", "use": "sig", "alg": "RS256"}
    if not isinstance(entry, dict) or any(
        entry.get(name, expected[name]) != expected[name] for name in expected
    ):
        return None
    try:
        kid, key = entry["kid"], jwt.PyJWK(entry, algorithm="RS256").key
    except (KeyError, TypeError, ValueError, jwt.PyJWTError):
        return None
    if not isinstance(kid, str) or not isinstance(key, RSAPublicKey):
        return None
    return (kid, key) if MIN_BITS <= key.key_size <= MAX_BITS else None
