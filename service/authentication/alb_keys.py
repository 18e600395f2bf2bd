"""The public keys of load balancers, from their region's key server."""

import asyncio
from collections.abc import Callable
from typing import Final

from cachetools import LRUCache
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from service.authentication.key_client import KeyClient, NoSuchKey, unavailable
from service.domain.errors import TokenInvalid, UpstreamUnavailable

MAX_KEYS: Final = 256  # a load balancer uses a few; several may be configured
MAX_UNKNOWN_IDS: Final = 256
UNKNOWN_ID_TTL_S: Final = 60.0  # before an id that the server did not know is fetched again


class FetchBudget:
    """
    A token bucket of *burst* permits; one more is added every *refill_s* seconds.

    The rate limiter libraries wait or lock for a permit; here a request must do neither.
    """

    def __init__(self, *, burst: int, refill_s: float, clock: Callable[[], float]) -> None:
        self._burst = burst
        self._refill_s = refill_s
        self._clock = clock
        self._permits = float(burst)
        self._refilled_at = clock()

    def take(self) -> bool:
        """Take a permit and return True, or return False if there is none."""
        now = self._clock()
        gained = max(0.0, now - self._refilled_at) / self._refill_s
        self._permits = min(float(self._burst), self._permits + gained)
        self._refilled_at = now
        if self._permits < 1:
            return False
        self._permits -= 1
        return True


class AlbKeys:
    """
    Cached keys by load balancer and key id; concurrent requests share one fetch.

    Ids that the server does not know are cached too. Fetches are limited by *budget*, because anyone can
    send a token with a random key id. Beyond the budget an id counts as unknown, or the server as
    unavailable if the last fetch failed. *url_of* returns the URL that a key id is appended to.
    """

    def __init__(
        self,
        server: KeyClient,
        *,
        url_of: Callable[[str], str],
        budget: FetchBudget,
        clock: Callable[[], float],
    ) -> None:
        self._server = server
        self._url_of = url_of
        self._budget = budget
        self._clock = clock
        self._keys: LRUCache[str, EllipticCurvePublicKey] = LRUCache(MAX_KEYS)
        self._unknown: LRUCache[str, float] = LRUCache(MAX_UNKNOWN_IDS)  # URL -> expiry
        self._fetches: dict[str, asyncio.Task[EllipticCurvePublicKey]] = {}
        self._server_fails = False

    async def key(self, signer: str, kid: str) -> EllipticCurvePublicKey:
        """Return a key; raises TokenInvalid for an unknown id, UpstreamUnavailable."""
        url = self._url_of(signer) + kid.lower()
        key = self._keys.get(url)
        if key is not None:
            return key
        if self._unknown.get(url, 0.0) > self._clock():
            raise TokenInvalid
        fetch = self._fetches.get(url)
        if fetch is None:
            if not self._budget.take():
                raise unavailable() if self._server_fails else TokenInvalid()
            fetch = asyncio.create_task(self._fetch(url))
            self._fetches[url] = fetch
            fetch.add_done_callback(lambda ended: self._forget(url, ended))
        elif self._server_fails:  # only one request waits for a failing server
            raise unavailable()
        # A cancelled request must not cancel the shared fetch. `asyncio.shield` would, since Python 3.14,
        # report the failure of a fetch whose request is cancelled.
        await asyncio.wait((fetch,))
        return fetch.result()

    async def close(self) -> None:
        """Cancel the fetches in flight."""
        for fetch in (fetches := [*self._fetches.values()]):
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)

    def _forget(self, url: str, ended: asyncio.Task[EllipticCurvePublicKey]) -> None:
        del self._fetches[url]
        if not ended.cancelled():  # reading the exception also marks it as retrieved
            self._server_fails = isinstance(ended.exception(), UpstreamUnavailable)

    async def _fetch(self, url: str) -> EllipticCurvePublicKey:
        try:
            key = self._keys[url] = _p256(await self._server.fetch(url))
        except NoSuchKey:
            self._unknown[url] = self._clock() + UNKNOWN_ID_TTL_S
            raise TokenInvalid from None
        return key


def _p256(pem: bytes) -> EllipticCurvePublicKey:
    """Return the public key of ES256; raises UpstreamUnavailable for any other content."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise unavailable() from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise unavailable()
    return key
