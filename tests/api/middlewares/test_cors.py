"""Only pages of allowed origins may read responses."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from service.api import keys
from service.app import Adapters, create_app
from service.config.loader import Settings
from service.domain.profiles import Profile
from tests.api.conftest import ALICE, Api, Start
from tests.support.configs import configured, opening
from tests.support.fakes.profiles import MemoryProfileStore

PATH = "/v1/user/profile"
ORIGIN = "https://app.example"
LISTED: Settings = {"cors": {"allowed-origins": f"{ORIGIN} http://localhost:3000"}}
METHOD = "Access-Control-Request-Method"


class BrokenStore(MemoryProfileStore):
    """A store that raises an unexpected exception."""

    async def find(self, user_id: str) -> Profile | None:
        """Raise an unexpected exception."""
        raise RuntimeError(user_id)


@pytest.fixture(name="listing")
async def _listing(memory: Adapters) -> AsyncIterator[Api]:
    """Open a client that does not check preflights, which the API document does not describe."""
    async with TestClient(TestServer(create_app(configured(LISTED), opening(memory)))) as listing:
        yield listing


def _granted(answer: ClientResponse) -> dict[str, str]:
    """Return the CORS headers without their prefix; asserts that each is unique."""
    prefix = "Access-Control-"
    names = [name for name in answer.headers if name.startswith(prefix)]
    assert len(names) == len(set(names))
    return {name.removeprefix(prefix): answer.headers[name] for name in names}


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000"])
async def test_listed_page_may_read(listing: Api, origin: str) -> None:
    """An allowed origin is echoed, without wildcard and credentials; the ETag is exposed."""
    answer = await listing.get("/health/live", headers={"Origin": origin})

    assert _granted(answer) == {
        "Allow-Origin": origin,
        "Expose-Headers": "ETag, Location, Retry-After, X-Request-Id",
    }
    assert answer.headers.getall("Vary") == ["Origin"]


@pytest.mark.parametrize(
    "origins",
    [
        [],
        ["https://evil.example"],
        ["https://app.example.evil.example"],
        ["https://app.example:443"],
        ["https://APP.example"],
        ["http://app.example"],
        ["http://localhost"],
        ["null"],
        ["*"],
        [""],
        [ORIGIN, ORIGIN],
        [ORIGIN, "https://evil.example"],
        [f"{ORIGIN} https://evil.example"],
    ],
    ids=str,
)
async def test_unlisted_page_may_not_read(listing: Api, origins: list[str]) -> None:
    """Another origin gets no CORS headers but Vary: Origin."""
    fields = [("Origin", origin) for origin in origins]
    for path in ("/health/live", "/nothing/here"):
        answer = await listing.get(path, headers=fields)

        assert _granted(answer) == {}
        assert answer.headers.getall("Vary") == ["Origin"]


async def test_without_a_list_there_is_no_cors(api: Api) -> None:
    """By default no response has CORS headers, and a preflight is a plain OPTIONS."""
    headers = {"Origin": ORIGIN, METHOD: "POST"}
    read = await api.get("/health/live", headers=headers)
    asked = await api.options(PATH, headers=headers)

    assert (_granted(read), _granted(asked)) == ({}, {})
    assert "Vary" not in {**read.headers, **asked.headers}
    assert (asked.status, "POST" in asked.headers["Allow"]) == (204, True)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_preflight_of_a_listed_page_is_granted(listing: Api, method: str) -> None:
    """A preflight returns the allowed method and headers without authentication."""
    headers = {
        "Origin": ORIGIN,
        METHOD: method,
        "Access-Control-Request-Headers": "authorization,content-type,if-match",
    }
    answer = await listing.options(PATH, headers=headers)

    assert (answer.status, await answer.read()) == (204, b"")
    assert _granted(answer) == {
        "Allow-Origin": ORIGIN,
        "Allow-Methods": method,
        "Allow-Headers": (
            "Authorization, Content-Type, If-Match, If-None-Match, If-Unmodified-Since, X-Request-Id"
        ),
        "Max-Age": "600",
        "Expose-Headers": "ETag, Location, Retry-After, X-Request-Id",
    }
    assert answer.headers.getall("Vary") == ["Origin"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["SECRETMARKER", "post", "GET, POST", "*", ""])
async def test_preflight_for_a_method_that_is_none_is_not_echoed(listing: Api, method: str) -> None:
    """A preflight echoes only methods of HTTP."""
    answer = await listing.options(PATH, headers={"Origin": ORIGIN, METHOD: method})

    assert _granted(answer)["Allow-Methods"] == "GET"


async def test_identity_headers_are_never_granted(listing: Api) -> None:
    """The load balancer's headers are not allowed in CORS requests."""
    asked = {"Access-Control-Request-Headers": "x-amzn-oidc-identity, x-amzn-oidc-data"}
    answer = await listing.options(PATH, headers={"Origin": ORIGIN, METHOD: "POST", **asked})

    assert "oidc" not in _granted(answer)["Allow-Headers"].lower()


async def test_preflight_of_an_unlisted_page_is_refused(listing: Api) -> None:
    """A preflight of another origin gets the response of a plain OPTIONS."""
    answer = await listing.options(PATH, headers={"Origin": "https://evil.example", METHOD: "PUT"})

    assert (answer.status, _granted(answer)) == (204, {})


async def test_options_without_a_method_is_no_preflight(listing: Api) -> None:
    """An OPTIONS without a requested method is not a preflight."""
    answer = await listing.options(PATH, headers={"Origin": ORIGIN})

    assert answer.status == 204
    assert answer.headers["Allow"]
    assert _granted(answer)["Allow-Origin"] == ORIGIN


async def test_refusals_are_readable_for_a_listed_page(start: Start, memory: Adapters) -> None:
    """Error responses of any status have the CORS headers."""
    origin = {"Origin": ORIGIN}
    api = await start(LISTED)
    broken = await start(LISTED, adapters=replace(memory, profile_store=BrokenStore()))
    as_alice = {**origin, **ALICE}
    answers = [
        await api.get(PATH, headers=origin),
        await api.get(PATH, headers=as_alice),
        await api.post(PATH, json={"city": 1}, headers=as_alice),
        await api.post(PATH, data=b"{", headers={**as_alice, "Content-Type": "application/json"}),
        await api.delete("/api/auth/login", headers=origin),
        await broken.get(PATH, headers=as_alice),
    ]

    assert [answer.status for answer in answers] == [401, 404, 422, 400, 405, 500]
    for answer in answers:
        assert answer.content_type == "application/problem+json"
        assert _granted(answer)["Allow-Origin"] == ORIGIN
        assert answer.headers.getall("Vary") == ["Origin"]


async def test_overload_is_readable_for_a_listed_page(start: Start) -> None:
    """Retry-After of a 503 is exposed."""
    api = await start(LISTED)
    slots = api.app[keys.SERVER_LOAD].slots[keys.Dependency.DYNAMODB]
    slots.in_flight = api.app[keys.CONFIG].server.max_in_flight
    answer = await api.get(PATH, headers={"Origin": ORIGIN})

    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert _granted(answer)["Allow-Origin"] == ORIGIN
    assert "Retry-After" in _granted(answer)["Expose-Headers"]


async def test_other_vary_is_kept(memory: Adapters) -> None:
    """Vary keeps the values that are set elsewhere."""
    app = create_app(configured(LISTED), opening(memory))

    @web.middleware
    async def varying(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["Vary"] = "Accept-Encoding"
        return response

    app.middlewares.append(varying)
    async with TestClient(TestServer(app)) as api, api.get("/health/live") as answer:
        assert answer.headers.getall("Vary") == ["Accept-Encoding", "Origin"]
