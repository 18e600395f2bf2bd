"""Answer challenges."""

from collections.abc import Callable
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import UserStatus

from local_aws.cognito import attributes as attribute_rules
from local_aws.cognito import (
    choice,
    custom,
    passkey_sign_in,
    password_sign_in,
    second_factors,
    sessions,
    simulation,
)
from local_aws.cognito.directory import check_secret_hash, find_app
from local_aws.cognito.passwords import check_policy
from local_aws.cognito.refusals import NotAuthorizedException, not_implemented
from local_aws.cognito.settings import App
from local_aws.cognito.shapes import required
from local_aws.cognito.state import Call, Cognito, Session

Answer = Callable[[Call, App, Session, dict[str, str]], dict[str, Any]]

_ATTRIBUTE_PREFIX = "userAttributes."


def respond_to_auth_challenge(call: Call) -> dict[str, Any]:
    """Check the answer to a challenge, and give the next one or tokens."""
    app = find_app(call.parameters["ClientId"])
    name = call.parameters["ChallengeName"]
    if name not in ANSWERS:
        raise not_implemented(name)
    responses = call.parameters.get("ChallengeResponses", {})
    username = required(responses, "USERNAME")
    check_secret_hash(app.client, username, responses.get("SECRET_HASH"))
    token = required(call.parameters, "Session")
    session = sessions.require(call, token, *ANSWERS[name])
    _check_owner(call.cognito, session, app, username)
    if session.challenge not in sessions.FIRST_FACTORS and not session.user.enabled:
        raise NotAuthorizedException("User is disabled.")
    result = ANSWERS[name][session.challenge](call, app, session, responses)
    del call.cognito.sessions[token]  # after the answer: a wrong one may be tried again
    return result


def _check_owner(cognito: Cognito, session: Session, app: App, username: str) -> None:
    same_client = session.client_id == app.client.id
    if not same_client or simulation.find(cognito, app, username) is not session.user:
        raise NotAuthorizedException("Invalid session for the user.")


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


# Each challenge with the sessions that it takes, and what answers it in each.
ANSWERS: dict[str, dict[str, Answer]] = {
    "SELECT_CHALLENGE": {sessions.SELECT_CHALLENGE: choice.select},
    "PASSWORD": {sessions.PASSWORD: choice.password},
    "EMAIL_OTP": {sessions.EMAIL_OTP: choice.code, sessions.EMAIL_MFA: second_factors.code},
    "SMS_OTP": {sessions.SMS_OTP: choice.code},
    "WEB_AUTHN": {sessions.WEB_AUTHN: passkey_sign_in.answer},
    "CUSTOM_CHALLENGE": {sessions.CUSTOM: custom.answer},
    "NEW_PASSWORD_REQUIRED": {sessions.NEW_PASSWORD: _new_password},
    "SELECT_MFA_TYPE": {sessions.SELECT_MFA_TYPE: second_factors.select},
    "SMS_MFA": {sessions.SMS_MFA: second_factors.code},
    "SOFTWARE_TOKEN_MFA": {sessions.TOTP: second_factors.software_token},
    "MFA_SETUP": {sessions.MFA_SET_UP: second_factors.set_up},
}
