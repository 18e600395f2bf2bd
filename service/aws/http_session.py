"""aiobotocore's HTTP session, with a time for the whole of a call, and a breaker in front."""

from __future__ import annotations

import math
import ssl
from typing import Any

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession

from service.circuit_breaker import Breaker


class BoundedResponse(aiohttp.ClientResponse):
    """An answer of which no more is read than *most_bytes*: whoever answers may send without end."""

    most_bytes = 1_048_576  # Cognito's have a few KB

    async def read(self) -> bytes:
        """Return the body; raises ClientPayloadError where it is too large."""
        if (self.content_length or 0) > self.most_bytes:
            self.close()
            raise aiohttp.ClientPayloadError("too large")
        if self.content_length is not None:
            return await super().read()
        body = bytearray()
        while part := await self.content.readany():
            body += part
            if len(body) > self.most_bytes:
                self.close()
                raise aiohttp.ClientPayloadError("too large")
        return bytes(body)


class BoundedItems(BoundedResponse):
    """An answer of DynamoDB, which sends up to 16 MB of items; as JSON they may be twice as large."""

    most_bytes = 33_554_432


class GuardedSession(AIOHTTPSession):
    """
    The connections of one client; every attempt of a call goes through *breaker*.

    botocore's read timeout begins anew with each byte. Here the two timeouts together are also the time
    of an attempt, from the wait for a place in the pool to the last byte. *answers* bounds what is read.
    """

    def __init__(
        self,
        *,
        breaker: Breaker,
        answers: type[BoundedResponse] = BoundedResponse,
        timeout: tuple[float, float],
        **options: Any,  # noqa: ANN401 -- aiobotocore's own
    ) -> None:
        super().__init__(timeout=timeout, **options)  # type: ignore[arg-type]  # the stubs know one number
        connect_s, read_s = timeout
        self._timeout = aiohttp.ClientTimeout(
            total=connect_s + read_s,
            sock_connect=connect_s,
            sock_read=read_s,
            ceil_threshold=math.inf,  # aiohttp's own would round six seconds up to seven
        )
        self._response_class = answers
        self._breaker = breaker
        breaker.on_silence = self._close_idle_connections

    def _get_ssl_context(self) -> ssl.SSLContext:
        """
        Return a context that takes the certificate of the server's name alone.

        botocore's leaves that to urllib3, which aiobotocore does not use: any certificate that any
        authority has signed would do.
        """
        context: ssl.SSLContext = super()._get_ssl_context()  # type: ignore[misc]  # the stubs lack it
        context.check_hostname = True
        return context

    def _setup_proxy_ssl_context(self, proxy_url: str) -> ssl.SSLContext:
        """Return a context for calls by way of a proxy; aiobotocore would check nothing there."""
        own = super()._setup_proxy_ssl_context(proxy_url)  # type: ignore[misc]  # likewise
        return own or self._get_ssl_context()

    async def send(self, request: Any) -> Any:  # noqa: ANN401 -- the stubs know other ones
        """Send a request as aiobotocore does; raises UpstreamRefused too."""
        with self._breaker.call() as call:
            answer: Any = await super().send(request)
            call.status = answer.status_code
        return answer

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        """Return the session for a proxy, or for none; aiobotocore's own, but for how much it reads."""
        session: Any = await super()._get_session(proxy_url)  # type: ignore[misc]  # the stubs lack it
        session._response_class = self._response_class  # noqa: SLF001 -- aiobotocore makes it without
        found: aiohttp.ClientSession = session
        return found

    def _close_idle_connections(self) -> None:
        """
        Close the idle connections, because a call on another one got no answer.

        They may lead to where nobody is any more, and each would cost a call its whole time to find out.
        """
        sessions: Any = self._sessions  # type: ignore[attr-defined]  # the stubs lack it
        for session in sessions.values():
            for idle in session.connector._conns.values():  # noqa: SLF001 -- aiohttp has no public way
                for protocol, _ in idle:
                    protocol.close()
