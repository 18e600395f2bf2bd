"""A user sees where they are signed in, and ends the other sessions, over plain HTTP."""

import aiohttp

from tests.end_to_end.calls import Answer, bearer, call, log_in
from tests.support.accounts import PASSWORD

SESSIONS = "/api/auth/sessions"
NEW_PASSWORD = "Another1!" + PASSWORD


async def _own_id(service: aiohttp.ClientSession, tokens: Answer) -> str:
    listed = await call(service, "GET", SESSIONS, headers=bearer(tokens))
    assert listed.status == 200
    (session_id,) = (one["id"] for one in listed.body["sessions"] if one["current"])
    return str(session_id)


async def _is_signed_in(service: aiohttp.ClientSession, tokens: Answer) -> bool:
    me = await call(service, "GET", "/api/auth/me", headers=bearer(tokens))
    assert (me.status, me.code) in {(200, None), (401, "token_invalid")}
    return me.status == 200


async def test_user_ends_other_sessions(service: aiohttp.ClientSession, user: str) -> None:
    """A lost phone is signed out by its id, then all others; the current session stays."""
    here, phone, tablet, laptop = [await log_in(service, user) for _ in range(4)]
    headers = bearer(here)

    own, other = await _own_id(service, here), await _own_id(service, phone)
    refused = await call(service, "DELETE", f"{SESSIONS}/{own}", headers=headers)
    ended = await call(service, "DELETE", f"{SESSIONS}/{other}", headers=headers)
    again = await call(service, "DELETE", f"{SESSIONS}/{other}", headers=headers)
    states = [await _is_signed_in(service, each) for each in (here, phone, tablet, laptop)]
    refresh = {"refreshToken": phone.body["refreshToken"]}
    dead = await call(service, "POST", "/api/auth/refresh", refresh)
    rest = [await call(service, "DELETE", SESSIONS, headers=headers) for _ in range(2)]
    left = await call(service, "GET", SESSIONS, headers=headers)

    assert (refused.status, refused.code) == (409, "session_is_current")
    assert (ended.status, again.status, again.code) == (204, 404, "session_not_found")
    assert states == [True, False, True, True]
    assert (dead.status, dead.code) == (401, "refresh_token_invalid")
    assert [answer.status for answer in rest] == [204, 204]
    assert [session["id"] for session in left.body["sessions"]] == [own]
    assert not await _is_signed_in(service, tablet)
    assert await _is_signed_in(service, here)


async def test_password_change_signs_the_others_out(
    service: aiohttp.ClientSession, user: str
) -> None:
    """With signOutOthers, whoever knew the old password is signed out."""
    here, there = [await log_in(service, user) for _ in range(2)]
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, "signOutOthers": True}

    changed = await call(service, "POST", "/api/auth/password/change", change, bearer(here))

    assert changed.status == 204
    assert await _is_signed_in(service, here)
    assert not await _is_signed_in(service, there)
    assert (await log_in(service, user, NEW_PASSWORD)).status == 200
