"""The seed's flow, and what surrounds it, over plain HTTP."""

import asyncio
import uuid
from collections.abc import Mapping

import aiohttp

from tests.end_to_end.calls import PROFILE, Answer, bearer, call, log_in
from tests.support.accounts import PASSWORD, Mailbox, new_user


async def test_six_steps_of_the_seed(service: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    """Sign up, confirm, log in; then the user id is the key of the profile."""
    username = new_user()
    account = {"username": username, "password": PASSWORD, "attributes": {"email": username}}

    signed_up = await _post(service, "/api/auth/signup", account)
    assert (signed_up.status, signed_up.body["confirmed"]) == (201, False)

    wrong = await _post(service, "/api/auth/confirm", {"username": username, "code": "000000"})
    assert (wrong.status, wrong.code) == (400, "code_mismatch")

    early = await log_in(service, username)
    assert (early.status, early.code) == (403, "user_not_confirmed")

    right = {"username": username, "code": await mailbox.code(username)}
    confirmed = await _post(service, "/api/auth/confirm", right)
    assert (confirmed.status, confirmed.body) == (200, {"confirmed": True})

    tokens = await log_in(service, username)
    assert tokens.status == 200
    assert tokens.body["userId"] == signed_up.body["userId"]
    identity = {"x-amzn-oidc-identity": str(tokens.body["userId"])}

    assert (await call(service, "GET", PROFILE, headers=identity)).status == 404
    created = await _post(
        service, PROFILE, {"city": "Mumbai", "country": "India"}, headers=identity
    )
    assert created.status == 201
    assert await call(service, "GET", PROFILE, headers=identity) == Answer(200, created.body)
    merged = await _post(service, PROFILE, {"city": "Pune", "country": None}, headers=identity)
    assert merged.status == 200
    assert (merged.body["city"], merged.body["version"]) == ("Pune", 2)
    assert "country" not in merged.body

    refreshed = await _post(
        service, "/api/auth/refresh", {"refreshToken": tokens.body["refreshToken"]}
    )
    assert (refreshed.status, refreshed.body["userId"]) == (200, tokens.body["userId"])


async def test_access_token_identifies(service: aiohttp.ClientSession, user: str) -> None:
    """Cognito's access token proves who asks; an id token, or another's plain header, does not."""
    tokens = await log_in(service, user)
    signed_in = bearer(tokens)
    id_token = {"Authorization": f"Bearer {tokens.body['idToken']}"}

    saved = await _post(service, PROFILE, {"city": "Mumbai"}, headers=signed_in)
    refused = await _post(service, PROFILE, {"city": "Pune"}, headers=id_token)
    disagreeing = {**signed_in, "x-amzn-oidc-identity": str(uuid.uuid4())}
    lied = await _post(service, PROFILE, {"city": "Pune"}, headers=disagreeing)

    assert (saved.status, saved.body["userId"]) == (201, tokens.body["userId"])
    assert (refused.status, refused.code) == (401, "token_invalid")
    assert lied.status == 401


async def test_logged_out_user_cannot_refresh(service: aiohttp.ClientSession, user: str) -> None:
    """Logging out ends one session; logging out everywhere ends all."""
    sessions = [await log_in(service, user) for _ in range(3)]
    refreshes = [{"refreshToken": session.body["refreshToken"]} for session in sessions]

    assert (await _post(service, "/api/auth/logout", refreshes[0])).status == 204
    assert (await _post(service, "/api/auth/refresh", refreshes[0])).status == 401
    assert (await _post(service, "/api/auth/refresh", refreshes[1])).status == 200

    everywhere = {"everywhere": True}
    assert (
        await _post(service, "/api/auth/logout", everywhere, headers=bearer(sessions[2]))
    ).status == 204
    assert (await _post(service, "/api/auth/refresh", refreshes[2])).status == 401


async def test_resent_code_confirms(service: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    """A new code replaces the one that was lost."""
    username = new_user()
    await _post(service, "/api/auth/signup", {"username": username, "password": PASSWORD})
    lost = await mailbox.code(username)

    resent = await _post(service, "/api/auth/resend", {"username": username})

    assert resent == Answer(202, {})
    assert (await mailbox.codes(username))[:-1] == [lost]
    right = {"username": username, "code": await mailbox.code(username)}
    assert (await _post(service, "/api/auth/confirm", right)).status == 200


async def test_login_does_not_tell_who_has_an_account(
    service: aiohttp.ClientSession, user: str
) -> None:
    """An unknown user and a wrong password get one answer, however often they are tried."""
    nobody = new_user()
    for _ in range(7):
        wrong, unknown = await asyncio.gather(
            log_in(service, user, "Wrong" + PASSWORD), log_in(service, nobody)
        )

        assert wrong.status in {401, 429}
        for answer in (wrong, unknown):
            del answer.body["requestId"]
        assert wrong == unknown


async def test_simultaneous_first_posts_make_one_profile(service: aiohttp.ClientSession) -> None:
    """Eight first POSTs at once: one 201, seven 200, and every field is there."""
    identity = {"x-amzn-oidc-identity": str(uuid.uuid4())}
    fields = ["givenName", "familyName", "nickname", "bio", "company", "city", "region", "jobTitle"]

    outcomes = await asyncio.gather(
        *(_post(service, PROFILE, {field: field}, headers=identity) for field in fields)
    )

    assert sorted(outcome.status for outcome in outcomes) == [200] * 7 + [201]
    assert len({outcome.body["createdAt"] for outcome in outcomes}) == 1
    profile = (await call(service, "GET", PROFILE, headers=identity)).body
    assert {field: profile[field] for field in fields} == {field: field for field in fields}


async def test_service_is_ready_and_describes_itself(service: aiohttp.ClientSession) -> None:
    """Health, the API document and its page answer on the running service."""
    for path in ("/health/live", "/health/ready", "/openapi.json", "/docs"):
        async with service.get(path) as answer:
            assert answer.status == 200, path


async def _post(
    service: aiohttp.ClientSession,
    path: str,
    body: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
) -> Answer:
    return await call(service, "POST", path, body, headers)
