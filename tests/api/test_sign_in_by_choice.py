"""Sign-in by choice over HTTP: responses before the caller has proved anything."""

import time
from dataclasses import replace

import pytest

from service.app import Adapters
from service.domain.client import Client
from service.domain.sessions import Challenge, ChallengeAnswer, Tokens
from tests.api.conftest import Start
from tests.support.fakes.sessions import MemorySessions
from tests.support.fakes.user_pool import MemoryUserPool

FLOOR_S = 0.2
BEGIN: dict[str, object] = {"username": "alice"}
CHOICES = ("SELECT_CHALLENGE", "SELECT_MFA_TYPE", "MFA_SETUP")


class Asking(MemorySessions):
    """Sessions that respond immediately with a challenge."""

    async def begin(
        self, username: str, preferred_challenge: str | None, client: Client
    ) -> Tokens | Challenge:
        """Offer a choice."""
        del username, preferred_challenge, client
        return Challenge("SELECT_CHALLENGE", "the-session", {}, ("PASSWORD", "EMAIL_OTP"))

    async def answer(self, answer: ChallengeAnswer, client: Client) -> Tokens | Challenge:
        """Ask for a code."""
        del answer, client
        return Challenge("EMAIL_OTP", "the-session", {})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("login", BEGIN),
        ("login", {**BEGIN, "preferredChallenge": "EMAIL_OTP"}),
        *(
            (
                "challenge",
                {**BEGIN, "name": name, "session": "s", "answer": {"choice": "EMAIL_OTP"}},
            )
            for name in CHOICES
        ),
    ],
    ids=str,
)
async def test_challenge_for_nothing_waits_as_a_refusal_does(
    start: Start, memory: Adapters, path: str, body: dict[str, object]
) -> None:
    """
    A success that proves nothing is padded too.

    Cognito simulates a challenge for unknown users faster than it finds one or sends a
    code for known ones.
    """
    provider = replace(memory.identity_provider, sessions=Asking(MemoryUserPool()))
    adapters = replace(memory, identity_provider=provider)
    api = await start({"auth": {"answer-floor-ms": "200"}}, adapters=adapters)

    began_s = time.perf_counter()
    answer = await api.post(f"/api/auth/{path}", json=body)

    assert answer.status == 200
    assert time.perf_counter() - began_s >= FLOOR_S
