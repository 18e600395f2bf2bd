"""The outgoing connections of calls to AWS and of fetches of public keys."""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, ClassVar

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession
from aiohttp.http_exceptions import BadStatusLine
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import mask_proxy_url
from multidict import CIMultiDict
from yarl import URL

from service.aws.connection_settings import check_ca_bundle, check_proxy, proxy_for
from service.circuit_breaker import Breaker


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
        if self.content.is_eof():  # all of it has arrived with the headers, as most do
            return self.content.read_nowait()
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


class VerifiedSession(AIOHTTPSession):
    """
    aiobotocore's session, with proxies and certificate authorities as botocore has them.

    It verifies that a certificate is that of the host: botocore leaves this to urllib3, which aiobotocore
    does not use. An empty AWS_CA_BUNDLE is as good as none; to botocore it means no verification. Raises
    InvalidConfigError for a bundle without certificates and for a proxy that cannot be used.
    """

    def __init__(
        self,
        *,
        verify: bool | str | None = None,
        proxies: Mapping[str, str] | None = None,
        **options: Any,  # noqa: ANN401 -- aiobotocore's
    ) -> None:
        self.verify = verify or True
        if isinstance(self.verify, str):
            check_ca_bundle(self.verify)
        super().__init__(verify=self.verify, proxies=proxies, **options)  # type: ignore[arg-type]  # the stubs know no path
        check_proxy(self._proxy_config.proxy_url_for("https://"))  # type: ignore[attr-defined]  # the stubs lack it

    def _get_ssl_context(self) -> ssl.SSLContext:
        context: ssl.SSLContext = super()._get_ssl_context()  # type: ignore[misc]  # the stubs lack it
        context.check_hostname = True
        return context

    def _setup_proxy_ssl_context(self, proxy_url: str) -> ssl.SSLContext:
        """Return a context for connections through a proxy; aiobotocore's default checks nothing."""
        context = super()._setup_proxy_ssl_context(proxy_url)  # type: ignore[misc]  # the stubs lack it
        return context or self._get_ssl_context()


class GuardedSession(VerifiedSession):
    """
    The connections of one client; *breaker* counts every attempt.

    The two timeouts together limit a whole attempt, from the wait for a connection to the last byte:
    botocore's read timeout alone starts again with each byte.
    """

    follows_redirects: ClassVar[bool] = True  # as aiobotocore

    def __init__(
        self,
        *,
        breaker: Breaker,
        response_class: type[BoundedResponse] = BoundedResponse,
        timeout: tuple[float, float],
        **options: Any,  # noqa: ANN401 -- aiobotocore's
    ) -> None:
        super().__init__(timeout=timeout, **options)
        connect_s, read_s = timeout
        self._timeout = aiohttp.ClientTimeout(
            total=connect_s + read_s,
            sock_connect=connect_s,
            sock_read=read_s,
            ceil_threshold=math.inf,  # aiohttp would round 6 s up to 7 s
        )
        proxies: Any = self._proxy_config  # type: ignore[attr-defined]  # the stubs lack it
        self._botocores_proxy_for: Callable[[str], str | None] = lru_cache(proxies.proxy_url_for)
        self._response_class = response_class
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
        with self._breaker.call() as call:
            response = await self._exchange("POST", url, headers, body)
            call.status = response.status_code
        return response

    def _proxy_for(self, url: str) -> str | None:
        return self._botocores_proxy_for(url)

    async def _exchange(
        self, method: str, url: str, headers: dict[str, str], body: bytes
    ) -> Response:
        proxy = None
        try:
            proxy = self._proxy_for(url)
            session = await self._get_session(proxy)
            response = await session.request(
                method,
                URL(url, encoded=True),
                headers=CIMultiDict(headers, **{"Accept-Encoding": "identity"}),
                data=body or None,
                proxy=proxy,
                allow_redirects=method == "POST" and self.follows_redirects,  # keys: at one address
            )
            try:
                has_body = method == "POST" or response.status == HTTPStatus.OK
                received = await response.read() if has_body else b""
                found = {
                    name.decode().lower(): value.decode() for name, value in response.raw_headers
                }
            finally:
                if not response.closed:  # the end of its body closes it
                    response.close()
        except aiohttp.ClientSSLError as error:
            raise SSLError(endpoint_url=url, error=error) from error
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
            raise ProxyConnectionError(
                proxy_url=mask_proxy_url(proxy or ""), error=error
            ) from error
        except (
            aiohttp.ServerDisconnectedError,
            aiohttp.ClientPayloadError,
            BadStatusLine,
        ) as error:
            request: Any = AWSPreparedRequest(method, url, headers, body, stream_output=False)  # type: ignore[arg-type]  # the stubs know other types
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
        """Return the session for a proxy, or for none: aiobotocore's has other responses, and cookies."""
        sessions: dict[str | None, aiohttp.ClientSession] = self._sessions  # type: ignore[attr-defined]  # the stubs lack it
        if proxy_url not in sessions:
            opened = aiohttp.ClientSession(
                connector=self._create_connector(proxy_url),  # type: ignore[attr-defined]  # the stubs lack it
                timeout=self._timeout,
                response_class=self._response_class,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers={"Content-Type"},
                auto_decompress=False,
            )
            sessions[proxy_url] = await self._exit_stack.enter_async_context(opened)  # type: ignore[attr-defined]  # the stubs lack it
        return sessions[proxy_url]

    def _close_idle_connections(self) -> None:
        """Close the idle connections: they may be as dead as one that got no response."""
        sessions: Any = self._sessions  # type: ignore[attr-defined]  # the stubs lack it
        for session in sessions.values():
            for idle in session.connector._conns.values():  # noqa: SLF001 -- aiohttp has no public way
                for protocol, _ in idle:
                    protocol.close()


class KeySession(GuardedSession):
    """Connections to servers of public keys, of which each may have its own proxy."""

    async def get(self, url: str) -> Response:
        """Return the response to a GET request, which has a body if its status is 200."""
        with self._breaker.call() as call:
            response = await self._exchange("GET", url, {}, b"")
            call.status = response.status_code
        return response

    def _proxy_for(self, url: str) -> str | None:
        # botocore looks at NO_PROXY when it makes a client, which has one host.
        return proxy_for(url)
