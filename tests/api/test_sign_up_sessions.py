"""Sign-up without a password, and the sign-in that follows a confirmation, over HTTP."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.app import Adapters
from service.config.loader import Settings
from service.domain.client import Client
from service.domain.errors import (
    ChallengeExpired,
    FeatureUnavailable,
    InvalidCredentials,
    ServiceError,
    Throttled,
    UpstreamUnavailable,
)
from service.domain.sessions import Challenge, Tokens
from tests.api.conftest import Api, Start
from tests.support.accounts import PASSWORD
from tests.support.fakes.sessions import MemorySessions
from tests.support.fakes.user_pool import MemoryUserPool
from tests.support.fakes.user_pool_rules import PoolRules

BY_CODE = {"auth-config": {"first-factors": "PASSWORD EMAIL_OTP"}}
UNIFORM = {"auth": {"uniform-signup": "true"}}
ALICE: Mapping[str, object] = {
    "username": "alice",
    "attributes": {"email": "alice@example.com"},
}
WRONG = "999999"
TOKENS = {"userId", "idToken", "accessToken", "refreshToken", "tokenType", "expiresIn"}


@pytest.fixture
def user_pool() -> MemoryUserPool:
    """Return accounts of a pool in which one-time codes sign in."""
    return MemoryUserPool(PoolRules(first_factors=("PASSWORD", "EMAIL_OTP")))


@pytest.fixture
async def api(start: Start) -> Api:
    """Start a service that offers those codes."""
    return await start(BY_CODE)


async def _post(api: Api, path: str, body: Mapping[str, object]) -> tuple[int, Any]:
    answer = await api.post(f"/api/auth/{path}", json=body)
    return answer.status, await answer.json()


async def _session(api: Api, **more: object) -> str:
    status, body = await _post(api, "signup", {**ALICE, **more})
    assert status == 201
    session: str = body["session"]
    return session


async def _confirm(api: Api, user_pool: MemoryUserPool, session: str) -> tuple[int, Any]:
    code = user_pool.code("alice")
    return await _post(api, "confirm", {"username": "alice", "code": code, "session": session})


@pytest.mark.parametrize("more", [{}, {"password": PASSWORD}], ids=["no password", "password"])
async def test_confirmed_user_is_signed_in(
    api: Api, user_pool: MemoryUserPool, more: dict[str, object]
) -> None:
    """After a wrong code, the right one with the same session confirms and returns tokens."""
    session = await _session(api, **more)
    wrong = {"username": "alice", "code": WRONG, "session": session}

    refused = await _post(api, "confirm", wrong)
    status, body = await _confirm(api, user_pool, session)

    assert (refused[0], refused[1]["code"]) == (400, "code_mismatch")
    assert (status, body["confirmed"], set(body)) == (200, True, {"confirmed", "tokens"})
    assert set(body["tokens"]) == TOKENS


async def test_tokens_have_the_device_key(api: Api, user_pool: MemoryUserPool) -> None:
    """In a pool that remembers devices the tokens are those of a log-in, with the device key."""
    user_pool.rules = replace(user_pool.rules, remembers_devices="always")

    _, body = await _confirm(api, user_pool, await _session(api))

    assert set(body["tokens"]) == {*TOKENS, "deviceKey"}


async def test_second_factor_is_a_challenge(api: Api, user_pool: MemoryUserPool) -> None:
    """The challenge of the second factor has the form of a log-in's, and its code is counted."""
    user_pool.challenge = Challenge("SMS_MFA", "the-session", {"USER_ID_FOR_SRP": "alice"})

    status, body = await _confirm(api, user_pool, await _session(api))

    shown = {
        "name": "SMS_MFA",
        "session": "the-session",
        "parameters": {"USER_ID_FOR_SRP": "alice"},
    }
    assert (status, body) == (200, {"confirmed": True, "challenge": shown})


@pytest.mark.parametrize(
    ("name", "status"), [("SMS_MFA", 401), ("SOFTWARE_TOKEN_MFA", 200)], ids=["sent", "app"]
)
async def test_code_of_the_second_factor_counts(
    start: Start, user_pool: MemoryUserPool, name: str, status: int
) -> None:
    """A code that is sent after the confirmation counts against the codes of the user."""
    api = await start(BY_CODE, {"limits": {"sign-in-code-per-h": "1"}})
    user_pool.challenge = Challenge(name, "the-session", {})
    await _confirm(api, user_pool, await _session(api, password=PASSWORD))

    login = await _post(api, "login", {"username": "alice", "password": PASSWORD})

    assert login[0] == status


async def test_events_of_a_confirmation_and_its_sign_in(
    api: Api, user_pool: MemoryUserPool
) -> None:
    """The audit log has the confirmation, then the sign-in."""
    session = await _session(api)

    with capture_logs() as logs:
        await _confirm(api, user_pool, session)

    events = [line["event"] for line in logs if line.get("account") == "alice"]
    assert events == ["confirmed", "signed_in"]
    assert session not in str(logs)


def _refusing(memory: Adapters, user_pool: MemoryUserPool, refusal: ServiceError) -> Adapters:
    class Refusing(MemorySessions):
        async def continue_sign_up(
            self, username: str, session: str, client: Client
        ) -> Tokens | Challenge:
            del username, session, client
            raise refusal

    provider = replace(memory.identity_provider, sessions=Refusing(user_pool))
    return replace(memory, identity_provider=provider)


@pytest.mark.parametrize(
    "refusal",
    [
        ChallengeExpired(),
        FeatureUnavailable(),
        InvalidCredentials(),
        Throttled(retry_after_s=1),
        UpstreamUnavailable(retry_after_s=1),
    ],
    ids=lambda refusal: refusal.code,
)
async def test_failed_sign_in_does_not_deny_the_confirmation(
    start: Start, memory: Adapters, user_pool: MemoryUserPool, refusal: ServiceError
) -> None:
    """If the sign-in fails, the account is confirmed, and the audit log has the reason."""
    api = await start(BY_CODE, adapters=_refusing(memory, user_pool, refusal))
    session = await _session(api, password=PASSWORD)

    with capture_logs() as logs:
        answer = await _confirm(api, user_pool, session)

    assert answer == (200, {"confirmed": True})
    (event,) = (line for line in logs if line["event"] == "sign_in_refused")
    assert event["code"] == refusal.code
    assert (await _post(api, "login", {"username": "alice", "password": PASSWORD}))[0] == 200


async def test_limit_of_sign_ins_does_not_deny_the_confirmation(
    start: Start, user_pool: MemoryUserPool
) -> None:
    """The sign-in is a call of the quota of sign-ins; beyond it the account is confirmed only."""
    one = {"limits": {"sign-in-per-s": "0.001", "burst-s": "1"}}
    api = await start(BY_CODE, one)
    await _post(api, "login", {"username": "nobody", "password": PASSWORD})

    assert await _confirm(api, user_pool, await _session(api)) == (200, {"confirmed": True})


@pytest.mark.parametrize("session", ["x", "x" * 16_384, None])
async def test_unusable_session_confirms_only(
    api: Api, user_pool: MemoryUserPool, session: str
) -> None:
    """A malformed or unknown session is as an expired one, and null as none."""
    await _session(api)

    assert await _confirm(api, user_pool, session) == (200, {"confirmed": True})


@pytest.mark.parametrize("session", ["", "x" * 16_385, 7, ["x"]], ids=["", "long", "7", "list"])
async def test_session_is_a_text_of_bounded_length(api: Api, session: object) -> None:
    """What cannot be a session is an invalid field, whatever the user name."""
    status, body = await _post(
        api, "confirm", {"username": "nobody", "code": WRONG, "session": session}
    )

    assert (status, [error["field"] for error in body["errors"]]) == (422, ["session"])


async def test_session_does_not_reveal_accounts(api: Api, user_pool: MemoryUserPool) -> None:
    """Status and body are the same for an unconfirmed, a confirmed and an unknown user."""
    session = await _session(api)
    await _post(api, "signup", {**ALICE, "username": "confirmed"})
    code = user_pool.code("confirmed")
    await _post(api, "confirm", {"username": "confirmed", "code": code})

    answers = []
    for username in ("alice", "confirmed", "nobody"):
        for sent in (session, "x"):
            body = {"username": username, "code": WRONG, "session": sent}
            status, problem = await _post(api, "confirm", body)
            del problem["requestId"]
            answers.append((status, problem))

    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 400


@pytest.mark.parametrize("factors", ["", "PASSWORD", "WEB_AUTHN"])
@pytest.mark.parametrize("settings", [{}, UNIFORM], ids=["plain", "uniform"])
async def test_password_is_required_without_one_time_codes(
    start: Start, factors: str, settings: Settings
) -> None:
    """Without a one-time code among the first factors, a missing password is a wrong field."""
    api = await start({"auth-config": {"first-factors": factors}}, settings)

    status, body = await _post(api, "signup", {**ALICE, "username": "a b"})

    assert status == 422
    assert {error["field"] for error in body["errors"]} == {"username", "password"}


@pytest.mark.parametrize("password", [None, "", 7])
async def test_password_that_is_sent_is_a_password(api: Api, password: object) -> None:
    """A sign-up has no password or a valid one: null is refused."""
    status, body = await _post(api, "signup", {**ALICE, "password": password})

    assert (status, [error["field"] for error in body["errors"]]) == (422, ["password"])


async def test_uniform_sign_up_has_no_session(start: Start, user_pool: MemoryUserPool) -> None:
    """Without a password too, a taken name gets the response of a new one, which has no session."""
    api = await start(BY_CODE, UNIFORM)

    answers = [await _post(api, "signup", ALICE) for _ in range(2)]
    confirmed = await _post(
        api, "confirm", {"username": "alice", "code": user_pool.code("alice"), "session": "x"}
    )

    assert answers == [(201, {"confirmed": False})] * 2
    assert confirmed == (200, {"confirmed": True})
