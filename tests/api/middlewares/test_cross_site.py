"""Pages of other sites cannot change anything (CSRF)."""

import pytest

from service.api.middlewares.cross_site import SAFE_METHODS
from service.api.routes import Route, all_routes
from service.config.loader import Settings
from tests.api.conftest import ALICE, Api, Start

PATH = "/v1/user/profile"
LISTED: Settings = {"cors": {"allowed-origins": "https://app.example https://b.example:8443"}}


async def _post(api: Api, *fields: tuple[str, str]) -> tuple[int, str | None]:
    """Send a write with a page's headers; return the status and the code."""
    async with api.post(PATH, json={}, headers=[*ALICE.items(), *fields]) as answer:
        return answer.status, (await answer.json()).get("code")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("a.example", "https://a.example"),
        ("a.example", "http://a.example"),
        ("a.example:8443", "https://a.example:8443"),
        ("a.example:443", "https://a.example"),
        ("a.example:80", "http://a.example"),
        ("a.example", "https://a.example:443"),
        ("a.example", "http://a.example:80"),
        ("A.Example", "https://a.example"),
        ("a.example", "HTTPS://A.EXAMPLE"),
        ("localhost:8080", "http://localhost:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]", "http://[::1]"),
        ("[::1]:80", "http://[::1]"),
        ("[::1]:8080", "http://[::1]:8080"),
    ],
)
async def test_own_page_may_change_something(api: Api, host: str, origin: str) -> None:
    """A page of the same host is served, with or without the default port."""
    assert await _post(api, ("Host", host), ("Origin", origin)) == (201, None)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("a.example", "https://evil.example"),
        ("a.example", "https://b.a.example"),
        ("a.example", "https://a.example.evil.example"),
        ("a.example", "https://a.example:8443"),
        ("a.example:8443", "https://a.example"),
        ("a.example:80", "https://a.example"),
        ("a.example:443", "http://a.example"),
        ("a.example", "https://a.example:4430"),
        ("a.example:44", "https://a.example:443"),
        ("a.example", "null"),
        ("", "null"),
        ("a.example", ""),
        ("", ""),
        ("", "https://"),
        ("a.example", "https://a.example/"),
        ("a.example", "https://a.example/path"),
        ("a.example", "https://a.example?query"),
        ("a.example", "https://a.example#fragment"),
        ("a.example", "https://evil@a.example"),
        ("a.example", "https://a.example@evil.example"),
        ("a.example", "https://a.example\\@evil.example"),
        ("a.example", "https://a.example https://evil.example"),
        ("a.example", "https://a.example, https://evil.example"),
        ("a.example", "//a.example"),
        ("a.example", "a.example"),
        ("a.example", "ftp://a.example"),
        ("a.example", "chrome-extension://a.example"),
        ("a.example", "https:a.example"),
        ("[::1]", "https://[::2]"),
        ("[::1]", "https://[::1"),
        ("a.example", "https://[::1"),
        ("a.example", "\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ],
)
async def test_foreign_page_may_not_change_anything(api: Api, host: str, origin: str) -> None:
    """A page of another host, or with a malformed origin, is refused."""
    assert await _post(api, ("Host", host), ("Origin", origin)) == (403, "cross_site_refused")


@pytest.mark.parametrize(
    "origins",
    [
        ["https://a.example", "https://evil.example"],
        ["https://evil.example", "https://a.example"],
        ["https://app.example", "https://evil.example"],
        ["https://app.example", "https://app.example"],
    ],
)
async def test_one_foreign_origin_among_several_is_refused(
    start: Start, origins: list[str]
) -> None:
    """Of two Origin headers both must be of the same host."""
    api = await start(LISTED)
    fields = [("Origin", origin) for origin in origins]

    assert await _post(api, ("Host", "a.example"), *fields) == (403, "cross_site_refused")
    own = ("Origin", "https://a.example")
    assert await _post(api, ("Host", "a.example"), own, own) == (201, None)


@pytest.mark.parametrize(
    ("site", "status"),
    [
        ("same-origin", 201),
        ("same-site", 201),
        ("none", 201),
        ("", 201),
        ("anything", 201),
        ("cross-site", 403),
        ("Cross-Site", 403),
        (" cross-site ", 403),
        ("same-origin, cross-site", 403),
    ],
)
async def test_cross_site_header_decides_without_an_origin(
    api: Api, site: str, status: int
) -> None:
    """Without an Origin, only Sec-Fetch-Site: cross-site is refused."""
    assert (await _post(api, ("Sec-Fetch-Site", site)))[0] == status


async def test_same_site_is_not_same_origin(api: Api) -> None:
    """A page of another host of the same site is refused by its Origin."""
    fields = (("Host", "a.example"), ("Origin", "https://b.example"))

    assert (await _post(api, ("Sec-Fetch-Site", "same-site"), *fields))[0] == 403


async def test_own_origin_does_not_outweigh_cross_site(api: Api) -> None:
    """Of contradicting headers, a cross-site one is decisive."""
    origin = (("Host", "a.example"), ("Origin", "https://a.example"))
    sites = [("Sec-Fetch-Site", site) for site in ("same-origin", "cross-site")]

    assert (await _post(api, *origin, sites[1]))[0] == 403
    assert (await _post(api, *sites))[0] == 403


async def test_program_needs_no_origin(api: Api) -> None:
    """Clients that send neither header are served."""
    assert (await _post(api))[0] == 201


@pytest.mark.parametrize("origin", ["https://app.example", "https://b.example:8443"])
async def test_listed_page_may_change_something(start: Start, origin: str) -> None:
    """A page of an allowed origin is served although it is cross-site."""
    api = await start(LISTED)

    assert await _post(api, ("Origin", origin), ("Sec-Fetch-Site", "cross-site")) == (201, None)


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example",
        "https://app.example:443",
        "https://APP.example",
        "https://b.example",
        "https://x.app.example",
        "https://app.example.",
        "https://app.example/",
        "null",
        "*",
    ],
)
async def test_only_the_exact_origin_is_listed(start: Start, origin: str) -> None:
    """Another scheme, port, spelling or subdomain is another origin."""
    api = await start(LISTED)

    assert (await _post(api, ("Origin", origin)))[0] == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_reading_is_not_touched(api: Api, method: str) -> None:
    """Safe methods are served to any page; its browser does not let it read the response."""
    headers = {**ALICE, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    async with api.request(method, PATH, headers=headers) as answer:
        assert answer.status == (204 if method == "OPTIONS" else 404)
        assert "Access-Control-Allow-Origin" not in answer.headers


CHANGES = [route for route, _ in all_routes() if route.method not in SAFE_METHODS]


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: f"{route.method} {route.path}")
async def test_every_change_is_refused(api: Api, route: Route) -> None:
    """Every route refuses cross-site changes, with and without authentication."""
    async with api.request(
        route.method, route.path, headers={"Sec-Fetch-Site": "cross-site"}
    ) as answer:
        assert (answer.status, (await answer.json())["code"]) == (403, "cross_site_refused")


async def test_what_is_not_there_stays_so(api: Api) -> None:
    """An unknown path or method is 404 or 405 for cross-site requests too."""
    headers = {"Sec-Fetch-Site": "cross-site"}

    assert (await api.post("/nothing/here", headers=headers)).status == 404
    assert (await api.delete("/api/auth/login", headers=headers)).status == 405


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", ""],
)
async def test_form_changes_nothing(api: Api, content_type: str) -> None:
    """The content types of HTML forms are refused, even without browser headers."""
    headers = {**ALICE, "Content-Type": content_type}
    async with api.post(PATH, data=b"{}", headers=headers) as answer:
        assert answer.status == 415
