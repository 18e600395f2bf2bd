"""The refresh token in a cookie: who gets it, who may use it, and when it is deleted."""

from collections.abc import Mapping
from dataclasses import replace
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, make_mocked_request
from structlog.testing import capture_logs

import service.api
from service.api.middlewares import refresh_cookie
from service.app import Adapters, create_app
from service.config.loader import Settings
from service.domain.errors import Misconfigured
from service.domain.sessions import Tokens
from tests.api.conftest import AT_ONCE, Api, ServiceServer, Start
from tests.support.accounts import PASSWORD
from tests.support.configs import configured, opening
from tests.support.fakes.identity_provider import memory_identity_provider
from tests.support.fakes.user import MemoryUser
from tests.support.fakes.user_pool import MemoryUserPool
from tests.support.fakes.user_pool_rules import PoolRules

NAME = "__Secure-refresh"
ALWAYS: Settings = {"auth": {"refresh-cookie": "true"}}
BROWSERS: Settings = {"auth": {"refresh-cookie": "browsers"}}
LISTED: Settings = {"cors": {"allowed-origins": "https://app.example"}}
PAGE = {"Sec-Fetch-Site": "same-origin"}
ACCOUNT = {"username": "alice", "password": PASSWORD}
REFRESH = "/api/auth/refresh"
LOGOUT = "/api/auth/logout"
ROTATING = PoolRules(rotates_refresh_tokens=True)


@pytest.fixture(name="api")
async def _api(start: Start, user_pool: MemoryUserPool) -> Api:
    """Start the service with the cookie for everybody, and confirm alice."""
    return await _with_alice(await start(ALWAYS, LISTED), user_pool)


async def _with_alice(api: Api, user_pool: MemoryUserPool) -> Api:
    await api.post("/api/auth/signup", json=ACCOUNT)
    await api.post("/api/auth/confirm", json={"username": "alice", "code": user_pool.code("alice")})
    return api


async def _log_in(api: Api, **headers: str) -> tuple[dict[str, Any], str]:
    """Return the body of a log-in and the value of its cookie, empty without one."""
    async with api.post("/api/auth/login", json=ACCOUNT, headers=headers) as answer:
        assert answer.status == 200
        cookie = _cookie(answer)
        return await answer.json(), "" if cookie is None else cookie.value


def _cookie(answer: ClientResponse, name: str = NAME) -> Morsel[str] | None:
    """Return the cookie that a response sets, None without one."""
    lines = answer.headers.getall("Set-Cookie", [])
    assert len(lines) <= 1
    found = SimpleCookie("".join(lines))
    assert set(found) <= {name}
    return found.get(name)


def _is_deleted(answer: ClientResponse) -> bool:
    cookie = _cookie(answer)
    return cookie is not None and (cookie.value, cookie["max-age"]) == ("", "0")


def _sending(value: str, headers: Mapping[str, str] = PAGE) -> dict[str, str]:
    return {"Cookie": f"other=1; {NAME}={value}", **headers}


async def _code(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


async def test_log_in_sets_the_cookie_and_no_member(api: Api) -> None:
    """The cookie has every attribute that hides it from scripts and other sites."""
    async with api.post("/api/auth/login", json=ACCOUNT) as answer:
        body = await answer.json()
        (line,) = answer.headers.getall("Set-Cookie")

    first, *attributes = line.split("; ")
    assert first.startswith(f"{NAME}=refresh-")
    assert sorted(attributes) == [
        "HttpOnly",
        "Max-Age=2592000",
        "Path=/api/auth",
        "SameSite=Strict",
        "Secure",
    ]
    assert sorted(body) == ["accessToken", "expiresIn", "idToken", "tokenType", "userId"]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_challenge_sets_the_cookie(api: Api, user_pool: MemoryUserPool) -> None:
    """Tokens after a challenge, as after a passkey, are as those of a log-in."""
    user_pool.rules = PoolRules(first_factors=("PASSWORD", "EMAIL_OTP"))
    begun = await api.post(
        "/api/auth/login", json={"username": "alice", "preferredChallenge": "PASSWORD"}
    )
    challenge = (await begun.json())["challenge"]
    answer = await api.post(
        "/api/auth/challenge",
        json={
            "name": challenge["name"],
            "session": challenge["session"],
            "username": "alice",
            "answer": {"password": PASSWORD},
        },
    )

    assert _cookie(begun) is None
    assert _cookie(answer) is not None
    assert "refreshToken" not in await answer.json()


class LongTokens(MemoryUserPool):
    """A pool whose refresh tokens are too long for cookies."""

    def grant(self, user: MemoryUser) -> Tokens:
        """Give the tokens of a new sign-in."""
        return replace(super().grant(user), refresh_token="x" * 4_001)


@pytest.mark.parametrize("pool", [MemoryUserPool, LongTokens])
async def test_confirmation_sets_the_cookie(
    start: Start, memory: Adapters, pool: type[MemoryUserPool]
) -> None:
    """A confirmation that signs in has the cookie; it succeeds without tokens if that is impossible."""
    user_pool = pool(PoolRules(first_factors=("PASSWORD", "EMAIL_OTP")))
    adapters = replace(memory, identity_provider=memory_identity_provider(user_pool))
    api = await start(ALWAYS, adapters=adapters)
    signed_up = await api.post("/api/auth/signup", json=ACCOUNT)
    session = (await signed_up.json())["session"]
    code = user_pool.code("alice")

    answer = await api.post(
        "/api/auth/confirm", json={"username": "alice", "code": code, "session": session}
    )
    body = await answer.json()
    logged_in = await api.post("/api/auth/login", json=ACCOUNT)

    assert (answer.status, body["confirmed"]) == (200, True)
    if pool is LongTokens:
        assert set(body) == {"confirmed"}
        assert await _code(logged_in) == (500, "misconfigured")
        assert _cookie(answer) is _cookie(logged_in) is None
    else:
        assert set(body["tokens"]) == {"accessToken", "expiresIn", "idToken", "tokenType", "userId"}
        assert _cookie(answer) is not None


def test_one_function_puts_refresh_tokens_into_bodies() -> None:
    """Every response with tokens gets them from `tokens_data`, which knows the cookie."""
    folder = Path(service.api.__file__).parent
    writing = {
        path.name: path.read_text(encoding="utf-8").count('["refreshToken"]')
        + path.read_text(encoding="utf-8").count('"refreshToken":')
        for path in folder.rglob("*.py")
    }

    assert {name: count for name, count in writing.items() if count} == {"sessions.py": 1}


async def test_refresh_takes_the_cookie_and_no_body(api: Api) -> None:
    """Without rotation the cookie stays as it is."""
    tokens, value = await _log_in(api)

    empty = await api.post(REFRESH, headers=_sending(value))
    json = await api.post(REFRESH, json={}, headers=_sending(value))

    for answer in (empty, json):
        body = await answer.json()
        assert (answer.status, body["userId"]) == (200, tokens["userId"])
        assert body["accessToken"] != tokens["accessToken"]
        assert "refreshToken" not in body
        assert _cookie(answer) is None


async def test_rotated_token_replaces_the_cookie(api: Api, user_pool: MemoryUserPool) -> None:
    """The new refresh token is in the new cookie only."""
    user_pool.rules = ROTATING
    _, value = await _log_in(api)

    answer = await api.post(REFRESH, headers=_sending(value))
    cookie = _cookie(answer)
    assert cookie is not None
    again = await api.post(REFRESH, headers=_sending(cookie.value))

    assert (answer.status, again.status) == (200, 200)
    assert value != cookie.value
    assert cookie.value not in await answer.text()


async def test_reused_token_leaves_the_cookie(api: Api, user_pool: MemoryUserPool) -> None:
    """Another tab has exchanged the token and has set the newer cookie."""
    user_pool.rules = ROTATING
    _, value = await _log_in(api)
    await api.post(REFRESH, headers=_sending(value))

    answer = await api.post(REFRESH, headers=_sending(value))

    assert await _code(answer) == (401, "refresh_token_reused")
    assert _cookie(answer) is None


@pytest.mark.parametrize("value", ["unknown", "", "a b", "a:b", "\u00e9", "x" * 5_000])
async def test_invalid_token_deletes_the_cookie(api: Api, value: str) -> None:
    """An unknown and a malformed value are the same, and logging out of them succeeds."""
    refreshed = await api.post(REFRESH, headers=_sending(value))
    logged_out = await api.post(LOGOUT, headers=_sending(value))

    assert await _code(refreshed) == (401, "refresh_token_invalid")
    assert logged_out.status == 204
    assert _is_deleted(refreshed)
    assert _is_deleted(logged_out)


async def test_missing_cookie_is_an_invalid_token(api: Api) -> None:
    """A page without the cookie has to log in."""
    assert await _code(await api.post(REFRESH, headers=PAGE)) == (401, "refresh_token_invalid")


FITTING: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://rewritten.example"},
    {"Host": "a.example", "Origin": "https://a.example"},
    {"Host": "a.example", "Origin": "https://a.example", "Sec-Fetch-Site": "unknown"},
    {"Origin": "https://app.example"},
    {"Origin": "https://app.example", "Sec-Fetch-Site": "same-site"},
]
UNFIT: list[dict[str, str]] = [
    {},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "https://evil.example"},
    {"Origin": "http://app.example"},
    {"Origin": "https://app.example.evil.example"},
    {"Host": "a.example", "Origin": "https://a.example:8443"},
    {"Host": "a.example", "Origin": "https://a.example", "Sec-Fetch-Site": "cross-site"},
    {"Host": "a.example", "Origin": "null", "Sec-Fetch-Site": "unknown"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "unknown"},
    {"Sec-Fetch-Site": ""},
    {"Referer": "https://a.example/", "Host": "a.example"},
    {"X-Requested-With": "XMLHttpRequest"},
    {"Sec-Fetch-Mode": "cors"},
]


@pytest.mark.parametrize("headers", FITTING, ids=str)
async def test_page_that_fits_uses_the_cookie(api: Api, headers: dict[str, str]) -> None:
    """A page of the service's origin, or of a listed one, refreshes and logs out."""
    _, value = await _log_in(api)

    assert (await api.post(REFRESH, headers=_sending(value, headers))).status == 200
    assert (await api.post(LOGOUT, headers=_sending(value, headers))).status == 204


@pytest.mark.parametrize("headers", UNFIT, ids=str)
@pytest.mark.parametrize(
    ("mode", "body"),
    [(ALWAYS, None), (ALWAYS, {}), (BROWSERS, None)],
    ids=["no body", "empty object", "browsers"],
)
async def test_cookie_without_a_page_that_fits_is_refused(
    start: Start,
    user_pool: MemoryUserPool,
    headers: dict[str, str],
    mode: Settings,
    body: object,
) -> None:
    """A missing, null, foreign or malformed origin is 403; the session and the cookie go on."""
    user_pool.rules = ROTATING
    api = await _with_alice(await start(mode, LISTED), user_pool)
    _, value = await _log_in(api, **PAGE)

    for path in (REFRESH, LOGOUT):
        answer = await api.post(path, json=body, headers=_sending(value, headers))
        assert await _code(answer) == (403, "cross_site_refused")
        assert _cookie(answer) is None
    assert (await api.post(REFRESH, headers=_sending(value))).status == 200


async def test_refused_page_is_a_security_event(api: Api) -> None:
    """A request that uses the cookie without a page is in the audit log."""
    _, value = await _log_in(api)

    with capture_logs() as logs:
        await api.post(REFRESH, headers=_sending(value, {}))

    events = [(line["event"], line["code"]) for line in logs if "code" in line]
    assert ("token_refresh_refused", "cross_site_refused") in events


@pytest.mark.parametrize("path", [REFRESH, LOGOUT])
@pytest.mark.parametrize("setting", [ALWAYS, BROWSERS], ids=["always", "browsers"])
async def test_cookie_and_body_at_once_are_refused(
    start: Start, user_pool: MemoryUserPool, setting: Settings, path: str
) -> None:
    """Which of two refresh tokens is meant is not guessed, whoever sends them."""
    api = await _with_alice(await start(setting), user_pool)
    _, value = await _log_in(api, **PAGE)

    for headers in (PAGE, {}):
        answer = await api.post(
            path, json={"refreshToken": value}, headers=_sending(value, headers)
        )
        assert await _code(answer) == (400, "malformed_request")


@pytest.mark.parametrize(("other", "status"), [("unknown", 400), (None, 200)])
async def test_two_cookies_are_refused_unless_they_agree(
    api: Api, other: str | None, status: int
) -> None:
    """Another host of the site may set a cookie of this name; it must not choose the session."""
    _, value = await _log_in(api)
    cookies = f"{NAME}={value}; {NAME}={other or value}"

    answer = await api.post(REFRESH, headers={"Cookie": cookies, **PAGE})

    assert answer.status == status


@pytest.mark.parametrize("rules", [PoolRules(), ROTATING], ids=["no rotation", "rotation"])
async def test_token_of_a_body_moves_to_the_cookie(
    api: Api, user_pool: MemoryUserPool, rules: PoolRules
) -> None:
    """A page that stored its refresh token before the cookie was turned on stays signed in."""
    user_pool.rules = rules
    _, value = await _log_in(api)

    answer = await api.post(REFRESH, json={"refreshToken": value}, headers=PAGE)
    cookie = _cookie(answer)
    assert cookie is not None

    assert "refreshToken" not in await answer.json()
    assert (await api.post(REFRESH, headers=_sending(cookie.value))).status == 200


async def test_logging_out_ends_the_session_and_deletes_the_cookie(api: Api) -> None:
    """The refresh token is revoked; logging out again succeeds without a cookie."""
    _, value = await _log_in(api)

    ended = await api.post(LOGOUT, headers=_sending(value))
    refused = await api.post(REFRESH, headers=_sending(value))
    again = await api.post(LOGOUT, headers=PAGE)

    assert (ended.status, again.status) == (204, 204)
    assert _is_deleted(ended)
    assert await _code(refused) == (401, "refresh_token_invalid")


@pytest.mark.parametrize("sends_cookie", [True, False])
async def test_logging_out_everywhere_deletes_the_cookie(api: Api, *, sends_cookie: bool) -> None:
    """The access token is the proof; a cookie beside it needs a page, as always."""
    tokens, value = await _log_in(api)
    _, other = await _log_in(api)
    headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
    body = {"everywhere": True}

    refused = await api.post(LOGOUT, json=body, headers=headers | _sending(value, {}))
    sent = headers | (_sending(value) if sends_cookie else {})
    answer = await api.post(LOGOUT, json=body, headers=sent)

    assert await _code(refused) == (403, "cross_site_refused")
    assert answer.status == 204
    assert _is_deleted(answer)
    assert (await api.post(REFRESH, headers=_sending(other))).status == 401


async def test_deleting_the_account_deletes_the_cookie(api: Api) -> None:
    """Nothing is left in the browser."""
    tokens, _ = await _log_in(api)

    answer = await api.delete(
        "/api/auth/me", headers={"Authorization": f"Bearer {tokens['accessToken']}"}
    )

    assert answer.status == 204
    assert _is_deleted(answer)


async def test_changing_the_password_keeps_the_session(api: Api) -> None:
    """Cognito keeps the tokens of a user who changes the password, and so the cookie stays."""
    tokens, value = await _log_in(api)
    answer = await api.post(
        "/api/auth/password/change",
        json={"currentPassword": PASSWORD, "newPassword": f"{PASSWORD}2"},
        headers={"Authorization": f"Bearer {tokens['accessToken']}"},
    )

    assert answer.status == 204
    assert _cookie(answer) is None
    assert (await api.post(REFRESH, headers=_sending(value))).status == 200


async def test_device_key_is_in_the_cookie(api: Api, user_pool: MemoryUserPool) -> None:
    """In a pool that remembers devices, pages need not store the device key either."""
    user_pool.rules = PoolRules(remembers_devices="always", rotates_refresh_tokens=True)
    tokens, value = await _log_in(api)
    assert "deviceKey" not in tokens

    for _ in range(2):
        answer = await api.post(REFRESH, headers=_sending(value))
        cookie = _cookie(answer)
        assert answer.status == 200
        assert cookie is not None
        assert cookie.value != value
        value = cookie.value
    both = await api.post(REFRESH, json={"deviceKey": "a_0"}, headers=_sending(value))
    assert both.status == 400
    assert (await api.post(LOGOUT, headers=_sending(value))).status == 204
    assert user_pool.grants == {}


@pytest.mark.parametrize("page", [PAGE, {"Origin": "https://app.example"}], ids=str)
async def test_programs_have_bodies_beside_pages(
    start: Start, user_pool: MemoryUserPool, page: dict[str, str]
) -> None:
    """With `browsers`, a page gets the cookie and a program the body, at the same deployment."""
    mixed = await _with_alice(await start(BROWSERS, LISTED), user_pool)
    by_page, value = await _log_in(mixed, **page)
    by_program, none = await _log_in(mixed)

    refreshed = await mixed.post(REFRESH, json={"refreshToken": by_program["refreshToken"]})
    missing = await mixed.post(REFRESH)

    assert "refreshToken" not in by_page
    assert (bool(value), none) == (True, "")
    assert refreshed.status == 200
    assert _cookie(refreshed) is None
    assert (await mixed.post(REFRESH, headers=_sending(value, page))).status == 200
    assert (await missing.json())["errors"][0]["field"] == "refreshToken"


@pytest.mark.parametrize("headers", [PAGE, {}], ids=str)
async def test_cookie_is_ignored_by_default(
    start: Start, user_pool: MemoryUserPool, headers: dict[str, str]
) -> None:
    """Without the setting, refresh tokens are in bodies, and no response sets a cookie."""
    api = await _with_alice(await start(), user_pool)
    tokens, value = await _log_in(api, **headers)

    by_cookie = await api.post(REFRESH, headers=_sending(tokens["refreshToken"], headers))
    by_body = await api.post(
        REFRESH,
        json={"refreshToken": tokens["refreshToken"]},
        headers=_sending("ignored", headers),
    )
    invalid = await api.post(REFRESH, json={"refreshToken": "unknown"}, headers=headers)
    ended = await api.post(LOGOUT, json={"refreshToken": tokens["refreshToken"]}, headers=headers)

    assert value == ""
    answers = (by_cookie, by_body, invalid, ended)
    assert [answer.status for answer in answers] == [422, 200, 401, 204]
    assert [_cookie(answer) for answer in answers] == [None] * 4


@pytest.mark.parametrize(
    ("host", "is_plain"),
    [
        ("localhost", True),
        ("LOCALHOST:8080", True),
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("localhost.evil.example", False),
        ("a.localhost", False),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.1:8080", False),
        ("api.example.com", False),
    ],
)
@pytest.mark.parametrize("is_local", [True, False])
async def test_cookie_is_without_secure_on_localhost_only(
    memory: Adapters, user_pool: MemoryUserPool, host: str, *, is_plain: bool, is_local: bool
) -> None:
    """It is so for `make run` only, and there for the names of the machine itself only."""
    app = create_app(configured(AT_ONCE, ALWAYS), opening(memory), plain_localhost=is_local)
    name = "refresh" if is_plain and is_local else NAME
    async with TestClient(ServiceServer(app)) as api:
        await _with_alice(api, user_pool)
        headers = {"Host": host, **PAGE}
        answer = await api.post("/api/auth/login", json=ACCOUNT, headers=headers)
        cookie = _cookie(answer, name)
        assert cookie is not None
        refreshed = await api.post(REFRESH, headers=headers | {"Cookie": f"{name}={cookie.value}"})

    assert bool(cookie["secure"]) is not (is_plain and is_local)
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        True,
        "Strict",
        "/api/auth",
    )
    assert refreshed.status == 200


@pytest.mark.parametrize(("setting", "is_logged"), [("false", False), ("true", True)])
async def test_cookie_without_secure_is_announced(
    memory: Adapters, setting: str, *, is_logged: bool
) -> None:
    """The log says at start that the cookie has no Secure."""
    config = configured({"auth": {"refresh-cookie": setting}})
    with capture_logs() as logs:
        app = create_app(config, opening(memory), plain_localhost=True)
        async with TestClient(ServiceServer(app)):
            pass

    assert ("refresh_cookie_without_secure" in {line["event"] for line in logs}) is is_logged


@pytest.mark.parametrize(
    ("value", "device_key", "fits"),
    [
        ("x" * 4_000, None, True),
        ("x" * 4_001, None, False),
        ("x" * 3_957, "us-east-1_00000000-0000-0000-0000-000000000001", False),
        ("a;b", None, False),
    ],
)
async def test_token_that_browsers_would_ignore_is_a_misconfiguration(
    value: str, device_key: str | None, *, fits: bool
) -> None:
    """The log has the size and not the token."""
    request = make_mocked_request("POST", REFRESH, app=create_app(configured(ALWAYS)))
    with capture_logs() as logs:
        if fits:
            refresh_cookie.keep(request, value, device_key)
            return
        with pytest.raises(Misconfigured):
            refresh_cookie.keep(request, value, device_key)

    (line,) = logs
    assert (line["event"], line["log_level"]) == ("refresh_cookie_unusable", "error")
    assert line["size_bytes"] >= len(value)
    assert value not in str(line)


@pytest.mark.parametrize(
    ("setting", "path", "origin", "is_granted"),
    [
        ("true", REFRESH, "https://app.example", True),
        ("browsers", "/api/auth/config", "https://app.example", True),
        ("false", REFRESH, "https://app.example", False),
        ("true", "/v1/user/profile", "https://app.example", False),
        ("true", REFRESH, "https://evil.example", False),
    ],
)
@pytest.mark.parametrize("is_preflight", [True, False])
async def test_credentials_are_for_listed_pages_and_the_cookies_path(  # noqa: PLR0913 -- the parameters of a request
    memory: Adapters,
    setting: str,
    path: str,
    origin: str,
    *,
    is_granted: bool,
    is_preflight: bool,
) -> None:
    """Cookies of the load balancer, for other paths, are not for pages of other origins."""
    config = configured(LISTED, {"auth": {"refresh-cookie": setting}})
    headers = {"Origin": origin}
    if is_preflight:
        headers["Access-Control-Request-Method"] = "POST"
    async with TestClient(ServiceServer(create_app(config, opening(memory)))) as api:
        answer = await api.options(path, headers=headers)

    granted = answer.headers.get("Access-Control-Allow-Credentials")
    assert granted == ("true" if is_granted else None)
    if is_granted:
        assert answer.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize(
    ("setting", "is_used"), [("false", False), ("true", True), ("browsers", True)]
)
async def test_options_name_the_cookie(start: Start, setting: str, *, is_used: bool) -> None:
    """The options of the deployment say whether pages use the cookie."""
    api = await start({"auth": {"refresh-cookie": setting}})

    assert (await (await api.get("/api/auth/config")).json())["refreshCookie"] is is_used
