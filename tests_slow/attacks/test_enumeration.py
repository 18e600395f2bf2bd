"""Two processes of the service before one user pool: no response reveals which accounts exist."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import aiohttp
import pytest

from service.config.loader import Settings
from tests.support.accounts import PASSWORD, new_user
from tests_slow.attacks import accounts
from tests_slow.attacks.target import Resources, Target, serve_process

CALLS: Final = 25  # Cognito allows a user at most 20 of any of these calls in an hour
FLOOR_S: Final = 0.1
FLOOR: Final[Settings] = {
    "auth": {"answer-floor-ms": f"{FLOOR_S * 1_000:.0f}", "client-metadata": "locale"}
}
NO_LIMITS: Final[Settings] = {  # of the service, which would come before Cognito's
    "limits": {
        "account-burst": "0",
        "address-burst": "0",  # all calls come from one address, faster than it may call
        "confirm-per-h": "0",
        "forgot-per-h": "0",
        "lockout-after": "0",
        "resend-per-h": "0",
        "reset-per-h": "0",
        "sign-in-code-per-h": "0",
    }
}
ROUTES: Final[Mapping[str, Mapping[str, str]]] = {
    "/api/auth/resend": {},
    "/api/auth/confirm": {"code": "000000"},
    "/api/auth/password/forgot": {},
    "/api/auth/password/reset": {"code": "000000", "password": "Another1!" + PASSWORD},
    "/api/auth/login": {"password": "Wrong" + PASSWORD},
}
# Members that may be added to the bodies of these routes.
MORE: Final[Mapping[str, Mapping[str, object]]] = {
    "nothing": {},
    "metadata": {"metadata": {"locale": "de"}},
    "session": {"session": "of-a-sign-up-that-never-was", "metadata": {"locale": "de"}},
    "short session": {"session": "x"},
}
VARYING: Final = frozenset(
    {"Date", "X-Request-ID"}
)  # headers that differ between any two responses
Targets: TypeAlias = tuple[Target, Target]


class Answer(NamedTuple):
    """A response, without what differs between any two."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Mapping[str, Any]
    took_s: float


@contextmanager
def _processes(resources: Resources, folder: Path, settings: Settings) -> Iterator[Targets]:
    with ExitStack() as stack:
        folders = (folder / "first", folder / "second")
        for each in folders:
            each.mkdir()
        first, second = (
            stack.enter_context(serve_process(resources, each, {**FLOOR, **settings}))
            for each in folders
        )
        yield first, second


@pytest.fixture(scope="module")
def unlimited(resources: Resources, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    """Run two processes without limits of their own, so that Cognito's come first."""
    with _processes(resources, tmp_path_factory.mktemp("unlimited"), NO_LIMITS) as targets:
        yield targets


@pytest.fixture(scope="module")
def limited(resources: Resources, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    """Run two processes with the default limits."""
    with _processes(resources, tmp_path_factory.mktemp("limited"), {}) as targets:
        yield targets


async def _post(session: aiohttp.ClientSession, path: str, body: Mapping[str, Any]) -> Answer:
    began_s = time.monotonic()
    async with session.post(path, json=body) as response:
        text = await response.read()
        took_s = time.monotonic() - began_s
        headers = sorted(
            (name, value) for name, value in response.headers.items() if name not in VARYING
        )
        content = json.loads(text) if text else {}
        content.pop("requestId", None)
        return Answer(response.status, tuple(headers), content, took_s)


async def _existing(targets: Targets, *, confirmed: bool) -> str:
    """Return the name of a user who has signed up, and confirmed if *confirmed*."""
    first, _ = targets
    async with aiohttp.ClientSession(first.url) as service:
        if confirmed:
            return await accounts.confirmed(service, first.resources.aws_url)
        return await accounts.signed_up(service)


async def _sequence(
    targets: Targets, path: str, name: str, calls: int, more: str = "nothing"
) -> list[Answer]:
    """Call the processes alternately about a name."""
    body = {"username": name, **ROUTES[path], **MORE[more]}
    first, second = targets
    async with aiohttp.ClientSession(first.url) as one, aiohttp.ClientSession(second.url) as other:
        sessions = (one, other)
        return [await _post(sessions[number % 2], path, body) for number in range(calls)]


def _visible(answers: list[Answer]) -> list[tuple[int, tuple[tuple[str, str], ...], Any]]:
    return [(answer.status, answer.headers, answer.body) for answer in answers]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        *((path, "nothing") for path in ROUTES),
        ("/api/auth/resend", "metadata"),
        ("/api/auth/confirm", "session"),
        ("/api/auth/confirm", "short session"),
    ],
)
async def test_limits_of_cognito_do_not_reveal_who_has_an_account(
    unlimited: Targets, path: str, more: str
) -> None:
    """Where Cognito's limits of a user come first, no response shows them, and none comes sooner."""
    existing = [await _existing(unlimited, confirmed=confirmed) for confirmed in (True, False)]

    confirmed, unconfirmed, unknown = await asyncio.gather(
        *(_sequence(unlimited, path, name, CALLS, more) for name in (*existing, new_user()))
    )

    assert _visible(confirmed) == _visible(unknown)
    assert _visible(unconfirmed) == _visible(unknown)
    assert len({answer.status for answer in unknown}) == 1
    assert min(answer.took_s for answer in (*confirmed, *unconfirmed, *unknown)) >= FLOOR_S


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/auth/resend", 5),
        ("/api/auth/confirm", 15),
        ("/api/auth/password/forgot", 5),
        ("/api/auth/password/reset", 5),
        ("/api/auth/login", 5),
    ],
)
async def test_limits_of_the_service_do_not_reveal_who_has_an_account(
    limited: Targets, path: str, allowed: int
) -> None:
    """Each process refuses known and unknown names after as many calls, with equal responses."""
    known_name = await _existing(limited, confirmed=path.endswith("login"))
    names = (known_name, new_user())

    known, unknown = [await _sequence(limited, path, name, 2 * allowed) for name in names]
    assert _visible(known) == _visible(unknown)
    assert {answer.status for answer in known}.isdisjoint({429})

    known, unknown = [await _sequence(limited, path, name, 2) for name in names]
    waits = [dict(answer.headers).get("Retry-After") for answer in (*known, *unknown)]
    if path != "/api/auth/login":  # whose lock of a second may be over by now
        assert [answer.status for answer in (*known, *unknown)] == [429] * 4
        assert all(wait is not None and 3_500 < int(wait) <= 3_601 for wait in waits)
