"""Operations of the signed-in user on their own account, and of administrators on its attributes."""

from collections.abc import Sequence
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool
from moto.cognitoidp.utils import expand_attrs, flatten_attrs

from local_aws.cognito import admin, codes, mfa_preferences
from local_aws.cognito import attributes as attribute_rules
from local_aws.cognito.directory import find_app
from local_aws.cognito.errors import InvalidParameterException
from local_aws.cognito.settings import (
    App,
    auto_verified,
    username_attributes,
    verified_before_update,
)
from local_aws.cognito.sign_in import first_factors
from local_aws.cognito.state import Call
from local_aws.cognito.tokens import bearer, readable_attributes, revoke_all


def _caller(call: Call) -> tuple[App, User]:
    grant = bearer(call)
    return find_app(grant.client_id), grant.user


def get_user(call: Call) -> dict[str, Any]:
    """Return the user."""
    app, user = _caller(call)
    shown = {
        "Username": user.username,
        "UserAttributes": expand_attrs(readable_attributes(app, user)),
    }
    return shown | mfa_preferences.settings(call.cognito, user)


def get_user_auth_factors(call: Call) -> dict[str, Any]:
    """Return how the user can sign in."""
    grant = bearer(call)
    shown = {
        "Username": grant.user.username,
        "ConfiguredUserAuthFactors": first_factors.available(call.cognito, grant.pool, grant.user),
    }
    return shown | mfa_preferences.settings(call.cognito, grant.user)


def update_user_attributes(call: Call) -> dict[str, Any]:
    """Set attributes; a new address is unverified, and an empty value deletes."""
    app, user = _caller(call)
    given = flatten_attrs(call.parameters["UserAttributes"])
    attribute_rules.check_changed(app, given)
    return {"CodeDeliveryDetailsList": _update(call, app.pool, user, given)}


def admin_update_user_attributes(call: Call) -> dict[str, Any]:
    """Set attributes as the user does; a new address with its flag is verified, and gets no code."""
    pool, user = admin.target(call)
    given = flatten_attrs(call.parameters["UserAttributes"])
    attribute_rules.check_mutable(pool, given)
    attribute_rules.check_values(pool, given)
    flags = {name: given.pop(name) for name in attribute_rules.VERIFIED_FLAGS if name in given}
    verified = [name for name in codes.CONTACTS if flags.get(f"{name}_verified") == "true"]
    for name in verified:
        attribute_rules.claim_alias(pool, user, name, given.get(name) or _old(user, name))
    _update(call, pool, user, given, verified)
    user.update_attributes(expand_attrs(flags))
    return {}


def _update(
    call: Call, pool: Pool, user: User, given: dict[str, str], verified: Sequence[str] = ()
) -> list[dict[str, str]]:
    """Set attributes, send codes to new addresses that are not *verified*, and return where to."""
    for name, value in given.items():
        attribute_rules.check_free(pool, user, name, value)
    _delete(call, pool, user, [name for name, value in given.items() if not value])
    changed = {name: value for name, value in given.items() if value}
    moved = [name for name in codes.CONTACTS if changed.get(name, "") not in {"", _old(user, name)}]
    asked = [name for name in moved if name not in verified]
    waiting = [name for name in asked if name in verified_before_update(pool)]
    now = {name: value for name, value in changed.items() if name not in waiting}
    flags = {f"{name}_verified": "false" for name in moved if name not in waiting}
    user.update_attributes(expand_attrs(now | flags))
    for name in moved:
        codes.void(call, user, codes.VERIFICATION, name)
    details = []
    for name in asked:
        if name in waiting or name in auto_verified(pool):
            to = changed[name]
            codes.send(call, pool, user, codes.VERIFICATION, name, address=to)
            details.append(codes.delivery_details(name, to))
    return details


def _old(user: User, name: str) -> str:
    return str(user.attribute_lookup.get(name, ""))


def delete_user_attributes(call: Call) -> dict[str, Any]:
    """Delete attributes."""
    app, user = _caller(call)
    names = call.parameters["UserAttributeNames"]
    attribute_rules.check_changed(app, dict.fromkeys(names, ""))
    _delete(call, app.pool, user, names)
    return {}


def admin_delete_user_attributes(call: Call) -> dict[str, Any]:
    """Delete attributes of a user."""
    pool, user = admin.target(call)
    names = call.parameters["UserAttributeNames"]
    attribute_rules.check_mutable(pool, names)
    _delete(call, pool, user, names)
    return {}


def _delete(call: Call, pool: Pool, user: User, names: list[str]) -> None:
    """Delete attributes; of an address also the verified flag and the code."""
    known = attribute_rules.schema(pool)
    for name in names:
        if known[name].required or name in username_attributes(pool):
            raise InvalidParameterException(
                f"user.{name}: Attribute is required and cannot be deleted.\n"
            )
        codes.void(call, user, codes.VERIFICATION, name)
    removed = {*names, *(f"{name}_verified" for name in names)}
    user.delete_attributes([name for name in user.attribute_lookup if name in removed])


def get_user_attribute_verification_code(call: Call) -> dict[str, Any]:
    """Send a code to one of the user's addresses."""
    grant = bearer(call)
    name = _contact(call)
    value = grant.user.attribute_lookup.get(name)
    if value is None:
        raise InvalidParameterException(f"User does not have the attribute {name}")
    codes.count(call, grant.user)
    codes.send(call, grant.pool, grant.user, codes.VERIFICATION, name, address=value)
    return {"CodeDeliveryDetails": codes.delivery_details(name, value)}


def verify_user_attribute(call: Call) -> dict[str, Any]:
    """Mark the address of the code as verified."""
    grant = bearer(call)
    name, user = _contact(call), grant.user
    codes.count(call, user)
    typed = call.parameters["Code"]
    address = codes.check(call, user, codes.VERIFICATION, typed, attribute=name).address
    attribute_rules.check_free(grant.pool, user, name, address)
    attribute_rules.claim_alias(grant.pool, user, name, address)
    user.update_attributes(expand_attrs({name: address, f"{name}_verified": "true"}))
    codes.void(call, user, codes.VERIFICATION, name)
    return {}


def _contact(call: Call) -> str:
    name = call.parameters["AttributeName"]
    if name not in codes.CONTACTS:
        raise InvalidParameterException(f"Attribute {name} cannot be verified")
    return str(name)


def delete_user(call: Call) -> dict[str, Any]:
    """Delete the user and revoke all tokens."""
    grant = bearer(call)
    revoke_all(call.cognito, grant.user)
    for group in grant.user.groups:
        group.users.discard(grant.user)
    del grant.pool.users[grant.user.username]
    return {}
