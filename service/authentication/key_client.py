"""Fetching of public keys over HTTP, from a server that may be slow, down, or lying."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import structlog

from service.circuit_breaker import Breaker, UpstreamRefused
from service.domain.errors import UpstreamUnavailable
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import KEY_SERVER, UpstreamTelemetry

CONNECT_S = 1.0
TOTAL_S = 2.0  # of one fetch, reading included: a request waits for it
MAX_BYTES = 65_536  # of one answer; a PEM has 200, a pool's key set about 1,000
RETRY_AFTER_S = 2
# S3, where some keys are, answers 403 for what is not there.
NO_SUCH_KEY = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class NoSuchKey(Exception):
    """The server answered that it has no such key."""


class KeyClient:
    """
    A key server on an open *session*, which stays its opener's.

    *calls* notes each fetch, *breaker* refuses them while the server does not work.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        breaker: Breaker,
        calls: UpstreamTelemetry | None = None,
    ) -> None:
        self._session = session
        self._breaker = breaker
        self._calls = calls or UpstreamTelemetry(Metrics())

    async def fetch(self, url: str) -> bytes:
        """
        Return what the server has at *url*.

        Raises NoSuchKey where it answers that there is nothing, UpstreamUnavailable where it does not
        answer in time or not as a key server does.
        """
        with self._calls.made(KEY_SERVER, "fetch"):
            found = await self._found(url)
        if found is None:
            raise NoSuchKey
        return found

    async def _found(self, url: str) -> bytes | None:
        try:
            with self._breaker.call() as call:
                status, body = await self._answer(url)
                call.status = status
        except UpstreamRefused:
            raise unavailable() from None
        except (aiohttp.ClientError, TimeoutError) as error:
            # By its name alone: aiohttp's own message can hold the URL, and the server's bytes.
            _report(url, type(error).__name__)
            raise unavailable() from None
        if status in NO_SUCH_KEY:
            return None
        if not body or len(body) > MAX_BYTES:
            _report(url, f"status {status}, {len(body)} bytes")
            raise unavailable()
        return body

    async def _answer(self, url: str) -> tuple[int, bytes]:
        """Return the status of an answer, and of a good one the body as far as it may go."""
        async with self._session.get(url, allow_redirects=False) as answer:
            status = answer.status
            body = await answer.content.read(MAX_BYTES + 1) if status == HTTPStatus.OK else b""
            while body and not answer.content.at_eof() and len(body) <= MAX_BYTES:
                body += await answer.content.read(MAX_BYTES + 1 - len(body))
        return status, body


def unavailable() -> UpstreamUnavailable:
    """Return the error of whoever needs a key that can't be had now."""
    return UpstreamUnavailable(retry_after_s=RETRY_AFTER_S)


def _report(url: str, reason: str) -> None:
    """Tell the operator, whom nobody else tells that no new key can be had."""
    structlog.get_logger().warning("keys_unavailable", host=url.split("/")[2], reason=reason)


@asynccontextmanager
async def key_server(
    breaker: Breaker, calls: UpstreamTelemetry | None = None
) -> AsyncIterator[KeyClient]:
    """Open a key server's client with connections, time limits and a breaker of its own."""
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TOTAL_S, connect=CONNECT_S),
        connector=aiohttp.TCPConnector(
            limit=8, force_close=True
        ),  # a fetch an hour keeps none alive
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield KeyClient(session, breaker, calls)
