"""An HTTP client for public keys that tolerates slow, failing and malicious servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import structlog
from botocore.exceptions import BotoCoreError

from service.aws.failure_advice import known_cause
from service.aws.http_session import KeySession
from service.aws.key_connections import KeyConnections
from service.circuit_breaker import Breaker, UpstreamRefused
from service.domain.errors import UpstreamUnavailable
from service.observability.upstream_calls import KEY_SERVER, UpstreamTelemetry

RETRY_AFTER_S = 2
# S3, which serves GovCloud's keys, responds with 403 for missing objects.
NO_SUCH_KEY = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class NoSuchKey(Exception):
    """The key server has no such key."""


class KeyClient:
    """A client of a key server on an open *session*; *calls* records each fetch."""

    def __init__(self, session: KeySession, calls: UpstreamTelemetry) -> None:
        self._session = session
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
            response = await self._session.get(url)
        except UpstreamRefused:
            raise unavailable() from None
        except BotoCoreError as error:
            # Without the message, which can contain the URL and bytes of the server.
            cause = known_cause(error)
            advice = {} if cause is None else {"setting": cause.setting, "advice": cause.advice}
            _report(url, type(error).__name__, **advice)
            raise unavailable() from None
        if response.status_code in NO_SUCH_KEY:
            return None
        if not response.body:
            _report(url, f"status {response.status_code}, 0 bytes")
            raise unavailable()
        return response.body


def unavailable() -> UpstreamUnavailable:
    """Return the error for a key that cannot be fetched now."""
    return UpstreamUnavailable(retry_after_s=RETRY_AFTER_S)


def _report(url: str, reason: str, **advice: str) -> None:
    structlog.get_logger().warning(
        "keys_unavailable", host=url.split("/")[2], reason=reason, **advice
    )


@asynccontextmanager
async def key_server(
    breaker: Breaker, calls: UpstreamTelemetry, connections: KeyConnections
) -> AsyncIterator[KeyClient]:
    """Open a client with its own connections."""
    async with connections.open(breaker) as session:
        yield KeyClient(session, calls)
