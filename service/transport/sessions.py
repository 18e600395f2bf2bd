"""aiobotocore's HTTP session, with a time for the whole of a call, and a breaker in front."""

from __future__ import annotations

import math
import ssl
from typing import Any

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession

from service.upstreams.breaker import Breaker


class GuardedSession(AIOHTTPSession):
    """
    The connections of one client; every attempt of a call goes through *breaker*.

    botocore's read timeout begins anew with each byte. Here the two timeouts together are also the time
    of an attempt, from the wait for a place in the pool to the last byte.
    """

    def __init__(
        self,
        *,
        breaker: Breaker,
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
        self._breaker = breaker
        breaker.on_silence = self._distrust

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

    def _distrust(self) -> None:
        """
        Close the idle connections, because a call on another one got no answer.

        They may lead to where nobody is any more, and each would cost a call its whole time to find out.
        """
        sessions: Any = self._sessions  # type: ignore[attr-defined]  # the stubs lack it
        for session in sessions.values():
            for idle in session.connector._conns.values():  # noqa: SLF001 -- aiohttp has no public way
                for protocol, _ in idle:
                    protocol.close()
