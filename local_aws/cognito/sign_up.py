"""Sign-up and its confirmation."""

from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import UserStatus
from moto.cognitoidp.utils import expand_attrs, flatten_attrs

from local_aws.cognito import attributes as attribute_rules
from local_aws.cognito import codes
from local_aws.cognito.directory import app_of, find_user, require_user
from local_aws.cognito.errors import (
    AliasExistsException,
    ExpiredCodeException,
    InvalidParameterException,
    NotAuthorizedException,
    UsernameExistsException,
)
from local_aws.cognito.passwords import check_policy
from local_aws.cognito.settings import App, auto_verified, setting
from local_aws.cognito.sign_in import challenge_sessions, first_factors
from local_aws.cognito.state import Call


def sign_up(call: Call) -> dict[str, Any]:
    """Create an unconfirmed user and send the confirmation code."""
    parameters = call.parameters
    username = parameters["Username"]
    app = app_of(parameters, username)
    pool = app.pool
    if setting(pool, "AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly"):
        raise NotAuthorizedException("SignUp is not permitted for this user pool")
    attributes = flatten_attrs(parameters.get("UserAttributes", []))
    given = {name: value for name, value in attributes.items() if value}
    if "Password" in parameters:
        check_policy(pool, parameters["Password"])
    named = attribute_rules.from_username(pool, username)
    if "Password" not in parameters and not _signs_in_by_code(app, given | named):
        raise InvalidParameterException("Password is required for this user pool")
    attribute_rules.check_new(app, given | named)
    if find_user(pool, username) is not None:
        raise UsernameExistsException(AliasExistsException.default_message if named else None)
    user = User(
        user_pool_id=pool.id,
        username=None if named else username,  # None: moto takes the sub
        password=parameters.get("Password"),
        status=UserStatus.UNCONFIRMED,
        attributes=expand_attrs(given | named),
    )
    pool.users[user.username] = user
    call.cognito.account(user).typed_name = username
    return {
        "UserConfirmed": False,
        "UserSub": user.id,
        **_session(call, app, user, challenge_sessions.SIGNED_UP),
        **_send(call, app, user),
    }


def _signs_in_by_code(app: App, attributes: dict[str, str]) -> bool:
    """
    Return whether a user with these attributes can sign in by a one-time code.

    https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html
    """
    return "ALLOW_USER_AUTH" in app.flows and any(
        attribute in attributes and attribute in auto_verified(app.pool)
        for name, attribute in first_factors.CODES.items()
        if name in first_factors.allowed(app.pool)
    )


def _session(call: Call, app: App, user: User, name: str) -> dict[str, str]:
    """Return a session that continues with USER_AUTH, if the client may use it."""
    if "ALLOW_USER_AUTH" not in app.flows:
        return {}
    return {"Session": challenge_sessions.issue(call.cognito, app, user, name)}


def _send(call: Call, app: App, user: User) -> dict[str, Any]:
    """
    Send a confirmation code.

    On AWS, a pool without automatic verification sends none, and an administrator confirms. Here the
    code is announced on the console all the same, without delivery details.
    """
    attribute = codes.contact(app.pool, user)
    codes.send(call, app.pool, user, codes.CONFIRMATION, attribute)
    if attribute is None:
        return {}
    details = codes.delivery_details(attribute, user.attribute_lookup[attribute])
    return {"CodeDeliveryDetails": details}


def confirm_sign_up(call: Call) -> dict[str, Any]:
    """Confirm the user with the code."""
    parameters = call.parameters
    app = app_of(parameters, parameters["Username"])
    user = require_user(app, parameters["Username"], ExpiredCodeException())
    if user.status is not UserStatus.UNCONFIRMED:
        raise NotAuthorizedException(
            f"User cannot be confirmed. Current status is {UserStatus(user.status).value}"
        )
    if "Session" in parameters:
        challenge_sessions.require_own(call, app, user, challenge_sessions.SIGNED_UP)
    codes.count(call, user)
    codes.check(call, user, codes.CONFIRMATION, parameters["ConfirmationCode"])
    attribute = codes.contact(app.pool, user)
    if attribute is not None:
        force = parameters.get("ForceAliasCreation", False)
        value = user.attribute_lookup[attribute]
        attribute_rules.claim_alias(app.pool, user, attribute, value, force=force)
        user.update_attributes([{"Name": f"{attribute}_verified", "Value": "true"}])
    codes.void(call, user, codes.CONFIRMATION)
    user.status = UserStatus.CONFIRMED
    if "Session" not in parameters:
        return {}
    del call.cognito.sessions[parameters["Session"]]
    return _session(call, app, user, challenge_sessions.CONFIRMED)


def resend_confirmation_code(call: Call) -> dict[str, Any]:
    """Send another confirmation code."""
    username = call.parameters["Username"]
    app = app_of(call.parameters, username)
    if app.hides_users and find_user(app.pool, username) is None:
        return {"CodeDeliveryDetails": codes.simulated_details(username)}
    user = require_user(app, username, ExpiredCodeException())
    if user.status is not UserStatus.UNCONFIRMED:
        raise InvalidParameterException("User is already confirmed.")
    codes.count(call, user)
    return _send(call, app, user)
