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


REWRITTEN = [
    "internal:8080",
    "10.0.3.7",
    "app.example.internal",
    "a.example:8080",
    "[fd00::7]:80",
    "",
]
OWN_SITES = ["same-origin", "none"]


@pytest.mark.parametrize("host", REWRITTEN)
@pytest.mark.parametrize("origin", ["https://a.example", "https://a.example:8443", "null"])
@pytest.mark.parametrize("site", OWN_SITES)
async def test_own_page_is_served_behind_a_proxy_that_rewrites_the_host(
    api: Api, host: str, origin: str, site: str
) -> None:
    """The browser's same-origin is believed, whatever Host a proxy sends on."""
    fields = (("Host", host), ("Origin", origin), ("Sec-Fetch-Site", site))

    assert await _post(api, *fields) == (201, None)


async def test_login_page_is_served_behind_a_proxy_that_rewrites_the_host(api: Api) -> None:
    """Public routes follow the same rule: wrong credentials, not a cross-site request."""
    headers = {"Origin": "https://a.example", "Host": "b", "Sec-Fetch-Site": "same-origin"}
    body = {"username": "alice", "password": "YourPass123!"}
    async with api.post("/api/auth/login", json=body, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, "invalid_credentials")


@pytest.mark.parametrize("forwarded", ["X-Forwarded-Host", "Forwarded", "X-Original-Host"])
async def test_forwarded_host_proves_nothing(api: Api, forwarded: str) -> None:
    """Without Sec-Fetch-Site the Origin is compared with Host alone."""
    value = "host=evil.example" if forwarded == "Forwarded" else "evil.example"
    fields = (("Host", "a.example"), ("Origin", "https://evil.example"), (forwarded, value))

    assert (await _post(api, *fields))[0] == 403


@pytest.mark.parametrize(
    "site",
    [
        "cross-site",
        "same-site",
        "Cross-Site",
        "SAME-SITE",
        " cross-site ",
        "same-origin, cross-site",
        "same-site,same-origin",
        "cross-site;x=1",
        '"cross-site"',
    ],
)
async def test_page_of_another_origin_is_refused_by_its_site(api: Api, site: str) -> None:
    """A page of another origin is refused, with and without an Origin that is the same host."""
    own = (("Host", "a.example"), ("Origin", "https://a.example"))

    assert (await _post(api, ("Sec-Fetch-Site", site)))[0] == 403
    assert (await _post(api, *own, ("Sec-Fetch-Site", site)))[0] == 403


@pytest.mark.parametrize(
    "sites",
    [
        [""],
        ["anything"],
        ["Same-Origin"],
        ["SAME-ORIGIN"],
        ["None"],
        ["same-origin;x=1"],
        ['"same-origin"'],
        ["same-origin, none"],
        ["same-origin", "same-origin"],
        ["same-origin", "none"],
        ["same_origin"],
    ],
    ids=str,
)
async def test_site_that_no_browser_sends_leaves_it_to_the_origin(
    api: Api, sites: list[str]
) -> None:
    """An invalid Sec-Fetch-Site is ignored: Origin is compared with Host."""
    fields = [("Sec-Fetch-Site", site) for site in sites]
    own, foreign = ("Origin", "https://a.example"), ("Origin", "https://evil.example")

    assert (await _post(api, ("Host", "a.example"), own, *fields))[0] == 201
    assert (await _post(api, ("Host", "a.example"), foreign, *fields))[0] == 403
    assert (await _post(api, *fields))[0] == 200


@pytest.mark.parametrize("sites", [["same-origin", "cross-site"], ["same-site", "none"]], ids=str)
async def test_one_foreign_site_among_several_is_refused(api: Api, sites: list[str]) -> None:
    """Of contradicting headers, the foreign one is decisive."""
    assert (await _post(api, *(("Sec-Fetch-Site", site) for site in sites)))[0] == 403


async def test_program_needs_no_origin(api: Api) -> None:
    """Clients that send neither header are served."""
    assert (await _post(api))[0] == 201


@pytest.mark.parametrize("origin", ["https://app.example", "https://b.example:8443"])
@pytest.mark.parametrize(
    "site", [(), (("Sec-Fetch-Site", "cross-site"),), (("Sec-Fetch-Site", "same-site"),)]
)
async def test_listed_page_may_change_something(
    start: Start, origin: str, site: tuple[tuple[str, str], ...]
) -> None:
    """A page of an allowed origin is served although it is of another origin."""
    api = await start(LISTED)

    assert await _post(api, ("Origin", origin), *site) == (201, None)


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
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_every_change_is_refused(api: Api, route: Route, site: str) -> None:
    """Every route refuses changes by pages of another origin, without authentication too."""
    async with api.request(route.method, route.path, headers={"Sec-Fetch-Site": site}) as answer:
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
