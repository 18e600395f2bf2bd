"""Administrators' operations that moto lacks or implements differently from AWS."""

import secrets
from collections.abc import Callable
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool
from moto.cognitoidp.models import UserStatus
from moto.cognitoidp.utils import flatten_attrs

from local_aws.cognito import attributes as attribute_rules
from local_aws.cognito import codes, pool_factors, recovery, resource_servers, tokens
from local_aws.cognito.directory import find_app, find_pool, find_user
from local_aws.cognito.errors import (
    InvalidParameterException,
    NotAuthorizedException,
    UnsupportedUserStateException,
    UsernameExistsException,
    UserNotFoundException,
)
from local_aws.cognito.passwords import check_policy
from local_aws.cognito.settings import DAY_S, MINUTE_S, App, setting
from local_aws.cognito.state import Call
from local_aws.outbox import Delivery


def target(call: Call) -> tuple[Pool, User]:
    """Return the user of a call by user name; raises UserNotFoundException."""
    pool = find_pool(call.parameters["UserPoolId"])
    user = find_user(pool, call.parameters["Username"])
    if user is None:
        raise UserNotFoundException
    return pool, user


def normalize_username(call: Call) -> None:
    """Replace the user name in the call by its stored spelling, which moto looks up."""
    if call.operation != "AdminCreateUser" and {"UserPoolId", "Username"} <= call.parameters.keys():
        call.parameters["Username"] = target(call)[1].username


def admin_set_user_password(call: Call) -> dict[str, Any]:
    """Set a user's password."""
    pool, user = target(call)
    check_policy(pool, call.parameters["Password"])
    user.password = call.parameters["Password"]
    permanent = call.parameters.get("Permanent", False)
    user.status = UserStatus.CONFIRMED if permanent else UserStatus.FORCE_CHANGE_PASSWORD
    return {}


def admin_reset_user_password(call: Call) -> dict[str, Any]:
    """Invalidate the password and send a code for a new one."""
    pool, user = target(call)
    if user.status not in {UserStatus.CONFIRMED, UserStatus.RESET_REQUIRED}:
        raise NotAuthorizedException("User password cannot be reset in the current state.")
    recovery.send_reset(call, pool, user)
    user.status = UserStatus.RESET_REQUIRED
    return {}


def admin_user_global_sign_out(call: Call) -> dict[str, Any]:
    """Revoke all tokens of a user."""
    tokens.revoke_all(call.cognito, target(call)[1])
    return {}


def _check_confirmation(call: Call) -> None:
    _, user = target(call)
    if user.status is not UserStatus.UNCONFIRMED:
        raise NotAuthorizedException(
            f"User cannot be confirmed. Current status is {getattr(user.status, 'value', user.status)}"
        )


def _end_grants(call: Call) -> None:
    tokens.revoke_all(call.cognito, target(call)[1])


def _check_user(call: Call) -> None:
    """Check a new user, and send the temporary password."""
    parameters = call.parameters
    if parameters.get("MessageAction") == "RESEND":
        _invite_again(call)
        return
    pool = find_pool(parameters["UserPoolId"])
    username = parameters["Username"]
    given = flatten_attrs(parameters.get("UserAttributes", []))
    given |= attribute_rules.from_username(pool, username)
    attribute_rules.check_values(pool, given)
    if find_user(pool, username) is not None:
        raise UsernameExistsException("User account already exists")
    password = _temporary_password(call, pool)
    if parameters.get("MessageAction") != "SUPPRESS":
        _invite(call, pool, username, given, password)


def _temporary_password(call: Call, pool: Pool) -> str:
    """Return the password of the call, or else a new random one."""
    password = call.parameters.setdefault("TemporaryPassword", f"Aa1!{secrets.token_urlsafe(72)}")
    check_policy(pool, password)
    return str(password)


def _invite(
    call: Call, pool: Pool, username: str, attributes: dict[str, str], password: str
) -> None:
    attribute = next((name for name in codes.CONTACTS if name in attributes), None)
    to = attributes.get(attribute or "")
    call.cognito.deliver(
        Delivery(pool.id, username, codes.INVITATION, attribute, to, password, call.metadata)
    )


def _invite_again(call: Call) -> None:
    """Send a new temporary password to a user who never signed in; moto returns the user."""
    pool, user = target(call)
    if user.status is not UserStatus.FORCE_CHANGE_PASSWORD:
        raise UnsupportedUserStateException
    user.password = _temporary_password(call, pool)
    username = call.parameters["Username"]
    _invite(call, pool, username, user.attribute_lookup, user.password)
    call.parameters["Username"] = user.username


def _check_pool(call: Call) -> None:
    if call.parameters.get("UsernameAttributes") and call.parameters.get("AliasAttributes"):
        raise InvalidParameterException(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool."
        )
    pool_factors.check_new_pool(call)


def _check_domain(call: Call) -> None:
    pool = find_pool(call.parameters["UserPoolId"])
    if call.parameters["Domain"] in pool.backend.user_pool_domains:
        raise InvalidParameterException("Domain already associated with another user pool.")


def _check_deletion(call: Call) -> None:
    pool = find_pool(call.parameters["UserPoolId"])
    if setting(pool, "DeletionProtection", "INACTIVE") == "ACTIVE":
        raise InvalidParameterException(
            "The user pool cannot be deleted because deletion protection is activated. Deletion"
            " protection must be inactivated first."
        )
    if pool.domain is not None:
        raise InvalidParameterException(
            "User pool cannot be deleted. It has a domain configured that should be deleted first."
        )


class _DraftClient:
    """An app client that does not exist yet, for its settings."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.extended_config = settings


def _check_client(call: Call) -> None:
    pool = find_pool(call.parameters["UserPoolId"])
    draft = App(pool, _DraftClient(call.parameters))  # type: ignore[arg-type]  # -- only its settings are read
    for seconds in (draft.access_token_s, draft.id_token_s):
        if not 5 * MINUTE_S <= seconds <= DAY_S:
            raise InvalidParameterException("Invalid range for token validity.")
    if draft.rotation_grace_s is not None and "ALLOW_REFRESH_TOKEN_AUTH" in draft.flows:
        raise InvalidParameterException(
            "Refresh token rotation cannot be enabled with ALLOW_REFRESH_TOKEN_AUTH"
        )
    pool_factors.check_client(pool, draft.flows)
    has_secret = call.parameters.get("GenerateSecret", False)
    if call.operation == "UpdateUserPoolClient":
        has_secret = find_app(call.parameters["ClientId"]).client.generate_secret
    resource_servers.check_client(pool, call.parameters, has_secret=has_secret)


# Checks that run before moto executes the operation.
CHECKS: dict[str, Callable[[Call], None]] = {
    "AdminConfirmSignUp": _check_confirmation,
    "AdminCreateUser": _check_user,
    "AdminDeleteUser": _end_grants,
    "AdminDisableUser": _end_grants,
    "CreateUserPool": _check_pool,
    "CreateUserPoolClient": _check_client,
    "CreateUserPoolDomain": _check_domain,
    "DeleteUserPool": _check_deletion,
    "UpdateUserPool": pool_factors.check_changed_pool,
    "UpdateUserPoolClient": _check_client,
}
