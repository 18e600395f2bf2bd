"""The operation RespondToAuthChallenge."""

from collections.abc import Callable
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import UserStatus

from local_aws.cognito import attributes as attribute_rules
from local_aws.cognito import devices
from local_aws.cognito.directory import check_secret_hash, find_user, own_app, same_name
from local_aws.cognito.errors import NotAuthorizedException, not_implemented
from local_aws.cognito.passwords import check_policy
from local_aws.cognito.records import Session
from local_aws.cognito.settings import App
from local_aws.cognito.shapes import required
from local_aws.cognito.sign_in import (
    challenge_sessions,
    choice,
    custom_challenge,
    device_sign_in,
    passkey_sign_in,
    password_sign_in,
    second_factors,
    simulation,
    srp_sign_in,
)
from local_aws.cognito.state import Call, Cognito

Handler = Callable[[Call, App, Session, dict[str, str]], dict[str, Any]]

_ATTRIBUTE_PREFIX = "userAttributes."


def respond_to_auth_challenge(call: Call) -> dict[str, Any]:
    """Check the response to a challenge; return the next challenge or tokens."""
    app = own_app(call.parameters)
    name = call.parameters["ChallengeName"]
    if name not in HANDLERS:
        raise not_implemented(name)
    responses = call.parameters.get("ChallengeResponses", {})
    username = required(responses, "USERNAME")
    check_secret_hash(app.client, username, responses.get("SECRET_HASH"))
    if name == challenge_sessions.PASSWORD_VERIFIER:
        token = srp_sign_in.session_token(call, responses)
    else:
        token = required(call.parameters, "Session")
    session = challenge_sessions.require(call, token, *HANDLERS[name])
    _check_owner(call.cognito, session, app, username)
    if session.challenge not in challenge_sessions.FIRST_FACTORS and not session.user.enabled:
        raise NotAuthorizedException("User is disabled.")
    result = HANDLERS[name][session.challenge](call, app, session, responses)
    issued = result.get("AuthenticationResult", {}).get("NewDeviceMetadata")
    if issued and not same_name(app.pool, username, session.user.username):
        devices.forbid_confirmation(call.cognito.account(session.user), issued["DeviceKey"])
    del call.cognito.sessions[token]  # only now: after a wrong response the session stays valid
    return result


def _check_owner(cognito: Cognito, session: Session, app: App, username: str) -> None:
    same_client = session.client_id == app.client.id
    found = simulation.find(cognito, app, username)
    if found is not session.user and _is_shown(cognito, session.user, username):
        found = session.user if find_user(app.pool, username) is None else None
    if not same_client or found is not session.user:
        raise NotAuthorizedException("Invalid session for the user.")


def _is_shown(cognito: Cognito, user: User, username: str) -> bool:
    """Return whether challenges show this name of a simulated user, by which nobody finds it."""
    return cognito.account(user).simulated and username == user.username


def _new_password(
    call: Call, app: App, session: Session, responses: dict[str, str]
) -> dict[str, Any]:
    user = session.user
    password = required(responses, "NEW_PASSWORD")
    check_policy(app.pool, password)
    given = {
        name.removeprefix(_ATTRIBUTE_PREFIX): value
        for name, value in responses.items()
        if name.startswith(_ATTRIBUTE_PREFIX)
    }
    attribute_rules.check_changed(app, given)
    attribute_rules.check_new(app, _settable(user) | given)
    user.update_attributes([{"Name": name, "Value": value} for name, value in given.items()])
    user.password = password
    user.status = UserStatus.CONFIRMED
    return password_sign_in.proceed(call, app, user)


def _settable(user: User) -> dict[str, str]:
    own = user.attribute_lookup.items()
    return {name: value for name, value in own if name not in attribute_rules.PROTECTED}


# Challenge name -> challenge of the session -> handler.
HANDLERS: dict[str, dict[str, Handler]] = {
    "SELECT_CHALLENGE": {challenge_sessions.SELECT_CHALLENGE: choice.select},
    "PASSWORD": {challenge_sessions.PASSWORD: choice.password},
    "PASSWORD_SRP": {challenge_sessions.PASSWORD_SRP: choice.password_srp},
    "PASSWORD_VERIFIER": {challenge_sessions.PASSWORD_VERIFIER: srp_sign_in.verify},
    "EMAIL_OTP": {
        challenge_sessions.EMAIL_OTP: choice.code,
        challenge_sessions.EMAIL_MFA: second_factors.code,
    },
    "SMS_OTP": {challenge_sessions.SMS_OTP: choice.code},
    "WEB_AUTHN": {challenge_sessions.WEB_AUTHN: passkey_sign_in.answer},
    "CUSTOM_CHALLENGE": {challenge_sessions.CUSTOM: custom_challenge.answer},
    "DEVICE_SRP_AUTH": {challenge_sessions.DEVICE_SRP: device_sign_in.begin},
    "DEVICE_PASSWORD_VERIFIER": {challenge_sessions.DEVICE_VERIFIER: device_sign_in.verify},
    "NEW_PASSWORD_REQUIRED": {challenge_sessions.NEW_PASSWORD: _new_password},
    "SELECT_MFA_TYPE": {challenge_sessions.SELECT_MFA_TYPE: second_factors.select},
    "SMS_MFA": {challenge_sessions.SMS_MFA: second_factors.code},
    "SOFTWARE_TOKEN_MFA": {challenge_sessions.TOTP: second_factors.software_token},
    "MFA_SETUP": {challenge_sessions.MFA_SET_UP: second_factors.set_up},
}
