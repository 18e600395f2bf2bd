"""Sign-up without a password that ends signed in, over plain HTTP."""

import aiohttp

from tests.end_to_end.calls import Answer, bearer, call
from tests.support.accounts import Mailbox, new_user

CONFIRM = "/api/auth/confirm"
LOCALE = {"metadata": {"locale": "de"}}


async def test_code_by_mail_signs_up_and_in(
    service: aiohttp.ClientSession, mailbox: Mailbox
) -> None:
    """The code of the confirmation, after a wrong one, is all that a new user enters."""
    username = new_user()
    account = {"username": username, "attributes": {"email": username}, **LOCALE}
    signed_up = await call(service, "POST", "/api/auth/signup", account)
    assert (signed_up.status, signed_up.body["confirmed"]) == (201, False)
    assert await mailbox.metadata(username) == LOCALE["metadata"]
    session = {"username": username, "session": signed_up.body["session"]}

    wrong = await call(service, "POST", CONFIRM, {**session, "code": "000000"})
    right = {**session, "code": await mailbox.code(username), **LOCALE}
    confirmed = await call(service, "POST", CONFIRM, right)
    again = await call(service, "POST", CONFIRM, right)

    assert (wrong.status, wrong.code) == (400, "code_mismatch")
    assert (confirmed.status, confirmed.body["confirmed"]) == (200, True)
    assert (again.status, again.code) == (400, "code_mismatch")

    tokens = Answer(200, confirmed.body["tokens"])
    me = await call(service, "GET", "/api/auth/me", headers=bearer(tokens))
    refreshed = await call(
        service, "POST", "/api/auth/refresh", {"refreshToken": tokens.body["refreshToken"]}
    )
    begun = await call(service, "POST", "/api/auth/login", {"username": username})
    assert (me.status, me.body["userId"]) == (200, signed_up.body["userId"])
    assert me.body["attributes"]["email_verified"] == "true"
    assert refreshed.status == 200
    assert begun.body["challenge"]["available"] == ["EMAIL_OTP"]
