"""Custom challenges, which a pool defines with Lambda functions."""

import secrets
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import UserStatus

from local_aws.cognito import codes, tokens
from local_aws.cognito.directory import check_secret_hash, require_user
from local_aws.cognito.errors import (
    InvalidParameterException,
    NotAuthorizedException,
    UserNotConfirmedException,
    not_implemented,
)
from local_aws.cognito.records import Expected, Session
from local_aws.cognito.settings import App, setting
from local_aws.cognito.shapes import required
from local_aws.cognito.sign_in import challenge_sessions
from local_aws.cognito.state import Call
from local_aws.outbox import Delivery

TRIES = 3  # as in AWS's example of DefineAuthChallenge


def begin(call: Call, app: App, parameters: dict[str, str]) -> dict[str, Any]:
    """
    Handle InitiateAuth with CUSTOM_AUTH.

    No function is invoked: the challenge is a code that is sent, as in AWS's own examples.
    """
    if "SRP_A" in parameters:
        raise not_implemented("CUSTOM_AUTH that begins with SRP")
    username = required(parameters, "USERNAME")
    check_secret_hash(app.client, username, parameters.get("SECRET_HASH"))
    if not setting(app.pool, "LambdaConfig", {}).get("DefineAuthChallenge"):
        raise InvalidParameterException(
            "Custom auth lambda trigger is not configured for the user pool."
        )
    user = require_user(app, username, NotAuthorizedException())
    if not user.enabled:
        raise NotAuthorizedException("User is disabled.")
    if user.status is UserStatus.UNCONFIRMED:
        raise UserNotConfirmedException
    code = codes.draw()
    attribute = codes.contact(app.pool, user)
    address = user.attribute_lookup.get(attribute or "")
    name = codes.login_name(call.cognito, app.pool, user)
    call.cognito.deliver(
        Delivery(app.pool.id, name, codes.CUSTOM, attribute, address, code, call.metadata)
    )
    return _ask(call, app, user, Expected(code))


def _ask(call: Call, app: App, user: User, expected: Expected) -> dict[str, Any]:
    parameters = {"USERNAME": user.username}
    return challenge_sessions.challenge(
        call.cognito, app, user, challenge_sessions.CUSTOM, parameters, expected=expected
    )


def answer(call: Call, app: App, session: Session, responses: dict[str, str]) -> dict[str, Any]:
    """Handle CUSTOM_CHALLENGE; after the first two wrong responses the challenge is repeated."""
    typed, expected = required(responses, "ANSWER"), session.expected
    if secrets.compare_digest(expected.secret.encode(), typed.encode()):
        if not session.user.enabled:
            raise NotAuthorizedException("User is disabled.")
        return tokens.sign_in(call.cognito, app, session.user)
    wrong_answers = expected.wrong_answers + 1
    if wrong_answers == TRIES:
        del call.cognito.sessions[call.parameters["Session"]]
        raise NotAuthorizedException
    again = Expected(expected.secret, wrong_answers=wrong_answers)
    return _ask(call, app, session.user, again)
