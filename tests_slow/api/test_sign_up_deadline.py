"""A sign-in after a confirmation ends before the deadline of its request."""

import asyncio
from dataclasses import replace

from aiohttp.test_utils import TestClient
from structlog.testing import capture_logs

from service.app import Adapters, create_app
from service.domain.client import Client
from service.domain.sessions import Challenge, Tokens
from tests.api.conftest import AT_ONCE, ServiceServer
from tests.support.configs import configured, opening
from tests.support.fakes.sessions import MemorySessions
from tests.support.fakes.user_pool import MemoryUserPool
from tests.support.fakes.user_pool_rules import PoolRules

DEADLINE_S = 5  # of which a busy machine has half a second left for the response
SETTINGS = {
    "auth-config": {"first-factors": "EMAIL_OTP"},
    "server": {"request-deadline-s": str(DEADLINE_S)},
}


class Hanging(MemorySessions):
    """Sessions whose sign-in after a confirmation gets no response."""

    async def continue_sign_up(
        self, username: str, session: str, client: Client
    ) -> Tokens | Challenge:
        """Wait for ever."""
        del username, session, client
        await asyncio.Event().wait()
        raise AssertionError


async def test_slow_sign_in_does_not_deny_the_confirmation(
    memory: Adapters, user_pool: MemoryUserPool
) -> None:
    """A sign-in that gets no response is given up, and the response says that the user is confirmed."""
    user_pool.rules = PoolRules(first_factors=("EMAIL_OTP",))
    provider = replace(memory.identity_provider, sessions=Hanging(user_pool))
    adapters = replace(memory, identity_provider=provider)
    app = create_app(configured(AT_ONCE, SETTINGS), opening(adapters))
    async with TestClient(ServiceServer(app)) as api:
        account = {"username": "alice", "attributes": {"email": "alice@example.com"}}
        signed_up = await (await api.post("/api/auth/signup", json=account)).json()
        body = {
            "username": "alice",
            "code": user_pool.code("alice"),
            "session": signed_up["session"],
        }

        with capture_logs() as logs:
            confirmed = await api.post("/api/auth/confirm", json=body)

        assert (confirmed.status, await confirmed.json()) == (200, {"confirmed": True})
    (event,) = (line for line in logs if line["event"] == "sign_in_refused")
    assert event["code"] == "deadline_exceeded"
