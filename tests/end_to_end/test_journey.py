"""The seed's flow, and what surrounds it, over plain HTTP."""

import asyncio
import uuid
from collections.abc import Mapping

import aiohttp
import pytest

from tests.stage import PASSWORD, Mailbox, new_user

PROFILE = "/v1/user/profile"


async def _post(
    service: aiohttp.ClientSession, path: str, body: Mapping[str, object], **headers: str
) -> tuple[int, dict[str, object]]:
    async with service.post(path, json=body, headers=headers) as answer:
        return answer.status, (await answer.json()) if answer.status != 204 else {}


@pytest.fixture
async def user(service: aiohttp.ClientSession, mailbox: Mailbox) -> str:
    """Return a user who has signed up and confirmed."""
    username = new_user()
    signed_up, _ = await _post(
        service,
        "/api/auth/signup",
        {"username": username, "password": PASSWORD, "attributes": {"email": username}},
    )
    code = await mailbox.code(username)
    confirmed, _ = await _post(service, "/api/auth/confirm", {"username": username, "code": code})
    assert (signed_up, confirmed) == (201, 200)
    return username


async def test_six_steps_of_the_seed(service: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    """Sign up, confirm, log in; then the user id is the key of the profile."""
    username = new_user()
    account = {"username": username, "password": PASSWORD, "attributes": {"email": username}}

    status, signed_up = await _post(service, "/api/auth/signup", account)
    assert (status, signed_up["confirmed"]) == (201, False)

    wrong = {"username": username, "code": "000000"}
    status, refused = await _post(service, "/api/auth/confirm", wrong)
    assert (status, refused["code"]) == (400, "code_mismatch")

    credentials: dict[str, object] = {"username": username, "password": PASSWORD}
    status, refused = await _post(service, "/api/auth/login", credentials)
    assert (status, refused["code"]) == (403, "user_not_confirmed")

    right = {"username": username, "code": await mailbox.code(username)}
    assert await _post(service, "/api/auth/confirm", right) == (200, {"confirmed": True})

    status, tokens = await _post(service, "/api/auth/login", credentials)
    assert status == 200
    assert tokens["userId"] == signed_up["userId"]
    identity = {"x-amzn-oidc-identity": str(tokens["userId"])}

    async with service.get(PROFILE, headers=identity) as answer:
        assert answer.status == 404
    seed = {"city": "Mumbai", "country": "India"}
    async with service.post(PROFILE, json=seed, headers=identity) as answer:
        assert answer.status == 201
        created = await answer.json()
    async with service.get(PROFILE, headers=identity) as answer:
        assert answer.status == 200
        assert await answer.json() == created
    status, merged = await _post(service, PROFILE, {"city": "Pune", "country": None}, **identity)
    assert status == 200
    assert (merged["city"], merged["version"], "country" in merged) == ("Pune", 2, False)

    status, refreshed = await _post(
        service, "/api/auth/refresh", {"refreshToken": tokens["refreshToken"]}
    )
    assert (status, refreshed["userId"]) == (200, tokens["userId"])


async def test_access_token_identifies(service: aiohttp.ClientSession, user: str) -> None:
    """Cognito's access token proves who asks; an id token, or another's plain header, does not."""
    _, tokens = await _post(service, "/api/auth/login", {"username": user, "password": PASSWORD})
    bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
    id_token = {"Authorization": f"Bearer {tokens['idToken']}"}

    status, profile = await _post(service, PROFILE, {"city": "Mumbai"}, **bearer)
    refused, problem = await _post(service, PROFILE, {"city": "Pune"}, **id_token)
    disagreeing = {**bearer, "x-amzn-oidc-identity": str(uuid.uuid4())}
    lied, _ = await _post(service, PROFILE, {"city": "Pune"}, **disagreeing)

    assert (status, profile["userId"]) == (201, tokens["userId"])
    assert (refused, problem["code"]) == (401, "token_invalid")
    assert lied == 401


async def test_logged_out_user_cannot_refresh(service: aiohttp.ClientSession, user: str) -> None:
    """Logging out ends one session; logging out everywhere ends all."""
    credentials: dict[str, object] = {"username": user, "password": PASSWORD}
    sessions = [(await _post(service, "/api/auth/login", credentials))[1] for _ in range(3)]
    refreshes = [{"refreshToken": session["refreshToken"]} for session in sessions]

    assert (await _post(service, "/api/auth/logout", refreshes[0]))[0] == 204
    assert (await _post(service, "/api/auth/refresh", refreshes[0]))[0] == 401
    assert (await _post(service, "/api/auth/refresh", refreshes[1]))[0] == 200

    bearer = {"Authorization": f"Bearer {sessions[2]['accessToken']}"}
    assert (await _post(service, "/api/auth/logout", {"everywhere": True}, **bearer))[0] == 204
    assert (await _post(service, "/api/auth/refresh", refreshes[2]))[0] == 401


async def test_resent_code_confirms(service: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    """A new code replaces the one that was lost."""
    username = new_user()
    await _post(service, "/api/auth/signup", {"username": username, "password": PASSWORD})
    lost = await mailbox.code(username)

    assert await _post(service, "/api/auth/resend", {"username": username}) == (202, {})

    assert (await mailbox.codes(username))[:-1] == [lost]
    right = {"username": username, "code": await mailbox.code(username)}
    assert (await _post(service, "/api/auth/confirm", right))[0] == 200


async def test_login_does_not_tell_who_has_an_account(
    service: aiohttp.ClientSession, user: str
) -> None:
    """An unknown user and a wrong password get one answer."""
    wrong = await _post(
        service, "/api/auth/login", {"username": user, "password": "Wrong" + PASSWORD}
    )
    unknown = await _post(
        service, "/api/auth/login", {"username": new_user(), "password": PASSWORD}
    )

    assert wrong[0] == 401
    for _, body in (wrong, unknown):
        del body["requestId"]
    assert wrong == unknown


async def test_simultaneous_first_posts_make_one_profile(service: aiohttp.ClientSession) -> None:
    """Eight first POSTs at once: one 201, seven 200, and every field is there."""
    identity = {"x-amzn-oidc-identity": str(uuid.uuid4())}
    fields = ["givenName", "familyName", "nickname", "bio", "company", "city", "region", "country"]

    outcomes = await asyncio.gather(
        *(_post(service, PROFILE, {field: field}, **identity) for field in fields)
    )

    assert sorted(status for status, _ in outcomes) == [200] * 7 + [201]
    assert len({body["createdAt"] for _, body in outcomes}) == 1
    async with service.get(PROFILE, headers=identity) as answer:
        profile = await answer.json()
    assert {field: profile[field] for field in fields} == {field: field for field in fields}


async def test_service_is_ready_and_describes_itself(service: aiohttp.ClientSession) -> None:
    """Health, the API document and its page answer on the running service."""
    for path in ("/health/live", "/health/ready", "/openapi.json", "/docs"):
        async with service.get(path) as answer:
            assert answer.status == 200, path
