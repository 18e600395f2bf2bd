"""Signing in without a password, and what comes before tokens, over plain HTTP."""

import json

import aiohttp

from service.aws.clients import Clients
from service.config.settings import Config
from tests.end_to_end.calls import Answer, bearer, call, log_in
from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests.support.webauthn_authenticator import Authenticator

LOGIN = "/api/auth/login"
CHALLENGE = "/api/auth/challenge"


async def _answered(
    service: aiohttp.ClientSession, challenged: Answer, username: str, **answer: object
) -> Answer:
    challenge = challenged.body["challenge"]
    body = {"name": challenge["name"], "session": challenge["session"], "username": username}
    return await call(service, "POST", CHALLENGE, {**body, "answer": answer})


async def test_user_chooses_how_to_sign_in(service: aiohttp.ClientSession, user: str) -> None:
    """Without a password the answer is the choice; the chosen factor is then proved."""
    begun = await call(service, "POST", LOGIN, {"username": user})
    offered = begun.body["challenge"]
    at_once = await _answered(service, begun, user, choice="PASSWORD", password=PASSWORD)

    begun = await call(service, "POST", LOGIN, {"username": user, "preferredChallenge": "PASSWORD"})
    wrong = await _answered(service, begun, user, password="Wrong" + PASSWORD)
    right = await _answered(service, begun, user, password=PASSWORD)

    assert (offered["name"], "PASSWORD" in offered["available"]) == ("SELECT_CHALLENGE", True)
    assert (at_once.status, at_once.body.get("tokenType")) == (200, "Bearer")
    assert begun.body["challenge"]["name"] == "PASSWORD"
    assert (wrong.status, wrong.code) == (401, "invalid_credentials")
    assert (right.status, right.body.get("tokenType")) == (200, "Bearer")


async def test_code_by_mail_signs_in(
    service: aiohttp.ClientSession, mailbox: Mailbox, user: str
) -> None:
    """A code to the user's address is as good as a password."""
    begun = await call(
        service, "POST", LOGIN, {"username": user, "preferredChallenge": "EMAIL_OTP"}
    )
    code = await mailbox.code(user)

    wrong = await _answered(service, begun, user, code="00000000")
    right = await _answered(service, begun, user, code=code)

    assert begun.body["challenge"]["name"] == "EMAIL_OTP"
    assert (wrong.status, wrong.code) == (400, "code_mismatch")
    assert right.status == 200


async def test_passkey_is_made_used_and_deleted(service: aiohttp.ClientSession, user: str) -> None:
    """A passkey that a browser made signs in, until it is deleted."""
    signed_in = bearer(await log_in(service, user))
    passkeys = "/api/auth/passkeys"
    browser = Authenticator()

    options = await call(service, "POST", f"{passkeys}/options", headers=signed_in)
    made = browser.register(options.body["options"])
    registered = await call(service, "POST", passkeys, {"credential": made}, headers=signed_in)
    again = await call(service, "POST", passkeys, {"credential": made}, headers=signed_in)
    listed = await call(service, "GET", passkeys, headers=signed_in)
    begun = await call(
        service, "POST", LOGIN, {"username": user, "preferredChallenge": "WEB_AUTHN"}
    )
    asked = json.loads(begun.body["challenge"]["parameters"]["CREDENTIAL_REQUEST_OPTIONS"])
    tokens = await _answered(service, begun, user, credential=browser.sign_in(asked))
    (passkey,) = listed.body["passkeys"]
    deleted = await call(service, "DELETE", f"{passkeys}/{passkey['id']}", headers=signed_in)
    gone = await call(service, "DELETE", f"{passkeys}/{passkey['id']}", headers=signed_in)

    assert (options.status, registered.status) == (200, 201)
    assert (again.status, again.code) == (410, "passkey_challenge_expired")
    assert passkey["relyingPartyId"] == "localhost"
    assert (tokens.status, tokens.body.get("tokenType")) == (200, "Bearer")
    assert (deleted.status, gone.status, gone.code) == (204, 404, "passkey_not_found")


async def test_unknown_user_is_offered_the_same(service: aiohttp.ClientSession, user: str) -> None:
    """Beginning a sign-in tells nothing, and neither does its wrong answer."""
    nobody = new_user()
    for preference in ({}, {"preferredChallenge": "EMAIL_OTP"}):
        known = await call(service, "POST", LOGIN, {"username": user, **preference})
        unknown = await call(service, "POST", LOGIN, {"username": nobody, **preference})

        one, other = known.body["challenge"], unknown.body["challenge"]
        assert (known.status, one.keys()) == (unknown.status, other.keys())
        assert (one["name"], one.get("available")) == (other["name"], other.get("available"))
        assert one["parameters"].keys() == other["parameters"].keys()


async def test_administrators_password_is_replaced(
    service: aiohttp.ClientSession, config: Config, clients: Clients
) -> None:
    """Whom an administrator invited chooses a password at the first sign-in."""
    username = new_user()
    await clients.cognito.admin_create_user(
        UserPoolId=config.cognito.user_pool_id,
        Username=username,
        TemporaryPassword=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": username}],
        MessageAction="SUPPRESS",
    )
    begun = await log_in(service, username)

    weak = await _answered(service, begun, username, newPassword="weak")
    named = {"name": "Alice"}
    done = await _answered(service, begun, username, newPassword="New" + PASSWORD, attributes=named)
    me = await call(service, "GET", "/api/auth/me", headers=bearer(done))

    assert begun.body["challenge"]["name"] == "NEW_PASSWORD_REQUIRED"
    assert (weak.status, weak.code) == (422, "weak_password")
    assert done.status == 200
    assert me.body["attributes"]["name"] == "Alice"
