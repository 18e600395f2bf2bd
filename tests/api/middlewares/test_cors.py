"""Pages of the listed origins may read the answers, and no others."""

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
    """A store with a defect."""

    async def find(self, user_id: str) -> Profile | None:
        """Fail in a way that has no answer of its own."""
        raise RuntimeError(user_id)


@pytest.fixture(name="listing")
async def _listing(memory: Adapters) -> AsyncIterator[Api]:
    """Open a client that lets preflights pass, which the API document does not describe."""
    async with TestClient(TestServer(create_app(configured(LISTED), opening(memory)))) as listing:
        yield listing


def _granted(answer: ClientResponse) -> dict[str, str]:
    """Return the CORS headers, names without their prefix; none may come twice."""
    prefix = "Access-Control-"
    names = [name for name in answer.headers if name.startswith(prefix)]
    assert len(names) == len(set(names))
    return {name.removeprefix(prefix): answer.headers[name] for name in names}


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000"])
async def test_listed_page_may_read(listing: Api, origin: str) -> None:
    """Its origin is named, never a wildcard, never with credentials; the ETag can be read."""
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
    """Nothing is granted; caches are told all the same that the answer depends on the origin."""
    fields = [("Origin", origin) for origin in origins]
    for path in ("/health/live", "/nothing/here"):
        answer = await listing.get(path, headers=fields)

        assert _granted(answer) == {}
        assert answer.headers.getall("Vary") == ["Origin"]


async def test_without_a_list_there_is_no_cors(api: Api) -> None:
    """As shipped, no answer has a header of CORS, and a preflight is a method like any other."""
    headers = {"Origin": ORIGIN, METHOD: "POST"}
    read = await api.get("/health/live", headers=headers)
    asked = await api.options(PATH, headers=headers)

    assert (_granted(read), _granted(asked)) == ({}, {})
    assert "Vary" not in {**read.headers, **asked.headers}
    assert (asked.status, "POST" in asked.headers["Allow"]) == (204, True)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_preflight_of_a_listed_page_is_granted(listing: Api, method: str) -> None:
    """The browser hears which method and which headers its page may send, before any identity."""
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
    """What is asked for is repeated only where it is a method of HTTP."""
    answer = await listing.options(PATH, headers={"Origin": ORIGIN, METHOD: method})

    assert _granted(answer)["Allow-Methods"] == "GET"


async def test_identity_headers_are_never_granted(listing: Api) -> None:
    """No page of another origin may send the load balancer's headers in its place."""
    asked = {"Access-Control-Request-Headers": "x-amzn-oidc-identity, x-amzn-oidc-data"}
    answer = await listing.options(PATH, headers={"Origin": ORIGIN, METHOD: "POST", **asked})

    assert "oidc" not in _granted(answer)["Allow-Headers"].lower()


async def test_preflight_of_an_unlisted_page_is_refused(listing: Api) -> None:
    """It gets the answer of a plain OPTIONS, which grants nothing."""
    answer = await listing.options(PATH, headers={"Origin": "https://evil.example", METHOD: "PUT"})

    assert (answer.status, _granted(answer)) == (204, {})


async def test_options_without_a_method_is_no_preflight(listing: Api) -> None:
    """It is a plain OPTIONS, and readable for a listed page."""
    answer = await listing.options(PATH, headers={"Origin": ORIGIN})

    assert answer.status == 204
    assert answer.headers["Allow"]
    assert _granted(answer)["Allow-Origin"] == ORIGIN


async def test_refusals_are_readable_for_a_listed_page(start: Start, memory: Adapters) -> None:
    """A page can tell its reader what went wrong: whatever the status, its browser lets it read."""
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
    """A 503 says in a header that the page may read when to come back."""
    api = await start(LISTED)
    slots = api.app[keys.SERVER_LOAD].slots[keys.Dependency.DYNAMODB]
    slots.in_flight = api.app[keys.CONFIG].server.max_in_flight
    answer = await api.get(PATH, headers={"Origin": ORIGIN})

    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert _granted(answer)["Allow-Origin"] == ORIGIN
    assert "Retry-After" in _granted(answer)["Expose-Headers"]


async def test_other_vary_is_kept(memory: Adapters) -> None:
    """An answer that depends on another header too still says so."""
    app = create_app(configured(LISTED), opening(memory))

    @web.middleware
    async def varying(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["Vary"] = "Accept-Encoding"
        return response

    app.middlewares.append(varying)
    async with TestClient(TestServer(app)) as api, api.get("/health/live") as answer:
        assert answer.headers.getall("Vary") == ["Accept-Encoding", "Origin"]
