"""The public keys of load balancers, by id, from their region's key server."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from service.authentication.fetch_budget import FetchBudget
from service.authentication.key_client import KeyClient, NoSuchKey, unavailable
from service.domain.errors import TokenInvalid, UpstreamUnavailable

KEYS_KEPT: Final = 256  # a load balancer uses a few; several may be configured
UNKNOWN_KEPT: Final = 256
UNKNOWN_FOR_S: Final = 60.0  # a key id that the server did not know is not asked for again so long


class AlbKeys:
    """
    Keys by load balancer and id: fetched once, by however many ask at once, and kept.

    An id that the server does not know is remembered as such. Fetches have a *budget*, because anybody
    can write a token with a new random id; known keys never wait. Beyond the budget an id counts as
    unknown, or the server as unavailable if that is how the last fetch ended. *url_of* gives the
    address that a key id is appended to.
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
        self._keys: OrderedDict[str, EllipticCurvePublicKey] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()  # URL -> asked again from then on
        self._fetches: dict[str, asyncio.Task[EllipticCurvePublicKey]] = {}
        self._server_fails = False

    async def key(self, signer: str, kid: str) -> EllipticCurvePublicKey:
        """Return a key; raises TokenInvalid where there is none, UpstreamUnavailable."""
        url = self._url_of(signer) + kid.lower()
        key = self._keys.get(url)
        if key is not None:
            self._keys.move_to_end(url)
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
        elif self._server_fails:  # one waits to see whether it does still; all would be in flight
            raise unavailable()
        return await asyncio.shield(fetch)  # who leaves must not end it for the others

    async def close(self) -> None:
        """End the fetches that are under way."""
        for fetch in (fetches := [*self._fetches.values()]):
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)

    def _forget(self, url: str, ended: asyncio.Task[EllipticCurvePublicKey]) -> None:
        del self._fetches[url]
        if not ended.cancelled():  # to read the exception also stops asyncio from missing a reader
            self._server_fails = isinstance(ended.exception(), UpstreamUnavailable)

    async def _fetch(self, url: str) -> EllipticCurvePublicKey:
        try:
            key = _p256(await self._server.fetch(url))
        except NoSuchKey:
            self._unknown[url] = self._clock() + UNKNOWN_FOR_S
            if len(self._unknown) > UNKNOWN_KEPT:
                self._unknown.popitem(last=False)
            raise TokenInvalid from None
        self._keys[url] = key
        if len(self._keys) > KEYS_KEPT:
            self._keys.popitem(last=False)
        return key


def _p256(pem: bytes) -> EllipticCurvePublicKey:
    """Read a public key on the curve of ES256; anything else is no answer of a key server."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise unavailable() from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise unavailable()
    return key
