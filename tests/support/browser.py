"""A browser without scripts: cookies, redirects, links and forms, over plain HTTP."""

import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qs, urljoin, urlsplit

import aiohttp
from yarl import URL


@dataclass(frozen=True, slots=True)
class Page:
    """Where the browser arrived; *text* is empty where it was redirected to another site."""

    url: str
    status: int
    text: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the URL."""
        parsed = parse_qs(urlsplit(self.url).query, strict_parsing=True)
        return {name: values[-1] for name, values in parsed.items()}

    @property
    def alert(self) -> str | None:
        """The error that the page shows, if any."""
        found = re.search(r'<p role="alert">(.*?)</p>', self.text)
        return None if found is None else unescape(found[1])

    def link(self, text: str) -> str:
        """Return the URL of a link."""
        found = re.search(rf'<a href="([^"]*)">{re.escape(text)}</a>', self.text)
        assert found is not None, self.text
        return urljoin(self.url, unescape(found[1]))

    def form(self, number: int = 0) -> tuple[str, dict[str, str]]:
        """Return the action of a form and its hidden fields."""
        action, content = re.findall(
            r'<form method="post" action="([^"]*)">(.*?)</form>', self.text
        )[number]
        hidden = re.findall(r'<input name="(\w+)" type="hidden" value="([^"]*)">', content)
        fields = {name: unescape(value) for name, value in hidden}
        return urljoin(self.url, unescape(action)), fields


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser with its cookies."""

    session: aiohttp.ClientSession

    async def open(self, url: str) -> Page:
        """Visit a URL, and follow redirects on its site."""
        return await self._visit("GET", url, None)

    async def submit(self, page: Page, number: int = 0, **fields: str) -> Page:
        """Post a form of a page with *fields* entered."""
        action, hidden = page.form(number)
        return await self._visit("POST", action, {**hidden, **fields})

    async def _visit(self, method: str, url: str, data: Mapping[str, str] | None) -> Page:
        target = URL(url, encoded=True)
        async with self.session.request(method, target, data=data, allow_redirects=False) as got:
            if not 300 <= got.status < 400:
                return Page(url, got.status, await got.text())
            target_url = urljoin(url, got.headers["Location"])
        if urlsplit(target_url).netloc != urlsplit(url).netloc:
            return Page(target_url, got.status)
        return await self._visit("GET", target_url, None)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Open a browser without cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Browser(session)


def _random() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Proof:
    """A code verifier with its challenge (RFC 7636), and a state."""

    verifier: str = field(default_factory=_random)
    state: str = field(default_factory=_random)

    @property
    def challenge(self) -> str:
        """The challenge by S256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
