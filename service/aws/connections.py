"""aiobotocore's HTTP session, and a shorter way through it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
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

from service.aws.http_session import GuardedSession

METHOD = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as botocore's handlers and parsers take it; the names of *headers* in lower case."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    async def content(self) -> bytes:
        """Return the body, for which aiobotocore waits."""
        return self.body


class Connections(GuardedSession):
    """
    The connections of a client, with limits, timeouts, TLS and proxies as aiobotocore makes them.

    `post` does what `send` does, without what only other requests need.
    """

    def __init__(self, *, proxies: dict[str, str] | None, **options: Any) -> None:  # noqa: ANN401 -- aiobotocore's own
        super().__init__(proxies=proxies, **options)
        self._goes_straight = not proxies

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send a request, and return its answer; raises what `send` raises."""
        if not self._goes_straight:
            sent: Any = await self.send(_prepared(url, headers, body))
            return Answer(sent.status_code, dict(sent.headers), await sent.content)
        with self._breaker.call() as call:
            answer = await self._posted(url, headers, body)
            call.status = answer.status_code
        return answer

    async def _posted(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        straight = {**headers, "Accept-Encoding": "identity"}
        try:
            session = await self._get_session(None)
            response: aiohttp.ClientResponse = await session.request(
                METHOD, URL(url, encoded=True), headers=straight, data=body
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
            connecting = str(error).lower().startswith("connect")
            kind = ConnectTimeoutError if connecting else ReadTimeoutError
            raise kind(endpoint_url=url, error=error) from error
        except (aiohttp.ClientConnectionError, socket.gaierror) as error:
            raise EndpointConnectionError(endpoint_url=url, error=error) from error
        except Exception as error:
            raise HTTPClientError(error=error) from error
        return Answer(response.status, found, received)


def _prepared(url: str, headers: dict[str, str], body: bytes) -> Any:  # noqa: ANN401 -- the stubs know another one
    """Return a request as botocore hands it to `send`."""
    named: Any = headers
    return AWSPreparedRequest(METHOD, url, named, body, stream_output=False)
