"""Codes that are sent to users, and their verification."""

import re
import secrets

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito.errors import (
    CodeMismatchException,
    ExpiredCodeException,
    LimitExceededException,
)
from local_aws.cognito.records import Code
from local_aws.cognito.settings import DAY_S, HOUR_S, auto_verified, username_attributes
from local_aws.cognito.state import Call, Cognito
from local_aws.outbox import Delivery

CONFIRMATION = "confirmation"
PASSWORD_RESET = "password reset"  # noqa: S105 -- the purpose of a code, no password
VERIFICATION = "attribute verification"
INVITATION = "invitation"
SIGN_IN = "sign-in"
SECOND_FACTOR = "multi-factor authentication"
CUSTOM = "custom challenge"

# https://docs.aws.amazon.com/cognito/latest/developerguide/limits.html
LIFE_S = {CONFIRMATION: DAY_S, PASSWORD_RESET: HOUR_S, VERIFICATION: DAY_S}
CALLS_PER_HOUR = {
    "ChangePassword": 5,
    "ConfirmForgotPassword": 20,  # 5 to 20 on AWS, by risk
    "ConfirmSignUp": 15,
    "ForgotPassword": 20,  # 5 to 20 on AWS, by risk
    "GetUserAttributeVerificationCode": 5,
    "ResendConfirmationCode": 5,
    "VerifyUserAttribute": 15,
}

CONTACTS = {"phone_number": "SMS", "email": "EMAIL"}  # by preference, as on AWS
TRIVIAL = re.compile(r"(\d)\1{5}|012345|123456|234567|345678|456789|987654|876543|765432|654321")


def count(call: Call, user: User) -> None:
    """Count this call of the user; raises LimitExceededException beyond the operation's hourly limit."""
    attempts = call.cognito.account(user).attempts
    recent = [at for at in attempts.get(call.operation, []) if call.now - at < HOUR_S]
    if len(recent) >= CALLS_PER_HOUR[call.operation]:
        raise LimitExceededException
    attempts[call.operation] = [*recent, call.now]


def send(  # noqa: PLR0913 -- the parts of a message
    call: Call,
    pool: Pool,
    user: User,
    purpose: str,
    attribute: str | None,
    *,
    address: str | None = None,
) -> None:
    """
    Send a new code, which replaces the previous one.

    *address* is the value to verify; by default, the code goes to the user's own address.
    """
    cognito = call.cognito
    codes = cognito.account(user).codes
    key = (purpose, attribute if purpose == VERIFICATION else None)
    former = codes[key].value if key in codes else ""
    to = address or user.attribute_lookup.get(attribute or "")
    code = Code(draw(former), cognito.now() + LIFE_S[purpose], to or "")
    codes[key] = code
    name = login_name(cognito, pool, user)
    cognito.deliver(Delivery(pool.id, name, purpose, attribute, to, code.value, call.metadata))


def login_name(cognito: Cognito, pool: Pool, user: User) -> str:
    """Return the name as entered at sign-up, or for an invited user one to sign in with."""
    own = user.attribute_lookup
    invited = (own[name] for name in username_attributes(pool) if name in own)
    return cognito.account(user).typed_name or next(invited, user.username)


def draw(former: str = "") -> str:
    """Return a random code that is neither *former* nor easily guessed."""
    while True:
        code = f"{secrets.randbelow(1_000_000):06}"
        if code != former and not TRIVIAL.fullmatch(code):
            return code


def check(
    call: Call, user: User, purpose: str, typed: str, *, attribute: str | None = None
) -> Code:
    """Return the code that was entered; raises ExpiredCodeException or CodeMismatchException."""
    code = call.cognito.account(user).codes.get((purpose, attribute))
    if code is None or code.expires_at <= call.now:
        raise ExpiredCodeException
    if not secrets.compare_digest(code.value.encode(), typed.encode()):
        raise CodeMismatchException
    return code


def void(call: Call, user: User, purpose: str, attribute: str | None = None) -> None:
    """Invalidate a code."""
    call.cognito.account(user).codes.pop((purpose, attribute), None)


def contact(pool: Pool, user: User) -> str | None:
    """Return the attribute to which Cognito sends confirmation codes by itself, or None."""
    own = user.attribute_lookup
    return next((name for name in CONTACTS if name in own and name in auto_verified(pool)), None)


def delivery_details(attribute: str, destination: str) -> dict[str, str]:
    """Return the API's description of a delivery, with a masked destination."""
    if attribute == "phone_number":
        masked = f"+{'*' * 7}{destination[-4:]}"
    else:
        local, _, domain = destination.partition("@")
        masked = f"{local[:1]}***@{domain[:1]}***"
    return {
        "Destination": masked,
        "DeliveryMedium": CONTACTS[attribute],
        "AttributeName": attribute,
    }


def simulated_details(username: str) -> dict[str, str]:
    """Return the description of a delivery that does not happen; always the same for a name."""
    return delivery_details("email", username if "@" in username else f"{username}@example.com")
