"""The deployment, as a client calls it."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final

import aiohttp
from yarl import URL

from service.aws.connection_settings import check_ca_bundle, proxy_for
from service.deployment_checks.results import CheckResult, NamedCheck

TIMEOUT_S: Final = 20.0  # of a request; the service's own deadline is 8 s by default
MAX_BYTES: Final = 1_048_576
PROFILE: Final = "/v1/user/profile"


class Unreachable(Exception):
    """The deployment gave no answer; the message says why, by the kind of error alone."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; *body* is the JSON object, empty where there is none."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)
    text: str = field(repr=False)

    @property
    def code(self) -> str:
        """The code of the service's refusal; empty for other answers."""
        return str(self.body.get("code", ""))

    def __str__(self) -> str:
        """Return the status and the code."""
        return f"{self.status} {self.code}".strip()

    def unexpected(self, check: NamedCheck, expected: str, advice: str) -> CheckResult:
        """Return the result of *check*, which expected another answer; an overload is not wrong."""
        detail = f"{self} instead of {expected}"
        if self.status in (429, 503):
            return check.unknown(detail, f"{advice} Then try again.".strip())
        return check.wrong(detail, advice)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The tokens of a user."""

    user_id: str = field(repr=False)
    access_token: str = field(repr=False)
    id_token: str = field(repr=False)


class Deployment:
    """A deployment at *url*; no redirect is followed and no cookie kept."""

    def __init__(
        self, session: aiohttp.ClientSession, url: URL, on_call: Callable[[str], None] | None
    ) -> None:
        self._session = session
        self._on_call = on_call
        self.url = url

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        url: URL | None = None,
    ) -> Response:
        """Return the answer; raises Unreachable."""
        if self._on_call:
            self._on_call(f"{method} {path}")
        target = (url or self.url).with_path(self.url.path.rstrip("/") + path)
        try:
            async with self._session.request(
                method,
                target,
                json=json,
                headers=headers,
                proxy=None if is_this_machine(target) else proxy_for(str(target)),
                allow_redirects=False,
            ) as answer:
                body = await answer.content.read(MAX_BYTES)
                return _response(answer, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"{target.origin()}: {type(error).__name__}") from error


def _response(answer: aiohttp.ClientResponse, body: bytes) -> Response:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = {}
    text = body.decode(errors="replace")
    return Response(answer.status, answer.headers, parsed if isinstance(parsed, dict) else {}, text)


def is_this_machine(url: URL) -> bool:
    """Return whether the host of *url* is a loopback address."""
    host = url.host or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries an access token."""
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def open_deployment(
    url: URL, *, on_call: Callable[[str], None] | None = None
) -> AsyncIterator[Deployment]:
    """
    Open the connections to a deployment, and close them.

    They trust this machine's authorities and those in AWS_CA_BUNDLE. *on_call* is called before each
    call, with its method and path. Raises InvalidConfigError for a bundle without certificates.
    """
    context = ssl.create_default_context()
    if bundle := os.environ.get("AWS_CA_BUNDLE"):
        check_ca_bundle(bundle)
        context.load_verify_locations(bundle)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "user-profile-service-smoke"},
    ) as session:
        yield Deployment(session, url, on_call)
