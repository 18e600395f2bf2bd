"""Forgotten, reset and changed passwords."""

from typing import Any

from moto.cognitoidp.models import LEGACY_ACCOUNT_RECOVERY_MECHANISMS, UserStatus
from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito import codes
from local_aws.cognito.directory import EXTERNAL_PROVIDER, app_of, find_user, require_user
from local_aws.cognito.errors import (
    CodeMismatchException,
    InvalidParameterException,
    NotAuthorizedException,
)
from local_aws.cognito.passwords import check_policy
from local_aws.cognito.settings import setting
from local_aws.cognito.sign_in.password_sign_in import check_password
from local_aws.cognito.state import Call
from local_aws.cognito.tokens import bearer, revoke_all

NO_CONTACT = (
    "Cannot reset password for the user as there is no registered/verified email or phone_number"
)


def forgot_password(call: Call) -> dict[str, Any]:
    """Send a code to reset the password."""
    username = call.parameters["Username"]
    app = app_of(call.parameters, username)
    user = find_user(app.pool, username)
    attribute = user and _contact(app.pool, user)
    if app.hides_users and (user is None or not user.enabled or attribute is None):
        return {"CodeDeliveryDetails": codes.simulated_details(username)}
    user = require_user(app, username, CodeMismatchException())
    if not user.enabled:
        raise NotAuthorizedException("User is disabled.")
    if user.status in {UserStatus.FORCE_CHANGE_PASSWORD, EXTERNAL_PROVIDER}:
        raise NotAuthorizedException("User password cannot be reset in the current state.")
    codes.count(call, user)
    return {"CodeDeliveryDetails": send_reset(call, app.pool, user)}


def send_reset(call: Call, pool: Pool, user: User) -> dict[str, str]:
    """Send the code to the user's verified address that the pool prefers."""
    attribute = _contact(pool, user)
    if attribute is None:
        raise InvalidParameterException(NO_CONTACT)
    codes.send(call, pool, user, codes.PASSWORD_RESET, attribute)
    return codes.delivery_details(attribute, user.attribute_lookup[attribute])


def _contact(pool: Pool, user: User) -> str | None:
    ways = setting(pool, "AccountRecoverySetting", {}).get("RecoveryMechanisms")
    for way in sorted(ways or LEGACY_ACCOUNT_RECOVERY_MECHANISMS, key=lambda way: way["Priority"]):
        if way["Name"] == "admin_only":
            raise NotAuthorizedException("Contact administrator to reset password.")
        attribute = str(way["Name"]).removeprefix("verified_")
        own = user.attribute_lookup
        if attribute in own and own.get(f"{attribute}_verified") == "true":
            return attribute
    return None


def confirm_forgot_password(call: Call) -> dict[str, Any]:
    """Set a new password with the code, and revoke all tokens."""
    parameters = call.parameters
    app = app_of(parameters, parameters["Username"])
    # https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-managing-errors.html
    user = require_user(app, parameters["Username"], CodeMismatchException())
    codes.count(call, user)
    codes.check(call, user, codes.PASSWORD_RESET, parameters["ConfirmationCode"])
    check_policy(app.pool, parameters["Password"])
    codes.void(call, user, codes.PASSWORD_RESET)
    account = call.cognito.account(user)
    account.failed_sign_ins, account.locked_until = 0, 0.0
    user.password = parameters["Password"]
    user.status = UserStatus.CONFIRMED
    revoke_all(call.cognito, user)
    return {}


def change_password(call: Call) -> dict[str, Any]:
    """Change the password of a user who knows it; the tokens stay valid."""
    grant = bearer(call)
    codes.count(call, grant.user)
    if grant.user.password is not None:  # None: the user signed up without one
        check_password(call, grant.user, call.parameters.get("PreviousPassword", ""))
        call.cognito.account(grant.user).failed_sign_ins = 0
    check_policy(grant.pool, call.parameters["ProposedPassword"])
    grant.user.password = call.parameters["ProposedPassword"]
    return {}
