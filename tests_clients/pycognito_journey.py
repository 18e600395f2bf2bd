"""
A program that was written with pycognito; its argument is a JSON object with the ids of pool and client.

It runs in the environment of `clients/requirements.lock`, without this project.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.request

from pycognito import Cognito
from pycognito.exceptions import (
    SoftwareTokenMFAChallengeException,
    TokenVerificationException,
)

URL = os.environ["AWS_ENDPOINT_URL"]
PASSWORD, NEW_PASSWORD = "YourPass123!", "OtherPass123!"
USERNAME = "alice"


def code() -> str:
    """Return the code that was sent to the user."""
    with urllib.request.urlopen(f"{URL}/local-aws/codes/{USERNAME}") as answer:  # noqa: S310 -- loopback
        return str(answer.read().decode().strip())


def totp(secret: str, steps: int = 0) -> str:
    """Return the code of an authenticator app (RFC 6238), *steps* of 30 s from now."""
    counter = int(time.time() // 30) + steps  # noqa: TID251 -- the local AWS reads this clock
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, counter.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def main(pool_id: str, client_id: str) -> None:
    """Sign up, sign in by SRP, verify the tokens, refresh them, and sign in with a second factor."""
    user = Cognito(pool_id, client_id, username=USERNAME, boto3_client_kwargs={"endpoint_url": URL})
    user.set_base_attributes(email="alice@example.com")
    user.register(USERNAME, PASSWORD)
    user.confirm_sign_up(code())

    user.authenticate(password=PASSWORD)
    user.verify_tokens()
    first = user.access_token
    user.renew_access_token()
    assert user.access_token != first
    assert user.get_user().email_verified is True
    try:
        user.verify_token(first[:-4] + "AAAA", "access_token", "access")
    except TokenVerificationException:
        pass
    else:
        raise AssertionError("a token with another signature was accepted")

    secret = user.associate_software_token()
    assert user.verify_software_token(totp(secret, -1), "phone")
    user.set_user_mfa_preference(sms_mfa=False, software_token_mfa=True, preferred="SOFTWARE_TOKEN")
    try:
        user.authenticate(password=PASSWORD)
    except SoftwareTokenMFAChallengeException:
        user.respond_to_software_token_mfa_challenge(totp(secret))
    else:
        raise AssertionError("no second factor was asked for")
    user.verify_tokens()
    user.change_password(PASSWORD, NEW_PASSWORD)
    user.initiate_forgot_password()
    user.confirm_forgot_password(code(), PASSWORD)
    print("done")  # noqa: T201 -- for the test


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
