"""Two service processes with one user pool do not reveal accounts."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import aiohttp
import pytest
import pytest_asyncio

from local_aws.server import local_aws
from service.aws.clients import open_clients
from service.commands import provisioning
from service.config.settings import Config
from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests.support.configs import CREDENTIALS, configured
from tests_slow.commands.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS: Final = 25  # Cognito allows a user at most 20 of any of these calls in an hour
FLOOR_S: Final = 0.1
OUT_OF_THE_WAY: Final = {  # limits of the service that would be reached before Cognito's
    "LIMITS_ACCOUNT_BURST": "0",
    "LIMITS_CONFIRM_PER_H": "0",
    "LIMITS_FORGOT_PER_H": "0",
    "LIMITS_LOCKOUT_AFTER": "0",
    "LIMITS_RESEND_PER_H": "0",
    "LIMITS_RESET_PER_H": "0",
    "LIMITS_SIGN_IN_CODE_PER_H": "0",
}
ROUTES: Final[Mapping[str, Mapping[str, str]]] = {
    "/api/auth/resend": {},
    "/api/auth/confirm": {"code": "000000"},
    "/api/auth/password/forgot": {},
    "/api/auth/password/reset": {"code": "000000", "password": "Another1!" + PASSWORD},
    "/api/auth/login": {"password": "Wrong" + PASSWORD},
}
OF_ONE_ANSWER: Final = frozenset({"Date", "X-Request-ID"})
Sessions: TypeAlias = list[aiohttp.ClientSession]


class Answer(NamedTuple):
    """A response, without the parts that always differ."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Mapping[str, Any]
    took_s: float


@pytest.fixture(scope="module", name="pool")
def _pool() -> Iterator[Config]:
    """Run a local AWS with a table, a user pool and a client that prevents user existence errors."""
    with local_aws(announce=lambda _: None) as local:
        endpoint = {"endpoint-url": local.endpoint_url, "read-timeout-s": "20"}
        servers = configured({"aws.cognito": endpoint, "aws.dynamodb": endpoint})
        ids = asyncio.run(_provision(servers))
        yield configured({"aws.cognito": {**endpoint, **ids}, "aws.dynamodb": endpoint})


async def _provision(config: Config) -> dict[str, str]:
    async with open_clients(config, CREDENTIALS) as clients:
        await provisioning.create_table(
            clients.dynamodb.aioboto3, config.dynamodb.user_profile_table
        )
        pool_id = await provisioning.create_user_pool(
            clients.cognito, "enumeration", passkeys_of="localhost"
        )
        client_id = await provisioning.create_client(clients.cognito, pool_id, "enumeration")
    return {"user-pool-id": pool_id, "client-id": client_id}


@asynccontextmanager
async def _processes(
    config: Config, folder: Path, settings: Mapping[str, str]
) -> AsyncIterator[Sessions]:
    """Run two processes, one for each HTTP session."""
    endpoint = config.cognito.endpoint_url
    assert endpoint is not None
    environ = {
        "AUTH_ANSWER_FLOOR_MS": f"{FLOOR_S * 1_000:.0f}",
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_access_key,
        "AWS_REGION": config.aws.region,
        "AWS_COGNITO_CLIENT_ID": config.cognito.client_id,
        "AWS_COGNITO_ENDPOINT_URL": endpoint,
        "AWS_COGNITO_USER_POOL_ID": config.cognito.user_pool_id,
        "AWS_DYNAMODB_ENDPOINT_URL": endpoint,
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
        **settings,
    }
    async with AsyncExitStack() as stack:
        programs = [
            await stack.enter_async_context(running("serve", folder=where, environ=environ))
            for where in _folders(folder)
        ]
        sessions = []
        for program in programs:
            listening = json.loads(await program.until('"listening"'))
            drain = asyncio.create_task(_drained(program))
            stack.push_async_callback(asyncio.wait, [drain])
            stack.callback(drain.cancel)
            url = f"http://{listening['host']}:{listening['port']}"
            sessions.append(await stack.enter_async_context(aiohttp.ClientSession(url)))
        yield sessions


def _folders(folder: Path) -> Iterator[Path]:
    for name in ("first", "second"):
        made = folder / name
        made.mkdir()
        yield made


async def _drained(program: Running) -> None:
    """Read the log, or the process would block."""
    assert program.process.stdout is not None
    while await program.process.stdout.read(65_536):
        pass


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="unlimited")
async def _unlimited(
    pool: Config, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sessions]:
    """Run two processes without limits, so that Cognito's come first."""
    async with _processes(pool, tmp_path_factory.mktemp("unlimited"), OUT_OF_THE_WAY) as sessions:
        yield sessions


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="limited")
async def _limited(
    pool: Config, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sessions]:
    """Run two processes with the default limits."""
    async with _processes(pool, tmp_path_factory.mktemp("limited"), {}) as sessions:
        yield sessions


async def _post(session: aiohttp.ClientSession, path: str, body: Mapping[str, Any]) -> Answer:
    began_s = time.monotonic()
    async with session.post(path, json=body) as response:
        text = await response.read()
        took_s = time.monotonic() - began_s
        headers = sorted(
            (name, value) for name, value in response.headers.items() if name not in OF_ONE_ANSWER
        )
        said = json.loads(text) if text else {}
        said.pop("requestId", None)
        return Answer(response.status, tuple(headers), said, took_s)


async def _registered(sessions: Sessions, endpoint: str, *, confirmed: bool) -> str:
    """Return the name of a new user, confirmed if *confirmed*."""
    name = new_user()
    account = {"username": name, "password": PASSWORD, "attributes": {"email": name}}
    assert (await _post(sessions[0], "/api/auth/signup", account)).status == 201
    if confirmed:
        async with aiohttp.ClientSession() as mail:
            code = await Mailbox(mail, endpoint).code(name)
        right = {"username": name, "code": code}
        assert (await _post(sessions[1], "/api/auth/confirm", right)).status == 200
    return name


async def _sequence(sessions: Sessions, path: str, name: str, calls: int) -> list[Answer]:
    """Call the processes alternately with a name."""
    body = {"username": name, **ROUTES[path]}
    return [await _post(sessions[number % 2], path, body) for number in range(calls)]


def _shown(answers: list[Answer]) -> list[tuple[int, tuple[tuple[str, str], ...], Any]]:
    return [(answer.status, answer.headers, answer.body) for answer in answers]


@pytest.mark.parametrize("confirmed", [True, False], ids=["confirmed", "unconfirmed"])
@pytest.mark.parametrize("path", ROUTES)
async def test_limits_of_cognito_do_not_reveal_accounts(
    pool: Config, unlimited: Sessions, path: str, *, confirmed: bool
) -> None:
    """Cognito's limits of a user are not visible in responses or in their time."""
    endpoint = pool.cognito.endpoint_url
    assert endpoint is not None
    known_name = await _registered(unlimited, endpoint, confirmed=confirmed)

    known, unknown = await asyncio.gather(
        _sequence(unlimited, path, known_name, CALLS),
        _sequence(unlimited, path, new_user(), CALLS),
    )

    assert _shown(known) == _shown(unknown)
    assert len({answer.status for answer in known}) == 1
    assert min(answer.took_s for answer in (*known, *unknown)) >= FLOOR_S


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
async def test_limits_of_the_service_do_not_reveal_accounts(
    pool: Config, limited: Sessions, path: str, allowed: int
) -> None:
    """Each process refuses known and unknown names after the same number of calls, with the same text."""
    endpoint = pool.cognito.endpoint_url
    assert endpoint is not None
    known_name = await _registered(limited, endpoint, confirmed=path.endswith("login"))
    names = (known_name, new_user())

    known, unknown = [await _sequence(limited, path, name, 2 * allowed) for name in names]
    assert _shown(known) == _shown(unknown)
    assert {answer.status for answer in known}.isdisjoint({429})

    known, unknown = [await _sequence(limited, path, name, 2) for name in names]
    waits = [dict(answer.headers).get("Retry-After") for answer in (*known, *unknown)]
    if path != "/api/auth/login":  # whose lock of a second may have ended
        assert [answer.status for answer in (*known, *unknown)] == [429] * 4
        assert all(wait is not None and 3_500 < int(wait) <= 3_601 for wait in waits)
