"""
Runs schemathesis against the service on loopback, with fakes behind all ports.

schemathesis runs as a process: it has no stable interface in Python, and its blocking calls would stop
the event loop of the server.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from service.app import Adapters, create_app
from service.authentication.trusted_header import TrustedHeaderAuthenticator
from service.domain.errors import NotAuthenticated
from service.domain.identity import Authenticator, Identity, RequestCredentials
from tests.api.raw_http import serving
from tests.support.accounts import PASSWORD
from tests.support.configs import configured, opening
from tests.support.fakes.access_tokens import memory_access_tokens
from tests.support.fakes.activity import MemoryActivityLog
from tests.support.fakes.identity_provider import memory_identity_provider
from tests.support.fakes.profiles import MemoryProfileStore
from tests.support.fakes.user import MemoryUser
from tests.support.fakes.user_data import MemoryUserData
from tests.support.fakes.user_pool import MemoryUserPool

SETTINGS = Path(__file__).with_name("schemathesis.toml")
USERNAME = "fuzz@example.com"
SUB = "fuzz"
LIMITS = (
    "sign-in-per-s sign-up-per-s recovery-per-s token-per-s read-per-s update-per-s address-burst "
    "address-per-s account-burst account-per-min confirm-per-h resend-per-h forgot-per-h reset-per-h "
    "lockout-after"
)
UNLIMITED = {"auth": {"answer-floor-ms": "0"}, "limits": dict.fromkeys(LIMITS.split(), "0")}


class LastingPool(MemoryUserPool):
    """
    A pool in which one user stays signed in and cannot be deleted.

    Otherwise the first case that deletes the account would end all cases that need it.
    """

    lasting: tuple[str, MemoryUser] | None = None

    def bearer(self, access_token: str) -> MemoryUser:
        """Return the user of an access token; raises TokenInvalid."""
        if self.lasting is not None and access_token == self.lasting[0]:
            return self.lasting[1]
        return super().bearer(access_token)

    def remove(self, user: MemoryUser) -> None:
        """Remove a user, except that one."""
        if self.lasting is None or user is not self.lasting[1]:
            super().remove(user)


class OneUser:
    """An authenticator that always returns one user, and accepts no other identity."""

    name = "header"

    def __init__(self, source: Authenticator, sub: str) -> None:
        self._source = source
        self._sub = sub

    async def identify(self, credentials: RequestCredentials) -> Identity | None:
        """Return that user; raises NotAuthenticated."""
        identity = await self._source.identify(credentials)
        if identity is not None and identity.sub != self._sub:
            raise NotAuthenticated
        return identity


@dataclass(frozen=True, slots=True)
class Plan:
    """The extent of a run: at most *cases* of an operation in each phase; the same without a seed."""

    cases: int
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result; *output* is the text for the console."""

    status: int
    output: str


async def run(plan: Plan, folder: Path) -> Outcome:
    """Serve, and run schemathesis with its files in *folder*."""
    config = configured(UNLIMITED)
    pool = LastingPool()
    source = OneUser(TrustedHeaderAuthenticator(header_peers=config.identity.header_peers), SUB)
    activity = MemoryActivityLog()
    profiles = MemoryProfileStore(activity=activity)
    adapters = Adapters(
        identity_provider=memory_identity_provider(pool),
        profile_store=profiles,
        user_data=MemoryUserData(profiles),
        activity_log=activity,
        authenticators=(source,),
        access_tokens=memory_access_tokens(),
        checks={},
    )
    async with serving(create_app(config, opening(adapters))) as port:
        url = f"http://127.0.0.1:{port}"
        token = await _signed_in(url, pool)
        chosen = (
            ("--generation-deterministic",)
            if plan.seed is None
            else ("--seed", str(plan.seed), "--generation-database", "none")
        )
        process = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(SETTINGS)),
            *("run", f"{url}/openapi.json", "--no-color"),
            *("--max-examples", str(plan.cases), *chosen),
            *("--header", f"Authorization: Bearer {token}"),
            *("--header", f"x-amzn-oidc-identity: {SUB}"),
            cwd=folder,
            env={"HOME": str(folder), "PATH": os.defpath, "COLUMNS": "140"},
            stdout=PIPE,
            stderr=STDOUT,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()
    return Outcome(process.returncode or 0, output.decode())


async def _signed_in(url: str, pool: LastingPool) -> str:
    """Return the access token of a new user."""
    account = {"username": USERNAME, "password": PASSWORD}
    async with aiohttp.ClientSession(url) as client:
        await client.post("/api/auth/signup", json={**account, "attributes": {"email": USERNAME}})
        code = pool.code(USERNAME)
        await client.post("/api/auth/confirm", json={"username": USERNAME, "code": code})
        async with client.post("/api/auth/login", json=account) as answer:
            token: str = (await answer.json())["accessToken"]
    pool.lasting = token, pool.bearer(token)
    return token
