"""A user's own account, from the first password to its deletion, over plain HTTP."""

import aiohttp
import pyotp

from tests.contracts.authenticator_app import App
from tests.end_to_end.calls import PROFILE, bearer, call, log_in
from tests.support.accounts import PASSWORD, Mailbox, new_user

NEW_PASSWORD = "Another1!" + PASSWORD


async def test_forgotten_password_is_set_anew(
    service: aiohttp.ClientSession, mailbox: Mailbox, user: str
) -> None:
    """A code that was sent sets a new password; the old one is over."""
    asked = await call(service, "POST", "/api/auth/password/forgot", {"username": user})
    reset = {"username": user, "code": await mailbox.code(user), "password": NEW_PASSWORD}
    path = "/api/auth/password/reset"

    wrong = await call(service, "POST", path, {**reset, "code": "000000"})
    done = await call(service, "POST", path, reset)

    assert (asked.status, asked.body) == (202, {})
    assert (wrong.status, wrong.code) == (400, "code_mismatch")
    assert done.status == 204
    assert (await log_in(service, user)).status == 401
    assert (await log_in(service, user, NEW_PASSWORD)).status == 200


async def test_asking_for_a_code_tells_nothing(service: aiohttp.ClientSession, user: str) -> None:
    """Forgot and reset answer alike for a user and for nobody."""
    nobody = new_user()
    for path, more in (
        ("/api/auth/password/forgot", {}),
        ("/api/auth/password/reset", {"code": "123456", "password": NEW_PASSWORD}),
        ("/api/auth/resend", {}),
        ("/api/auth/confirm", {"code": "123456"}),
    ):
        known = await call(service, "POST", path, {"username": user, **more})
        unknown = await call(service, "POST", path, {"username": nobody, **more})
        for answer in (known, unknown):
            answer.body.pop("requestId", None)
        assert known == unknown, path


async def test_password_is_changed(service: aiohttp.ClientSession, user: str) -> None:
    """Who knows the current password sets another one."""
    signed_in = bearer(await log_in(service, user))
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    path = "/api/auth/password/change"

    nobody = await call(service, "POST", path, change)
    wrong = await call(
        service, "POST", path, {**change, "currentPassword": "Wrong" + PASSWORD}, headers=signed_in
    )
    weak = await call(service, "POST", path, {**change, "newPassword": "weak"}, headers=signed_in)
    done = await call(service, "POST", path, change, headers=signed_in)

    assert (nobody.status, nobody.code) == (401, "token_invalid")
    assert (wrong.status, wrong.code) == (401, "invalid_credentials")
    assert (weak.status, weak.code) == (422, "weak_password")
    assert done.status == 204
    assert (await log_in(service, user, NEW_PASSWORD)).status == 200


async def test_own_attributes_are_changed_and_proved(
    service: aiohttp.ClientSession, mailbox: Mailbox, user: str
) -> None:
    """A user reads and changes the own attributes; a new address takes effect with its code."""
    tokens = await log_in(service, user)
    signed_in = bearer(tokens)
    me = "/api/auth/me"
    address = new_user()

    before = await call(service, "GET", me, headers=signed_in)
    named = await call(service, "PATCH", me, {"attributes": {"name": "Alice"}}, headers=signed_in)
    moved = await call(service, "PATCH", me, {"attributes": {"email": address}}, headers=signed_in)
    unproved = await call(service, "GET", me, headers=signed_in)
    proof = {"attribute": "email", "code": await mailbox.code(user)}
    proved = await call(service, "POST", f"{me}/verification/confirm", proof, headers=signed_in)
    unnamed = await call(service, "PATCH", me, {"attributes": {"name": None}}, headers=signed_in)
    after = await call(service, "GET", me, headers=signed_in)

    assert before.status == 200
    assert before.body["userId"] == tokens.body["userId"] == before.body["attributes"]["sub"]
    assert (named.status, named.body) == (200, {})
    assert moved.body["delivery"]["medium"] == "EMAIL"
    assert unproved.body["attributes"]["name"] == "Alice"
    assert unproved.body["attributes"]["email"] == user
    assert (proved.status, unnamed.status) == (204, 200)
    assert after.body["attributes"]["email"] == address
    assert after.body["attributes"]["email_verified"] == "true"
    assert "name" not in after.body["attributes"]


async def test_attributes_that_are_not_the_users_are_refused(
    service: aiohttp.ClientSession, user: str
) -> None:
    """Nobody makes oneself somebody else, verified, or an administrator."""
    signed_in = bearer(await log_in(service, user))
    wanted = {"sub": "x", "email_verified": "true", "custom:role": "admin"}

    refused = await call(
        service, "PATCH", "/api/auth/me", {"attributes": wanted}, headers=signed_in
    )

    assert refused.status == 422
    assert {error["field"] for error in refused.body["errors"]} == {
        f"attributes.{name}" for name in wanted
    }


async def test_second_factor_by_an_app(service: aiohttp.ClientSession, user: str) -> None:
    """An app that is set up and enabled is asked for at the next sign-in."""
    signed_in = bearer(await log_in(service, user))
    mfa = "/api/auth/mfa"

    begun = await call(service, "POST", f"{mfa}/totp", headers=signed_in)
    app = App(begun.body["secret"])
    verified = await call(
        service,
        "POST",
        f"{mfa}/totp/verify",
        {"code": app.now(), "deviceName": "x"},
        headers=signed_in,
    )
    factors = {"enabled": ["SOFTWARE_TOKEN_MFA"], "preferred": "SOFTWARE_TOKEN_MFA"}
    enabled = await call(service, "PUT", mfa, factors, headers=signed_in)
    read = await call(service, "GET", mfa, headers=signed_in)
    challenged = await log_in(service, user)

    assert begun.body["uri"].startswith("otpauth://totp/user-profile-service:")
    assert pyotp.parse_uri(begun.body["uri"]).name == user
    assert (verified.status, enabled.status) == (204, 204)
    assert read.body == factors
    challenge = challenged.body["challenge"]
    assert challenge["name"] == "SOFTWARE_TOKEN_MFA"
    answer = {"name": challenge["name"], "session": challenge["session"], "username": user}
    wrong = await call(
        service, "POST", "/api/auth/challenge", {**answer, "answer": {"code": app.wrong()}}
    )
    foreign = await call(
        service, "POST", "/api/auth/challenge", {**answer, "answer": {"password": "x"}}
    )
    next_code = {"code": app.next()}  # a code is good once
    right = await call(service, "POST", "/api/auth/challenge", {**answer, "answer": next_code})

    assert (wrong.status, wrong.code) == (400, "code_mismatch")
    assert (foreign.status, foreign.code) == (422, "invalid_fields")
    assert (right.status, right.body.get("tokenType")) == (200, "Bearer")


async def test_deleted_account_leaves_nothing(service: aiohttp.ClientSession, user: str) -> None:
    """Account and profile go together; the token, the password and the profile are over."""
    tokens = await log_in(service, user)
    signed_in = bearer(tokens)
    await call(service, "POST", PROFILE, {"city": "Mumbai"}, headers=signed_in)

    deleted = await call(service, "DELETE", "/api/auth/me", headers=signed_in)
    again = await call(service, "DELETE", "/api/auth/me", headers=signed_in)
    profile = await call(service, "GET", PROFILE, headers=signed_in)
    revived = await call(service, "POST", PROFILE, {"city": "Pune"}, headers=signed_in)

    assert deleted.status == 204
    assert (again.status, again.code) == (401, "token_invalid")
    assert (await log_in(service, user)).status == 401
    assert (profile.status, profile.code) == (404, "profile_not_found")
    assert (revived.status, revived.code) == (403, "account_closed")
