"""Password checks, and the steps of a sign-in after the first factor."""

import json
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import UserStatus

from local_aws.cognito import attributes as attribute_rules
from local_aws.cognito import tokens
from local_aws.cognito.errors import (
    NotAuthorizedException,
    PasswordResetRequiredException,
    UserNotConfirmedException,
)
from local_aws.cognito.settings import App
from local_aws.cognito.sign_in import (
    challenge_sessions,
    device_sign_in,
    lockout,
    second_factors,
)
from local_aws.cognito.state import Call


def sign_in(call: Call, app: App, user: User, password: str) -> dict[str, Any]:
    """Check the password, and continue the sign-in."""
    if user.status is UserStatus.RESET_REQUIRED:
        raise PasswordResetRequiredException
    check_password(call, user, password)
    return after_first_factor(call, app, user)


def check_password(call: Call, user: User, password: str) -> None:
    """Raise NotAuthorizedException for a wrong password, and for any while the user is locked."""
    lockout.check(call, user)
    if user.password != password:
        lockout.count_failure(call, user)
        raise NotAuthorizedException


def after_first_factor(
    call: Call, app: App, user: User, *, both_factors: bool = False
) -> dict[str, Any]:
    """
    Return the next challenge or tokens for a user whose first factor was right.

    With *both_factors* it was the second one too.
    """
    if not user.enabled:
        raise NotAuthorizedException("User is disabled.")
    if user.status is UserStatus.RESET_REQUIRED:
        raise PasswordResetRequiredException
    if user.status is UserStatus.UNCONFIRMED:
        raise UserNotConfirmedException
    if user.status is UserStatus.FORCE_CHANGE_PASSWORD:
        return _new_password(call, app, user)
    if both_factors:
        return tokens.sign_in(call.cognito, app, user)
    return proceed(call, app, user)


def _new_password(call: Call, app: App, user: User) -> dict[str, Any]:
    lacking = [
        f"userAttributes.{name}"
        for name, attribute in attribute_rules.schema(app.pool).items()
        if attribute.required and name not in user.attribute_lookup
    ]
    parameters = {
        "requiredAttributes": json.dumps(lacking),
        "userAttributes": json.dumps(tokens.readable_attributes(app, user)),
    }
    return challenge_sessions.challenge(
        call.cognito, app, user, challenge_sessions.NEW_PASSWORD, parameters
    )


def proceed(call: Call, app: App, user: User) -> dict[str, Any]:
    """Return the challenge of a device or else of the second factor; tokens where none is needed."""
    return (
        device_sign_in.challenge(call, app, user)
        or second_factors.challenge(call, app, user)
        or tokens.sign_in(call.cognito, app, user)
    )
