"""
Sign-in with a remembered device, which takes the place of the second factor.

https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-device-tracking.html
"""

from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User

from local_aws.cognito import devices, tokens
from local_aws.cognito.errors import NotAuthorizedException, ResourceNotFoundException
from local_aws.cognito.records import Device, Expected, Session
from local_aws.cognito.settings import App
from local_aws.cognito.shapes import required
from local_aws.cognito.sign_in import challenge_sessions, srp_exchange
from local_aws.cognito.state import Call


def challenge(call: Call, app: App, user: User) -> dict[str, Any] | None:
    """
    Return DEVICE_SRP_AUTH where the call names a device that replaces the second factor, else None.

    Raises ResourceNotFoundException for a device that the user does not have, such as a forgotten one.
    """
    given = call.parameters.get("AuthParameters", call.parameters.get("ChallengeResponses", {}))
    if "DEVICE_KEY" not in given or not devices.replace_second_factors(app.pool):
        return None
    device = _device(call, user, given["DEVICE_KEY"])
    if not device.remembered or not device.verifier:  # an older file of saved state has no verifier
        return None
    name, shown = challenge_sessions.DEVICE_SRP, {"DEVICE_KEY": device.key}
    expected = Expected(device_key=device.key)
    return challenge_sessions.challenge(call.cognito, app, user, name, shown, expected=expected)


def begin(call: Call, app: App, session: Session, responses: dict[str, str]) -> dict[str, Any]:
    """Handle DEVICE_SRP_AUTH."""
    device = _expected(call, session, responses)
    exchange, shown = srp_exchange.begin(
        int(device.verifier, 16), srp_exchange.client_public(responses)
    )
    shown |= {"DEVICE_KEY": device.key, "SALT": device.salt, "USERNAME": session.user.username}
    name = challenge_sessions.DEVICE_VERIFIER
    expected = Expected(srp=exchange, device_key=device.key)
    return challenge_sessions.challenge(
        call.cognito, app, session.user, name, shown, expected=expected
    )


def verify(call: Call, app: App, session: Session, responses: dict[str, str]) -> dict[str, Any]:
    """Handle DEVICE_PASSWORD_VERIFIER."""
    device, exchange = _expected(call, session, responses), session.expected.srp
    assert exchange is not None  # noqa: S101 -- sessions of this challenge have one
    identity = devices.group_key(app.pool) + device.key
    if not srp_exchange.is_proved(exchange, int(device.verifier, 16), identity, responses):
        raise NotAuthorizedException
    return tokens.sign_in(call.cognito, app, session.user, device)


def _expected(call: Call, session: Session, responses: dict[str, str]) -> Device:
    """Return the device of a session, which the response names."""
    if required(responses, "DEVICE_KEY") != session.expected.device_key:
        raise NotAuthorizedException("Invalid device key given.")
    return _device(call, session.user, session.expected.device_key)


def _device(call: Call, user: User, key: str) -> Device:
    device = devices.confirmed(call.cognito.account(user)).get(key)
    if device is None:
        raise ResourceNotFoundException("Device does not exist.")
    return device
