"""Malformed tokens and sessions are answered like unknown ones, over plain HTTP."""

import itertools

import aiohttp

from service.aws.clients import Clients
from service.commands import provisioning
from service.config.settings import Config
from tests.end_to_end.calls import PROFILE, bearer, call, log_in
from tests.support.accounts import PASSWORD, new_user

REFRESH = "/api/auth/refresh"
LOGOUT = "/api/auth/logout"
TOKENS = ["ab/c+d", "a b", "a", "never.given", "\u00e9", "~" * 40, " ", "a" * 16_384]


async def test_malformed_refresh_token_is_one_that_has_ended(
    service: aiohttp.ClientSession,
) -> None:
    """Front ends act on 401: refresh is refused, and logout is done."""
    for token in TOKENS:
        refreshed = await call(service, "POST", REFRESH, {"refreshToken": token})
        logged_out = await call(service, "POST", LOGOUT, {"refreshToken": token})

        assert (refreshed.status, refreshed.code) == (401, "refresh_token_invalid"), token
        assert logged_out.status == 204, token


async def test_malformed_refresh_token_beside_everywhere(
    service: aiohttp.ClientSession, user: str
) -> None:
    """All sessions of the access token's user end, whatever the refresh token is."""
    signed_in = await log_in(service, user)
    body = {"refreshToken": "ab/c+d", "everywhere": True}

    logged_out = await call(service, "POST", LOGOUT, body, bearer(signed_in))
    refreshed = await call(
        service, "POST", REFRESH, {"refreshToken": signed_in.body["refreshToken"]}
    )

    assert (logged_out.status, refreshed.status) == (204, 401)


SESSIONS = ("a", "a" * 19, "a b" * 20, "~" * 2_049, "\u00e9" * 40, "x" * 9_000)
ANSWERS: list[tuple[str, dict[str, object]]] = [
    ("SMS_MFA", {"code": "123456"}),
    ("SOFTWARE_TOKEN_MFA", {"code": "123456"}),
    ("EMAIL_OTP", {"code": "123456"}),
    ("CUSTOM_CHALLENGE", {"code": "123456"}),
    ("MFA_SETUP", {"choice": "SOFTWARE_TOKEN_MFA"}),
    ("MFA_SETUP", {"code": "123456"}),
    ("SELECT_MFA_TYPE", {"choice": "SMS_MFA"}),
    ("SELECT_CHALLENGE", {"choice": "PASSWORD"}),
    ("PASSWORD", {"password": PASSWORD}),
    ("NEW_PASSWORD_REQUIRED", {"newPassword": PASSWORD}),
    ("WEB_AUTHN", {"credential": {"id": "a"}}),
]


async def test_malformed_session_has_expired(service: aiohttp.ClientSession) -> None:
    """The answer to a challenge whose session is malformed is that of an expired one."""
    for (name, answer), session in itertools.product(ANSWERS, SESSIONS):
        account = {"username": new_user(), "answer": answer}
        body = {"name": name, "session": session, **account}

        answered = await call(service, "POST", "/api/auth/challenge", body)

        assert (answered.status, answered.code) == (401, "challenge_expired"), body


async def test_refresh_token_of_another_client_is_refused_by_name(
    service: aiohttp.ClientSession, config: Config, clients: Clients, user: str
) -> None:
    """Only the issuing client refreshes and revokes; a refused logout has ended nothing."""
    pool_id = config.cognito.user_pool_id
    other = await provisioning.create_client(clients.cognito, pool_id, "another")
    issued = await clients.cognito.initiate_auth(
        ClientId=other,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user, "PASSWORD": PASSWORD},
    )
    tokens = issued["AuthenticationResult"]
    body = {"refreshToken": tokens["RefreshToken"]}
    signed_in = {"Authorization": f"Bearer {tokens['AccessToken']}"}

    for path in (REFRESH, LOGOUT):
        refused = await call(service, "POST", path, body)
        assert (refused.status, refused.code) == (401, "refresh_token_invalid")
        assert "another app client's" in refused.body["detail"]
    for path in ("/api/auth/me", PROFILE):
        unlisted = await call(service, "GET", path, headers=signed_in)
        assert (unlisted.status, unlisted.code) == (401, "token_invalid")
    renewed = await clients.cognito.get_tokens_from_refresh_token(
        ClientId=other, RefreshToken=tokens["RefreshToken"]
    )
    assert renewed["AuthenticationResult"]["AccessToken"]
