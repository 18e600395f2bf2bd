"""Challenges that ask for a code that was sent, as the first or second factor."""

import secrets
from dataclasses import dataclass
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User

from local_aws.cognito import attributes as attribute_rules
from local_aws.cognito import codes
from local_aws.cognito.errors import CodeMismatchException
from local_aws.cognito.records import Expected, Session
from local_aws.cognito.settings import App
from local_aws.cognito.shapes import required
from local_aws.cognito.sign_in import challenge_sessions
from local_aws.cognito.state import Call
from local_aws.outbox import Delivery


@dataclass(frozen=True, slots=True)
class CodeChannel:
    """How a code is sent and returned."""

    attribute: str
    purpose: str
    response: str


CHANNELS = {
    challenge_sessions.EMAIL_OTP: CodeChannel("email", codes.SIGN_IN, "EMAIL_OTP_CODE"),
    challenge_sessions.SMS_OTP: CodeChannel("phone_number", codes.SIGN_IN, "SMS_OTP_CODE"),
    challenge_sessions.EMAIL_MFA: CodeChannel("email", codes.SECOND_FACTOR, "EMAIL_OTP_CODE"),
    challenge_sessions.SMS_MFA: CodeChannel("phone_number", codes.SECOND_FACTOR, "SMS_MFA_CODE"),
}


def challenge(call: Call, app: App, user: User, name: str) -> dict[str, Any]:
    """Send a code and return its challenge; disabled and simulated users get no code."""
    cognito, means = call.cognito, CHANNELS[name]
    address = user.attribute_lookup[means.attribute]
    code = codes.draw()
    if user.enabled and not cognito.account(user).simulated:
        reader = codes.login_name(cognito, app.pool, user)
        cognito.deliver(
            Delivery(
                app.pool.id, reader, means.purpose, means.attribute, address, code, call.metadata
            )
        )
    details = codes.delivery_details(means.attribute, address)
    parameters = {
        "CODE_DELIVERY_DELIVERY_MEDIUM": details["DeliveryMedium"],
        "CODE_DELIVERY_DESTINATION": details["Destination"],
    }
    expected = Expected(code, address)
    return challenge_sessions.challenge(cognito, app, user, name, parameters, expected=expected)


def check(app: App, session: Session, responses: dict[str, str]) -> None:
    """Check a code; the right one also verifies the address."""
    means, user = CHANNELS[session.challenge], session.user
    typed = required(responses, means.response)
    if not secrets.compare_digest(session.expected.secret.encode(), typed.encode()):
        raise CodeMismatchException("Invalid code or auth state for the user.")
    own, flag = user.attribute_lookup, f"{means.attribute}_verified"
    address = session.expected.address
    if own.get(means.attribute) == address and own.get(flag) != "true":
        attribute_rules.claim_alias(app.pool, user, means.attribute, address)
        user.update_attributes([{"Name": flag, "Value": "true"}])
