"""The client of clients/typescript with the storage, locks, cookies and CORS of a real Chromium."""

import asyncio
import base64
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests_slow.browser.chromium import Page, User, script
from tests_slow.browser.conftest import EXAMPLE, Example

CLIENT: Final = base64.b64encode((EXAMPLE / "client.js").read_bytes()).decode()
PRELUDE: Final = f"""
const {{ Client, isProblem }} = await import("data:text/javascript;base64,{CLIENT}");
const NAME = "user-profile-service";
const client = new Client({{ baseUrl, cookie, storage: localStorage }});
const refusal = (path, body) => client.request("POST", path, {{ body }}).then(
  () => null, (error) => ({{ ...error, isProblem: isProblem(error) }}));
const refreshes = () =>
  performance.getEntriesByType("resource").filter(({{ name }}) => name.endsWith("/refresh")).length;
const expire = () =>
  localStorage.setItem(NAME, JSON.stringify({{ ...client.session, expiresAt: Date.now() }}));
"""


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """Pages of a user at one origin, which may be another one than the service's."""

    browser_user: User
    mailbox: Mailbox
    page_url: str
    api: str
    has_cookie: bool

    async def tab(self) -> Page:
        """Open a tab."""
        page = await self.browser_user.page()
        await page.open(self.page_url)
        return page

    async def run(self, page: Page, body: str, **names: object) -> Any:  # noqa: ANN401 -- any JSON
        """Run a script with a client in a tab."""
        names = {"baseUrl": self.api, "cookie": self.has_cookie, **names}
        return await page.run(script(PRELUDE + body, **names))

    async def sign_in(self, page: Page) -> str:
        """Sign a new user up and in; return the name."""
        username = new_user()
        account = {"username": username, "password": PASSWORD, "attributes": {"email": username}}
        await self.run(
            page,
            'await client.request("POST", "/api/auth/signup", { body: account });',
            account=account,
        )
        await self.run(
            page,
            """
            await client.request("POST", "/api/auth/confirm", { body: { username, code } });
            await client.request("POST", "/api/auth/login", { body: { username, password } });
            """,
            username=username,
            password=PASSWORD,
            code=await self.mailbox.code(username),
        )
        return username


@pytest.fixture
def bearer(browser_user: User, mailbox: Mailbox, origin: str) -> FrontEnd:
    """Return pages of the service's own origin, with the refresh token in the storage."""
    return FrontEnd(browser_user, mailbox, f"{origin}/health/live", origin, has_cookie=False)


@pytest.fixture
def cookie(browser_user: User, example: Example, example_mailbox: Mailbox) -> FrontEnd:
    """Return pages of another origin, with the refresh token in the cookie, as `make run` has it."""
    page_url = f"{example.page}/style.css"  # no page that runs scripts of its own
    return FrontEnd(browser_user, example_mailbox, page_url, example.api, has_cookie=True)


@pytest.fixture(params=["bearer", "cookie"])
def front_end(request: pytest.FixtureRequest) -> FrontEnd:
    """Return pages of each kind."""
    found: FrontEnd = request.getfixturevalue(request.param)
    return found


async def test_tabs_share_one_refresh(front_end: FrontEnd) -> None:
    """Requests of two tabs with an expired token cause one refresh, and both tabs have its token."""
    tabs = [await front_end.tab(), await front_end.tab()]
    await front_end.sign_in(tabs[0])
    await front_end.run(tabs[0], "expire();")
    old, has_refresh_token = await front_end.run(
        tabs[1], "return [client.session.accessToken, 'refreshToken' in client.session];"
    )
    requests = """
        const request = () => client.request("GET", "/api/auth/me");
        await Promise.all([request(), request()]);
        return [client.session.accessToken, refreshes()];
    """
    ends = await asyncio.gather(*(front_end.run(tab, requests) for tab in tabs))

    tokens, refreshes = zip(*ends, strict=True)
    assert len({old, *tokens}) == 2
    assert sum(refreshes) == 1
    assert has_refresh_token is not front_end.has_cookie
    assert [complaint for tab in tabs for complaint in tab.complaints] == []


async def test_session_is_restored_after_a_reload(front_end: FrontEnd) -> None:
    """A page that is opened anew refreshes the session, and after the log-out there is none."""
    tab = await front_end.tab()
    await front_end.sign_in(tab)
    await tab.open(front_end.page_url)
    restored = await front_end.run(tab, "return [await client.restore(), refreshes()];")
    seen = await front_end.run(tab, "return [document.cookie, 'refreshToken' in client.session];")
    after = await front_end.run(
        tab,
        """
        const kept = localStorage.getItem(NAME);
        await client.logOut();
        const forgotten = client.session;
        localStorage.setItem(NAME, kept);
        return [forgotten, await client.restore(), client.session];
        """,
    )

    assert restored == [True, 1]
    assert seen == ["", not front_end.has_cookie]
    assert after == [None, False, None]


async def test_cookie_restores_a_session_that_the_storage_has_lost(cookie: FrontEnd) -> None:
    """In a tab with an empty storage, the cookie is enough."""
    tab = await cookie.tab()
    await cookie.sign_in(tab)

    restored = await cookie.run(
        tab, "localStorage.clear(); return [await client.restore(), client.session.userId];"
    )

    assert restored[0] is True
    assert restored[1]


async def test_no_change_of_two_tabs_is_lost(front_end: FrontEnd) -> None:
    """Both tabs change one field at the same time, each by what it has read (If-Match)."""
    tabs = [await front_end.tab(), await front_end.tab()]
    await front_end.sign_in(tabs[0])
    saved = await front_end.run(
        tabs[0], "return (await client.editProfile((none) => ({ bio: `${none}` }))).status;"
    )
    add = "await client.editProfile(({ bio }) => ({ bio: bio + mark }));"
    await asyncio.gather(
        *(front_end.run(tab, add, mark=mark) for tab, mark in zip(tabs, "ab", strict=True))
    )
    read = 'const { data, etag } = await client.request("GET", "/v1/user/profile");'
    bio, etag = await front_end.run(tabs[0], read + "return [data.bio, etag];")

    assert saved == 201
    assert bio in {"nullab", "nullba"}
    assert etag


async def test_problem_has_its_fields_and_the_time_to_wait(front_end: FrontEnd) -> None:
    """The page reads status, code and fields, and Retry-After even of another origin."""
    tab = await front_end.tab()
    invalid = await front_end.run(
        tab, 'return refusal("/api/auth/signup", { username: "a b", password: "x" });'
    )
    limited = await front_end.run(
        tab,
        """
        for (;;) {
          const error = await refusal("/api/auth/password/forgot", { username });
          if (error) return error;
        }
        """,
        username=new_user(),
    )

    assert (invalid["status"], invalid["code"]) == (422, "invalid_fields")
    assert [entry["field"] for entry in invalid["problem"]["errors"]] == ["username"]
    assert (limited["isProblem"], limited["status"]) == (True, 429)
    assert limited["retryAfterS"] > 10
    assert tab.complaints == []
