"""An HTTP client for public keys that tolerates slow, failing and malicious servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import structlog

from service.circuit_breaker import Breaker, UpstreamRefused
from service.domain.errors import UpstreamUnavailable
from service.observability.upstream_calls import KEY_SERVER, UpstreamTelemetry

CONNECT_S = 1.0
TOTAL_S = 2.0  # of one fetch with its body
MAX_BYTES = 65_536  # of a body; a PEM has 200, a user pool's key set about 1,000
RETRY_AFTER_S = 2
# S3, which serves GovCloud's keys, responds with 403 for missing objects.
NO_SUCH_KEY = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class NoSuchKey(Exception):
    """The key server has no such key."""


class KeyClient:
    """
    A client of a key server on an open *session*, which the caller closes.

    *calls* records each fetch; *breaker* rejects fetches while the server fails.
    """

    def __init__(
        self, session: aiohttp.ClientSession, breaker: Breaker, calls: UpstreamTelemetry
    ) -> None:
        self._session = session
        self._breaker = breaker
        self._calls = calls

    async def fetch(self, url: str) -> bytes:
        """
        Return the body at *url*.

        Raises NoSuchKey for a missing key, UpstreamUnavailable without a valid response in time.
        """
        with self._calls.record(KEY_SERVER, "fetch"):
            body = await self._body(url)
        if body is None:
            raise NoSuchKey
        return body

    async def _body(self, url: str) -> bytes | None:
        try:
            with self._breaker.call() as call:
                status, body = await self._response(url)
                call.status = status
        except UpstreamRefused:
            raise unavailable() from None
        except (aiohttp.ClientError, TimeoutError) as error:
            # Without the message, which can contain the URL and bytes of the server.
            _report(url, type(error).__name__)
            raise unavailable() from None
        if status in NO_SUCH_KEY:
            return None
        if not body or len(body) > MAX_BYTES:
            _report(url, f"status {status}, {len(body)} bytes")
            raise unavailable()
        return body

    async def _response(self, url: str) -> tuple[int, bytes]:
        """Return the status, and up to MAX_BYTES + 1 bytes of the body for status 200."""
        async with self._session.get(url, allow_redirects=False) as response:
            status = response.status
            body = await response.content.read(MAX_BYTES + 1) if status == HTTPStatus.OK else b""
            while body and not response.content.at_eof() and len(body) <= MAX_BYTES:
                body += await response.content.read(MAX_BYTES + 1 - len(body))
        return status, body


def unavailable() -> UpstreamUnavailable:
    """Return the error for a key that cannot be fetched now."""
    return UpstreamUnavailable(retry_after_s=RETRY_AFTER_S)


def _report(url: str, reason: str) -> None:
    structlog.get_logger().warning("keys_unavailable", host=url.split("/")[2], reason=reason)


@asynccontextmanager
async def key_server(breaker: Breaker, calls: UpstreamTelemetry) -> AsyncIterator[KeyClient]:
    """Open a client with its own connections."""
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TOTAL_S, connect=CONNECT_S),
        connector=aiohttp.TCPConnector(limit=8, force_close=True),  # one fetch an hour
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield KeyClient(session, breaker, calls)
