"""Device keys over HTTP, with a fake user pool that remembers devices."""

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.support.accounts import PASSWORD
from tests.support.fakes.user_pool import MemoryUserPool
from tests.support.fakes.user_pool_rules import PoolRules

ALICE = {"username": "alice", "password": PASSWORD}


@pytest.fixture(name="remembering")
async def _remembering(api: Api, user_pool: MemoryUserPool) -> Api:
    """Start the service on a pool that remembers devices and has a confirmed user."""
    user_pool.rules = PoolRules(remembers_devices="always")
    await api.post("/api/auth/signup", json=ALICE)
    await api.post("/api/auth/confirm", json={"username": "alice", "code": user_pool.code("alice")})
    return api


async def _tokens(api: Api) -> dict[str, Any]:
    answer = await api.post("/api/auth/login", json=ALICE)
    assert answer.status == 200
    body: dict[str, Any] = await answer.json()
    return body


async def test_device_key_is_sent_with_the_refresh_token(remembering: Api) -> None:
    """The tokens of a log-in have a deviceKey; the refresh takes it, and returns no other."""
    tokens = await _tokens(remembering)
    session = {"refreshToken": tokens["refreshToken"], "deviceKey": tokens["deviceKey"]}

    answer = await remembering.post("/api/auth/refresh", json=session)

    body = await answer.json()
    assert answer.status == 200
    assert body["userId"] == tokens["userId"]
    assert "deviceKey" not in body


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"deviceKey": None},
        *({"deviceKey": key} for key in ("us-east-1_0-1", "undefined", "a b")),
    ],
    ids=str,
)
async def test_refresh_without_the_right_device_key_is_refused(
    remembering: Api, sent: dict[str, object]
) -> None:
    """The error names the device key as a possible cause."""
    tokens = await _tokens(remembering)

    answer = await remembering.post(
        "/api/auth/refresh", json={"refreshToken": tokens["refreshToken"], **sent}
    )

    body = await answer.json()
    assert (answer.status, body["code"]) == (401, "refresh_token_invalid")
    assert "deviceKey" in body["detail"]


@pytest.mark.parametrize("device_key", ["", 7, []])
async def test_device_key_that_is_no_text_is_refused(remembering: Api, device_key: object) -> None:
    """A value that is no text is an invalid field, whatever the refresh token."""
    answer = await remembering.post(
        "/api/auth/refresh", json={"refreshToken": "x", "deviceKey": device_key}
    )

    body = await answer.json()
    assert (answer.status, body["code"]) == (422, "invalid_fields")
    assert [error["field"] for error in body["errors"]] == ["deviceKey"]


async def test_session_of_a_device_is_revoked_without_its_key(remembering: Api) -> None:
    """Logging out needs the refresh token only."""
    tokens = await _tokens(remembering)
    session = {"refreshToken": tokens["refreshToken"]}

    ended = await remembering.post("/api/auth/logout", json=session)
    refused = await remembering.post(
        "/api/auth/refresh", json={**session, "deviceKey": tokens["deviceKey"]}
    )

    assert (ended.status, refused.status) == (204, 401)


async def test_tokens_of_other_pools_have_no_device_key(
    remembering: Api, user_pool: MemoryUserPool
) -> None:
    """The member is absent where the pool remembers no devices."""
    user_pool.rules = PoolRules()

    assert "deviceKey" not in await _tokens(remembering)
