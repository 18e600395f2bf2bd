"""Tabs of one browser that refresh at the same time, at two processes, never log each other out."""

import asyncio
import json
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp

from local_aws.outbox import Delivery
from local_aws.server import LocalAws, local_aws
from service.aws.clients import open_clients
from service.commands import provisioning, table_setup
from tests.support.accounts import PASSWORD
from tests.support.configs import CREDENTIALS, configured
from tests_slow.commands.running import Running, running

NAME = "__Secure-refresh"
ROUNDS = 200
TABS = 4  # two at each process
PAGE = {"Sec-Fetch-Site": "same-origin"}
UNLIMITED = ("TOKEN_PER_S", "ADDRESS_PER_S", "ADDRESS_BURST", "ACCOUNT_BURST")


def _ignore(_: Delivery) -> None:
    """Announce a code to nobody."""


async def _settings(local: LocalAws) -> dict[str, str]:
    """Create a table, a pool with alice and a client as `setup` does; return the environment."""
    servers = {"endpoint-url": local.endpoint_url, "read-timeout-s": "20"}
    config = configured({"aws.cognito": servers, "aws.dynamodb": servers})
    name = f"cookie-{uuid.uuid4().hex}"
    async with open_clients(config, CREDENTIALS) as clients:
        cognito = clients.cognito
        await table_setup.create_table(clients.dynamodb.aioboto3, name)
        pool_id = await provisioning.create_user_pool(cognito, name)
        client_id = await provisioning.create_client(cognito, pool_id, name, rotates=True)
        await cognito.sign_up(ClientId=client_id, Username="alice", Password=PASSWORD)
        await cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username="alice")
    return {
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_access_key,
        "AWS_REGION": config.aws.region,
        "AWS_COGNITO_ENDPOINT_URL": local.endpoint_url,
        "AWS_COGNITO_READ_TIMEOUT_S": "20",
        "AWS_COGNITO_USER_POOL_ID": pool_id,
        "AWS_COGNITO_CLIENT_ID": client_id,
        "AWS_DYNAMODB_ENDPOINT_URL": local.endpoint_url,
        "AWS_DYNAMODB_USER_PROFILE_TABLE": name,
        "AUTH_REFRESH_COOKIE": "true",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
        "SERVER_REQUEST_DEADLINE_S": "30",
        **{f"LIMITS_{limit}": "0" for limit in UNLIMITED},
    }


@asynccontextmanager
async def _process(folder: Path, environ: dict[str, str]) -> AsyncIterator[tuple[str, Running]]:
    """Run a process of the service; its output is read while it runs, or it would block."""
    folder.mkdir()  # noqa: ASYNC240 -- once, before anything runs
    async with running("serve", folder=folder, environ=environ) as program:
        listening = json.loads(await program.until('"listening"'))
        output = asyncio.create_task(program.end())
        try:
            yield f"http://{listening['host']}:{listening['port']}", program
        finally:
            program.process.terminate()
            await output


@dataclass
class Browser:
    """A browser: one cookie for all tabs, which is that of the last response with a cookie."""

    session: aiohttp.ClientSession
    cookie: str = ""
    issued: list[str] = field(default_factory=list)

    async def send(self, url: str, path: str, cookie: str, body: object = None) -> int:
        """Send a request with a cookie, store that of the response, and return the status."""
        headers = {**PAGE, **({"Cookie": f"{NAME}={cookie}"} if cookie else {})}
        async with self.session.post(f"{url}{path}", json=body, headers=headers) as answer:
            found = SimpleCookie("".join(answer.headers.getall("Set-Cookie", [])))
            if NAME in found:
                self.cookie = found[NAME].value
                self.issued.append(self.cookie)
            assert "refreshToken" not in await answer.text()
            return answer.status


async def test_tabs_at_two_processes_stay_signed_in(tmp_path: Path) -> None:
    """
    Each of 200 rounds, all tabs refresh with the cookie that they have read, and all get tokens.

    One tab more has read the cookie before the round before: its request was late.
    """
    rng = random.Random(7)  # noqa: S311 -- chooses delays
    async with AsyncExitStack() as stack:
        environ = await _settings(stack.enter_context(local_aws(announce=_ignore)))
        started = [
            await stack.enter_async_context(_process(tmp_path / name, environ)) for name in "ab"
        ]
        urls = [url for url, _ in started]
        session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        browser = Browser(await stack.enter_async_context(session))
        account = {"username": "alice", "password": PASSWORD}
        statuses = [await browser.send(urls[0], "/api/auth/login", "", account)]

        async def refresh(tab: int, cookie: str, delay_s: float) -> int:
            await asyncio.sleep(delay_s)
            return await browser.send(urls[tab % len(urls)], "/api/auth/refresh", cookie)

        late = browser.cookie
        for _ in range(ROUNDS):
            read = browser.cookie
            delays_s = [rng.choice((0, 0, 0.005)) for _ in range(TABS)]
            statuses += await asyncio.gather(
                *(refresh(tab, read, delays_s[tab]) for tab in range(TABS)),
                refresh(rng.randrange(len(urls)), late, 0),
            )
            late = read
        logged_out = await browser.send(urls[1], "/api/auth/logout", browser.cookie)
        after = await browser.send(urls[0], "/api/auth/refresh", browser.issued[-2])
        logs = ["".join(program.lines) for _, program in started]

    assert Counter(statuses) == {200: 1 + ROUNDS * (TABS + 1)}
    assert (logged_out, after) == (204, 401)
    assert all(text.count('"token_refreshed"') >= ROUNDS * TABS // 2 for text in logs)
    assert [token for token in browser.issued if token and token in "".join(logs)] == []
