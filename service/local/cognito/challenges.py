"""Answer challenges."""

from collections.abc import Callable
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import UserStatus

from service.local.cognito import attributes as attribute_rules
from service.local.cognito import sessions, tokens, totp
from service.local.cognito.directory import check_secret_hash, find_app, find_user
from service.local.cognito.passwords import check_policy
from service.local.cognito.refusals import (
    CodeMismatchException,
    ExpiredCodeException,
    NotAuthorizedException,
    not_implemented,
)
from service.local.cognito.settings import App
from service.local.cognito.sign_in import proceed, required
from service.local.cognito.state import Call, Session

Answer = Callable[[Call, App, User, dict[str, str]], dict[str, Any]]

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
    answer, session_name = ANSWERS[name]
    session = sessions.require(call, token, session_name)
    _check_owner(session, app, username)
    if not session.user.enabled:
        raise NotAuthorizedException("User is disabled.")
    result = answer(call, app, session.user, responses)
    del call.cognito.sessions[token]  # after the answer: a wrong one may be tried again
    return result


def _check_owner(session: Session, app: App, username: str) -> None:
    if session.client_id != app.client.id or find_user(app.pool, username) is not session.user:
        raise NotAuthorizedException("Invalid session for the user.")


def _new_password(call: Call, app: App, user: User, responses: dict[str, str]) -> dict[str, Any]:
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
    return proceed(call, app, user)


def _settable(user: User) -> dict[str, str]:
    own = user.attribute_lookup.items()
    return {name: value for name, value in own if name not in attribute_rules.PROTECTED}


def _totp(call: Call, app: App, user: User, responses: dict[str, str]) -> dict[str, Any]:
    code = required(responses, "SOFTWARE_TOKEN_MFA_CODE")
    account = call.cognito.account(user)
    step = totp.matching_step(account.totp_secret or "", code, call.now)
    if step is None:
        raise CodeMismatchException("Invalid code received for user")
    if not totp.spend(account, step):
        raise ExpiredCodeException("Your software token has already been used once.")
    return tokens.sign_in(call.cognito, app, user)


def _mfa_set_up(call: Call, app: App, user: User, _responses: dict[str, str]) -> dict[str, Any]:
    return tokens.sign_in(call.cognito, app, user)


# Each challenge with what answers it and the session that it takes.
ANSWERS: dict[str, tuple[Answer, str]] = {
    "NEW_PASSWORD_REQUIRED": (_new_password, sessions.NEW_PASSWORD),
    "SOFTWARE_TOKEN_MFA": (_totp, sessions.TOTP),
    "MFA_SETUP": (_mfa_set_up, sessions.MFA_SET_UP),
}
