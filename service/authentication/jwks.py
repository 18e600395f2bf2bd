"""The public keys of a user pool: its JSON Web Key Set, kept fresh without anybody waiting for it."""

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
MAX_BITS: Final = 8_192  # time to verify grows with the square
ASK_AGAIN_S: Final = 10.0  # between two fetches because of a key id that is not known
FAILED_S: Final = 1.0  # likewise, after one that failed: an outage must not outlast itself by much
FRESH_S: Final = 3_600.0  # keys older than this are fetched anew, beside the requests that use them


class Jwks:
    """
    The keys at *url*, by their ids.

    A known key is given at once, however the server is; an unknown id causes one fetch in ASK_AGAIN_S
    seconds at most, whoever asks, and in FAILED_S while fetching fails. Keys are kept meanwhile.
    """

    def __init__(self, server: KeyClient, *, url: str, clock: Callable[[], float]) -> None:
        self._server = server
        self._url = url
        self._clock = clock
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._asked_at: float | None = None
        self._fetched_at: float | None = None
        self._fails = False  # the server, when it was asked last
        self._fetch: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> RSAPublicKey:
        """Return a key; raises TokenInvalid where there is none, UpstreamUnavailable."""
        key = self._keys.get(kid)
        if key is not None:
            if self._is_old():
                self._begin()
            return key
        if self._fetch is not None and self._fails:
            raise unavailable()  # one waits to see whether it does still; all would be in flight
        if self._fetch is not None or self._may_ask():
            await asyncio.shield(self._begin())  # who leaves must not end it for the others
        if kid in self._keys:
            return self._keys[kid]
        if self._fetched_at != self._asked_at:  # the last fetch failed: the id may be a good one
            raise unavailable()
        raise TokenInvalid

    async def close(self) -> None:
        """End the fetch that is under way."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait((self._fetch,))

    def _is_old(self) -> bool:
        old = self._fetched_at is None or self._clock() - self._fetched_at >= FRESH_S
        return old and self._may_ask()

    def _may_ask(self) -> bool:
        if self._asked_at is None:
            return True
        pause_s = ASK_AGAIN_S if self._fetched_at == self._asked_at else FAILED_S
        return self._clock() - self._asked_at >= pause_s

    def _begin(self) -> asyncio.Task[None]:
        if self._fetch is None:
            self._asked_at = self._clock()
            self._fetch = asyncio.create_task(self._refresh(self._asked_at))
        return self._fetch

    async def _refresh(self, asked_at: float) -> None:
        try:
            self._keys = _keys(await self._server.fetch(self._url))
            self._fetched_at = asked_at
            self._fails = False
        except (ServiceError, NoSuchKey):
            # The keys that are there stay in use; `key` tells who asked for another.
            self._fails = True
        finally:
            self._fetch = None


def _keys(body: bytes) -> dict[str, RSAPublicKey]:
    """Read a key set; raises UpstreamUnavailable where it is none."""
    try:
        entries = json.loads(body)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise unavailable() from error
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise unavailable()
    found = [key for key in map(_key, entries) if key is not None]
    keys = dict(found)
    if not keys or len(keys) < len(found):  # of two keys with one id neither is to be trusted
        raise unavailable()
    return keys


def _key(entry: object) -> tuple[str, RSAPublicKey] | None:
    """Return an id and its key, None for what cannot be used (RFC 7517, section 5: to be ignored)."""
    wanted = {"kty": "RSA", "use": "sig", "alg": "RS256"}
    if not isinstance(entry, dict) or any(
        entry.get(name, wanted[name]) != wanted[name] for name in wanted
    ):
        return None
    try:
        kid, key = entry["kid"], jwt.PyJWK(entry, algorithm="RS256").key
    except (KeyError, TypeError, ValueError, jwt.PyJWTError):
        return None
    if not isinstance(kid, str) or not isinstance(key, RSAPublicKey):
        return None
    return (kid, key) if MIN_BITS <= key.key_size <= MAX_BITS else None
