"""The guard of each call to Cognito: limits, the lockout, and padded response times."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from service.api import cognito_guard, keys
from service.api.audit_log import AuditEvent
from service.api.cognito_guard import guarded_call
from service.api.middlewares import errors
from service.config.loader import Settings
from service.domain.client import Client
from service.domain.errors import (
    AccountNotConfirmed,
    InvalidCredentials,
    ServiceError,
    UpstreamUnavailable,
)
from service.observability.logs import identity_hash
from service.rate_limiting.limited_actions import RateLimitedAction
from service.rate_limiting.rate_limiter import RateLimiter
from tests.support.clock import Clock
from tests.support.configs import configured

Caller: TypeAlias = TestClient[web.Request, web.Application]

KNOWN = "known@example.com"
HIDDEN_S = 0.08  # additional time of the upstream for a known user
FLOOR_S = 0.2
EVEN: Settings = {"auth": {"answer-floor-ms": "200"}}
UNEVEN: Settings = {"auth": {"answer-floor-ms": "0"}}
UNLIMITED: Settings = {
    "limits": dict.fromkeys(
        ("sign-in-per-s", "update-per-s", "read-per-s", "address-burst", "account-burst"), "0"
    )
    | {"resend-per-h": "0", "lockout-after": "0"}
}


@dataclass(slots=True)
class Upstream:
    """An upstream that takes a given time and raises a given error."""

    refusal: ServiceError | None = None
    takes_s: Callable[[str], float] = lambda _: 0.0
    clients: list[Client] = field(default_factory=list)

    async def call(self, username: str, client: Client) -> None:
        """Take time, and raise the error if there is one."""
        self.clients.append(client)
        await asyncio.sleep(self.takes_s(username))
        if self.refusal is not None:
            raise self.refusal


@asynccontextmanager
async def _serving(
    upstream: Upstream,
    *settings: Settings,
    kind: RateLimitedAction = RateLimitedAction.SIGN_IN,
    **options: Any,  # noqa: ANN401 -- those of guarded_call
) -> AsyncIterator[Caller]:
    """Serve a guarded call, of which the body is the user name."""

    async def handler(request: web.Request) -> web.Response:
        username = await request.text()
        async with guarded_call(request, kind, account=username, **options) as client:
            await upstream.call(username, client)
        return web.json_response({})

    @web.middleware
    async def with_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ServiceError as error:
            return errors.response_to(request, error)

    app = web.Application(middlewares=[with_problems])
    app[keys.CONFIG] = config = configured(*settings)
    app[keys.ACCOUNT_HASH_KEY] = b"a key of this test"
    app[cognito_guard.RATE_LIMITER] = RateLimiter(config.limits, clock=Clock())
    app.router.add_post("/", handler)
    async with TestClient(TestServer(app)) as caller:
        yield caller


async def _took_s(caller: Caller, username: str) -> float:
    """Return the response time."""
    began_s = time.perf_counter()
    async with caller.post("/", data=username) as answer:
        await answer.read()
        return time.perf_counter() - began_s


def _told_apart(first: list[float], second: list[float]) -> float:
    """Return how well times distinguish two samples: 0.5 not at all, 1 always (Mann-Whitney U)."""
    longer = sum((a > b) + (a == b) / 2 for a, b in itertools.product(first, second))
    share = longer / (len(first) * len(second))
    return max(share, 1 - share)


async def _distributions(
    caller: Caller, pairs: int, at_once: int, attempts: int = 1
) -> tuple[list[float], list[float]]:
    """Return the response times of a known and of unknown users, measured in random order.

    Each is the shortest of its attempts, so that a pause of the machine does not lengthen it.
    """
    known: list[float] = []
    unknown: list[float] = []
    coin = random.Random(20261123)  # noqa: S311 -- a reproducible order
    asks = []
    for number in range(pairs):  # in pairs, so that both have the same load
        pair = [(KNOWN, known), (f"nobody-{number}@example.com", unknown)]
        asks += coin.sample(pair, 2)
    places = asyncio.Semaphore(at_once)

    async def ask(username: str, times: list[float]) -> None:
        async with places:
            times.append(min([await _took_s(caller, username) for _ in range(attempts)]))

    await asyncio.gather(*(ask(*one) for one in asks))
    return known, unknown


def _slower_if_known(username: str) -> float:
    return HIDDEN_S if username == KNOWN else 0.0


async def test_time_of_a_refusal_does_not_reveal_accounts() -> None:
    """A rank test over 300 pairs does not distinguish refusals of known and unknown users."""
    upstream = Upstream(InvalidCredentials(), _slower_if_known)
    async with _serving(upstream, EVEN, UNLIMITED) as caller:
        known, unknown = await _distributions(caller, 300, at_once=100)

    assert _told_apart(known, unknown) <= 0.6


async def test_time_of_a_padded_success_does_not_reveal_accounts() -> None:
    """A rank test does not distinguish padded successes of known and unknown users."""
    upstream = Upstream(takes_s=_slower_if_known)
    async with _serving(
        upstream, EVEN, UNLIMITED, kind=RateLimitedAction.RESEND, pad_success=True
    ) as caller:
        known, unknown = await _distributions(caller, 300, at_once=100)

    assert _told_apart(known, unknown) <= 0.6


@pytest.mark.parametrize("settings", [UNEVEN, EVEN], ids=["off", "a success"])
async def test_times_without_padding_are_distinguished(settings: Settings) -> None:
    """The rank test distinguishes known and unknown users if responses are not padded."""
    upstream = Upstream(
        InvalidCredentials() if settings is UNEVEN else None, takes_s=_slower_if_known
    )
    async with _serving(upstream, settings, UNLIMITED) as caller:
        known, unknown = await _distributions(caller, 20, at_once=1, attempts=3)

    assert min(known) >= HIDDEN_S
    assert _told_apart(known, unknown) > 0.9


@pytest.mark.parametrize(
    "refusal", [InvalidCredentials(), AccountNotConfirmed(), UpstreamUnavailable()]
)
async def test_every_refusal_from_inside_waits(refusal: ServiceError) -> None:
    """A refusal is sent no earlier than the first multiple of the floor."""
    async with _serving(Upstream(refusal), EVEN) as caller:
        assert await _took_s(caller, KNOWN) >= FLOOR_S


async def test_slow_refusal_waits_for_the_next_multiple() -> None:
    """A refusal that takes longer than the floor is sent after twice the floor."""
    async with _serving(Upstream(InvalidCredentials(), lambda _: FLOOR_S + 0.01), EVEN) as caller:
        assert await _took_s(caller, KNOWN) >= 2 * FLOOR_S


async def test_waiting_does_not_miss_the_deadline() -> None:
    """Padding ends before the request's deadline, and a longer call is not padded."""
    settings = {"auth": {"answer-floor-ms": "10000"}, "server": {"request-deadline-s": "0.2"}}
    upstream = Upstream(InvalidCredentials())
    async with _serving(upstream, settings) as caller, asyncio.timeout(5):
        assert await _took_s(caller, KNOWN) >= 0.18
        upstream.takes_s = lambda _: 0.25
        assert await _took_s(caller, KNOWN) >= 0.25


@pytest.mark.parametrize(
    "kind", [RateLimitedAction.READ, RateLimitedAction.UPDATE, RateLimitedAction.CHANGE_PASSWORD]
)
async def test_refusal_of_a_signed_in_caller_is_not_padded(kind: RateLimitedAction) -> None:
    """Refusals of a signed-in caller are not padded."""
    settings = {"auth": {"answer-floor-ms": "10000"}}
    async with (
        _serving(Upstream(AccountNotConfirmed()), settings, kind=kind) as caller,
        asyncio.timeout(5),
        caller.post("/", data=KNOWN) as answer,
    ):
        assert answer.status == 403


async def test_own_refusals_come_at_once() -> None:
    """A refusal by the rate limiter is the same for all names and does not reach the upstream."""
    upstream = Upstream()
    settings = {"auth": {"answer-floor-ms": "10000"}, "limits": {"account-burst": "1"}}
    async with _serving(upstream, settings) as caller, asyncio.timeout(5):
        assert (await caller.post("/", data=KNOWN)).status == 200
        refused = await caller.post("/", data=KNOWN)

        assert (refused.status, (await refused.json())["code"]) == (429, "too_many_attempts")
        assert refused.headers["Retry-After"] == "10"
        assert len(upstream.clients) == 1


async def test_wrong_passwords_lock_the_name_here() -> None:
    """The sixth guess is refused by the lockout, before the upstream's own."""
    upstream = Upstream(InvalidCredentials())
    async with _serving(upstream, UNEVEN) as caller:
        statuses = [(await caller.post("/", data=KNOWN)).status for _ in range(7)]

    assert statuses == [401] * 5 + [429] * 2
    assert len(upstream.clients) == 5


async def test_guesses_at_once_are_no_more_than_are_free() -> None:
    """Of a hundred concurrent guesses, five reach the upstream."""
    upstream = Upstream(InvalidCredentials(), lambda _: 0.05)
    async with _serving(upstream, EVEN, {"limits": {"account-burst": "100"}}) as caller:
        answers = await asyncio.gather(*(caller.post("/", data=KNOWN) for _ in range(100)))

    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 95
    assert len(upstream.clients) == 5


async def test_known_and_unknown_names_are_refused_by_the_same_bytes() -> None:
    """A known name gets the same responses as an unknown one, for any number of calls."""
    upstream = Upstream(InvalidCredentials())
    async with _serving(upstream, UNEVEN) as caller:
        told = []
        for username in (KNOWN, "nobody@example.com"):
            answers = [await caller.post("/", data=username) for _ in range(7)]
            told.append(
                [
                    (answer.status, await answer.read(), answer.headers.get("Retry-After"))
                    for answer in answers
                ]
            )

    assert told[0] == told[1]


async def test_call_is_made_for_the_client_that_the_proxy_saw() -> None:
    """The rate limiter and the upstream get the client address, which cannot be spoofed."""
    upstream = Upstream()
    async with _serving(upstream, {"limits": {"address-burst": "3"}}) as caller:
        statuses = []
        for number in range(4):
            headers = {"X-Forwarded-For": f"6.6.6.{number}, 203.0.113.7"}
            statuses.append((await caller.post("/", data=f"{number}", headers=headers)).status)
        other = await caller.post("/", data="4", headers={"X-Forwarded-For": "203.0.113.8"})

    assert (statuses, other.status) == ([200] * 3 + [429], 200)
    assert [str(client.address) for client in upstream.clients] == ["203.0.113.7"] * 3 + [
        "203.0.113.8"
    ]


@pytest.mark.parametrize(
    ("limits", "code"), [({}, "invalid_credentials"), ({"account-burst": "1"}, "too_many_attempts")]
)
async def test_refusal_is_written_as_an_event(limits: dict[str, str], code: str) -> None:
    """A refusal by Cognito or by the rate limiter is written once as the given event."""
    settings = (UNEVEN, {"limits": limits})
    refused = AuditEvent.SIGN_IN_REFUSED
    async with _serving(Upstream(InvalidCredentials()), *settings, refused=refused) as caller:
        await caller.post("/", data=KNOWN)
        with structlog.testing.capture_logs() as logged:
            await caller.post("/", data=KNOWN)

    assert [(line["event"], line["code"]) for line in logged] == [("sign_in_refused", code)]
    assert [line["account"] for line in logged] == [identity_hash(b"a key of this test", KNOWN)]
    assert KNOWN not in json.dumps(logged)


async def test_refusal_without_an_event_is_not_written() -> None:
    """Without an event nothing is written."""
    with structlog.testing.capture_logs() as logged:
        async with _serving(Upstream(InvalidCredentials()), UNEVEN) as caller:
            await caller.post("/", data=KNOWN)

    assert logged == []
