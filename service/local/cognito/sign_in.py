"""Sign in with a password or with a refresh token."""

import json
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import UserStatus

from service.local.cognito import attributes as attribute_rules
from service.local.cognito import sessions, tokens
from service.local.cognito.directory import check_secret_hash, find_app, require_user
from service.local.cognito.refusals import (
    InvalidParameterException,
    NotAuthorizedException,
    PasswordResetRequiredException,
    ResourceNotFoundException,
    UserNotConfirmedException,
    not_implemented,
)
from service.local.cognito.settings import App
from service.local.cognito.state import Call

# Each flow with the entries of ExplicitAuthFlows that allow it; those without ALLOW_ are older.
PUBLIC_FLOWS = {
    "USER_PASSWORD_AUTH": ("ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"),
    "USER_SRP_AUTH": ("ALLOW_USER_SRP_AUTH",),
    "USER_AUTH": ("ALLOW_USER_AUTH",),
    "CUSTOM_AUTH": ("ALLOW_CUSTOM_AUTH", "CUSTOM_AUTH_FLOW_ONLY"),
    "REFRESH_TOKEN_AUTH": ("ALLOW_REFRESH_TOKEN_AUTH",),
    "REFRESH_TOKEN": ("ALLOW_REFRESH_TOKEN_AUTH",),
}
ADMIN_FLOWS = PUBLIC_FLOWS | {
    "ADMIN_USER_PASSWORD_AUTH": ("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"),
    "ADMIN_NO_SRP_AUTH": ("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"),
}
PASSWORD_FLOWS = ("USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH")

# "Lockout behavior" in
# https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html
FREE_FAILURES = 5
LONGEST_LOCK_S = 900


def initiate_auth(call: Call) -> dict[str, Any]:
    """Begin a sign-in as a user."""
    return _begin(call, find_app(call.parameters["ClientId"]), PUBLIC_FLOWS)


def admin_initiate_auth(call: Call) -> dict[str, Any]:
    """Begin a sign-in as an administrator."""
    app = find_app(call.parameters["ClientId"])
    if app.pool.id != call.parameters["UserPoolId"]:
        raise ResourceNotFoundException(f"User pool client {app.client.id} does not exist.")
    return _begin(call, app, ADMIN_FLOWS)


def _begin(call: Call, app: App, flows: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    flow = call.parameters["AuthFlow"]
    if flow not in flows:
        raise InvalidParameterException("Initiate Auth method not supported")
    _check_flow(app, flow, flows[flow])
    parameters = call.parameters.get("AuthParameters", {})
    if flow in PASSWORD_FLOWS:
        return _with_password(call, app, parameters)
    if flow.startswith("REFRESH_TOKEN"):
        token = required(parameters, "REFRESH_TOKEN")
        return tokens.refresh(call, app, token, parameters.get("SECRET_HASH"))
    raise not_implemented(flow)


def _check_flow(app: App, flow: str, permits: tuple[str, ...]) -> None:
    refreshes = flow.startswith("REFRESH_TOKEN")
    # A client with the older entries may always refresh, one that rotates never in this way.
    older = all(not entry.startswith("ALLOW_") for entry in app.flows)
    allowed = any(entry in app.flows for entry in permits) or (refreshes and older)
    if not allowed or (refreshes and app.rotation_grace_s is not None):
        raise InvalidParameterException(f"{flow} flow not enabled for this client")


def required(parameters: dict[str, str], name: str) -> str:
    """Give a parameter that must be there."""
    if not parameters.get(name):
        raise InvalidParameterException(f"Missing required parameter {name}")
    return parameters[name]


def _with_password(call: Call, app: App, parameters: dict[str, str]) -> dict[str, Any]:
    username = required(parameters, "USERNAME")
    password = required(parameters, "PASSWORD")
    check_secret_hash(app.client, username, parameters.get("SECRET_HASH"))
    user = require_user(app, username, NotAuthorizedException())
    if user.status is UserStatus.RESET_REQUIRED:
        raise PasswordResetRequiredException
    check_password(call, user, password)
    if user.status is UserStatus.UNCONFIRMED:
        raise UserNotConfirmedException
    return proceed(call, app, user)


def check_password(call: Call, user: User, password: str) -> None:
    """Refuse a wrong password, and any password while the user is locked out."""
    account = call.cognito.account(user)
    if call.now < account.locked_until:
        raise NotAuthorizedException("Password attempts exceeded")
    if call.now - account.last_sign_in_at >= LONGEST_LOCK_S:
        account.failed_sign_ins = 0
    account.last_sign_in_at = call.now
    if user.password != password:
        account.failed_sign_ins += 1
        beyond = account.failed_sign_ins - FREE_FAILURES
        if beyond >= 0:
            account.locked_until = call.now + min(2**beyond, LONGEST_LOCK_S)
        raise NotAuthorizedException
    account.failed_sign_ins = 0
    if not user.enabled:
        raise NotAuthorizedException("User is disabled.")


def proceed(call: Call, app: App, user: User) -> dict[str, Any]:
    """Give the next challenge for a user whose password was right, or tokens."""
    cognito, pool = call.cognito, app.pool
    if user.status is UserStatus.FORCE_CHANGE_PASSWORD:
        lacking = [
            f"userAttributes.{name}"
            for name, attribute in attribute_rules.schema(pool).items()
            if attribute.required and name not in user.attribute_lookup
        ]
        parameters = {
            "requiredAttributes": json.dumps(lacking),
            "userAttributes": json.dumps(tokens.readable_attributes(app, user)),
        }
        return sessions.challenge(cognito, app, user, sessions.NEW_PASSWORD, parameters)
    if pool.mfa_config != "OFF" and user.software_token_mfa_enabled:
        return sessions.challenge(cognito, app, user, sessions.TOTP)
    if pool.mfa_config == "ON":
        parameters = {"MFAS_CAN_SETUP": json.dumps(["SOFTWARE_TOKEN_MFA"])}
        return sessions.challenge(cognito, app, user, sessions.MFA_SETUP, parameters)
    return tokens.sign_in(cognito, app, user)
