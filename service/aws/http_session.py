"""aiobotocore's HTTP session with a time limit for an attempt, a size limit and a circuit breaker."""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession
from aiohttp.http_exceptions import BadStatusLine
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from yarl import URL

from service.circuit_breaker import Breaker

METHOD: Final = "POST"


@dataclass(frozen=True, slots=True)
class Response:
    """A response as botocore's retry conditions read it; the names of *headers* are in lower case."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    async def content(self) -> bytes:
        """Return the body; aiobotocore awaits it."""
        return self.body


class BoundedResponse(aiohttp.ClientResponse):
    """A response whose body is at most *max_bytes*."""

    max_bytes = 1_048_576  # Cognito's have a few KB

    async def read(self) -> bytes:
        """Return the body; raises ClientPayloadError where it is too large."""
        if (self.content_length or 0) > self.max_bytes:
            self.close()
            raise aiohttp.ClientPayloadError("too large")
        if self.content_length is not None:
            return await super().read()
        body = bytearray()
        while part := await self.content.readany():
            body += part
            if len(body) > self.max_bytes:
                self.close()
                raise aiohttp.ClientPayloadError("too large")
        return bytes(body)


class DynamoDBResponse(BoundedResponse):
    """A response of DynamoDB: up to 16 MB of items, which JSON may double."""

    max_bytes = 33_554_432


class GuardedSession(AIOHTTPSession):
    """
    The connections of one client; *breaker* counts every attempt.

    The two timeouts together limit a whole attempt, from the wait for a connection to the last byte:
    botocore's read timeout alone starts again with each byte.
    """

    def __init__(
        self,
        *,
        breaker: Breaker,
        response_class: type[BoundedResponse] = BoundedResponse,
        timeout: tuple[float, float],
        proxies: dict[str, str] | None = None,
        **options: Any,  # noqa: ANN401 -- aiobotocore's
    ) -> None:
        super().__init__(timeout=timeout, proxies=proxies, **options)  # type: ignore[arg-type]  # the stubs expect one number
        connect_s, read_s = timeout
        self._timeout = aiohttp.ClientTimeout(
            total=connect_s + read_s,
            sock_connect=connect_s,
            sock_read=read_s,
            ceil_threshold=math.inf,  # aiohttp would round 6 s up to 7 s
        )
        self._response_class = response_class
        self._has_proxies = bool(proxies)
        self._breaker = breaker
        breaker.on_no_response = self._close_idle_connections

    async def send(self, request: Any) -> Any:  # noqa: ANN401 -- botocore's; the stubs know other types
        """Send a request as aiobotocore does; raises UpstreamRefused too."""
        with self._breaker.call() as call:
            response: Any = await super().send(request)
            call.status = response.status_code
        return response

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Response:
        """Return the response to a POST request; raises what `send` raises, at less cost."""
        if self._has_proxies:
            sent: Any = await self.send(_prepared(url, headers, body))
            return Response(sent.status_code, dict(sent.headers), await sent.content)
        with self._breaker.call() as call:
            response = await self._post(url, headers, body)
            call.status = response.status_code
        return response

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> Response:
        try:
            session = await self._get_session(None)
            response = await session.request(
                METHOD,
                URL(url, encoded=True),
                headers={**headers, "Accept-Encoding": "identity"},
                data=body,
            )
            received = await response.read()
            found = {name.decode().lower(): value.decode() for name, value in response.raw_headers}
        except aiohttp.ClientSSLError as error:
            raise SSLError(endpoint_url=url, error=error) from error
        except (
            aiohttp.ServerDisconnectedError,
            aiohttp.ClientPayloadError,
            BadStatusLine,
        ) as error:
            request = _prepared(url, headers, body)
            raise ConnectionClosedError(error=error, request=request, endpoint_url=url) from error
        except TimeoutError as error:
            is_connecting = str(error).lower().startswith("connect")
            kind = ConnectTimeoutError if is_connecting else ReadTimeoutError
            raise kind(endpoint_url=url, error=error) from error
        except (aiohttp.ClientConnectionError, socket.gaierror) as error:
            raise EndpointConnectionError(endpoint_url=url, error=error) from error
        except Exception as error:
            raise HTTPClientError(error=error) from error
        return Response(response.status, found, received)

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        """Return aiobotocore's session for a proxy, or for none, with the class of its responses set."""
        session: Any = await super()._get_session(proxy_url)  # type: ignore[misc]  # the stubs lack it
        session._response_class = self._response_class  # noqa: SLF001 -- aiobotocore passes none
        found: aiohttp.ClientSession = session
        return found

    def _get_ssl_context(self) -> ssl.SSLContext:
        """
        Return a context that checks the host name of the certificate.

        botocore's leaves that to urllib3, which aiobotocore does not use.
        """
        context: ssl.SSLContext = super()._get_ssl_context()  # type: ignore[misc]  # the stubs lack it
        context.check_hostname = True
        return context

    def _setup_proxy_ssl_context(self, proxy_url: str) -> ssl.SSLContext:
        """Return a context for connections through a proxy; aiobotocore's default checks nothing."""
        context = super()._setup_proxy_ssl_context(proxy_url)  # type: ignore[misc]  # the stubs lack it
        return context or self._get_ssl_context()

    def _close_idle_connections(self) -> None:
        """Close the idle connections: they may be as dead as one that got no response."""
        sessions: Any = self._sessions  # type: ignore[attr-defined]  # the stubs lack it
        for session in sessions.values():
            for idle in session.connector._conns.values():  # noqa: SLF001 -- aiohttp has no public way
                for protocol, _ in idle:
                    protocol.close()


def _prepared(url: str, headers: Any, body: bytes) -> Any:  # noqa: ANN401 -- the stubs know other types
    """Return a request in the form that `send` takes."""
    return AWSPreparedRequest(METHOD, url, headers, body, stream_output=False)
