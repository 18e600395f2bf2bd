"""Hold the rules for user attributes."""

import re
from functools import cache

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool
from moto.cognitoidp.models import CognitoIdpUserPoolAttribute as Attribute

from local_aws.cognito.directory import same_name
from local_aws.cognito.errors import (
    AliasExistsException,
    InvalidParameterException,
    NotAuthorizedException,
)
from local_aws.cognito.settings import App, setting, username_attributes

VERIFIED_FLAGS = ("email_verified", "phone_number_verified")
# Only Cognito itself writes these, or an administrator.
PROTECTED = ("sub", *VERIFIED_FLAGS)
FORMATS = {
    "email": (re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+"), "Invalid email address format."),
    "phone_number": (re.compile(r"\+[0-9]{1,15}"), "Invalid phone number format."),
}
_USERNAME_WORDS: dict[tuple[str, ...], str] = {
    ("email",): "Username should be an email.",
    ("phone_number",): "Username should be a phone number.",
}


def schema(pool: Pool) -> dict[str, Attribute]:
    """Give the pool's attributes; the standard ones are in every pool."""
    return _standard() | pool.schema_attributes


@cache  # moto remembers every attribute ever made
def _standard() -> dict[str, Attribute]:
    return {
        name: Attribute(name, custom=False, schema=defaults)
        for name, defaults in Attribute.STANDARD_SCHEMA.items()
    }


def from_username(pool: Pool, username: str) -> dict[str, str]:
    """Give the attribute that the user name is, or refuse a name that the pool does not take."""
    allowed = username_attributes(pool)
    for name in allowed:
        if FORMATS[name][0].fullmatch(username):
            return {name: username}
    if allowed:
        words = "Username should be either an email or a phone number."
        raise InvalidParameterException(_USERNAME_WORDS.get(tuple(allowed), words))
    for name in setting(pool, "AliasAttributes", []):
        if name in FORMATS and FORMATS[name][0].fullmatch(username):
            raise InvalidParameterException(
                f"Username cannot be of {name.replace('_', ' ')} format, since user pool is"
                f" configured for {name.replace('_', ' ')} alias."
            )
    return {}


def check_new(app: App, given: dict[str, str]) -> None:
    """Refuse attributes that a new user cannot have, and the lack of one that is required."""
    known = schema(app.pool)
    for name in given:
        if name not in known:
            raise InvalidParameterException(
                "Attributes did not conform to the schema: Type for attribute"
                f" {{{name}}} could not be determined"
            )
    check_written(app, given)
    for name, attribute in known.items():
        if attribute.required and name != "sub" and not given.get(name):
            raise InvalidParameterException(
                f"Attributes did not conform to the schema: {name}: The attribute is required\n"
            )


def check_changed(app: App, given: dict[str, str]) -> None:
    """Refuse a change that the pool or the client forbids."""
    known = schema(app.pool)
    for name in given:
        check_exists(app.pool, name)
        if not known[name].mutable:
            raise InvalidParameterException(f"user.{name}: Attribute cannot be updated.\n")
    check_written(app, given)


def check_exists(pool: Pool, name: str) -> None:
    """Refuse an attribute that the pool does not have."""
    if name not in schema(pool):
        raise InvalidParameterException(f"user.{name}: Attribute does not exist in the schema.\n")


def check_written(app: App, given: dict[str, str]) -> None:
    """Refuse attributes that the client may not write, and values that do not fit."""
    known = schema(app.pool)
    for name, value in given.items():
        writable = setting(app.client, "WriteAttributes", [name, *username_attributes(app.pool)])
        if name in PROTECTED or name not in writable:
            raise NotAuthorizedException("A client attempted to write unauthorized attribute")
        if name in FORMATS and value and not FORMATS[name][0].fullmatch(value):
            raise InvalidParameterException(FORMATS[name][1])
        _check_bounds(known[name], value)


def _check_bounds(attribute: Attribute, value: str) -> None:
    strings = attribute.string_constraints or {}
    numbers = attribute.number_constraints or {}
    if attribute.data_type == "Number":
        fits = re.fullmatch(r"-?[0-9]+", value) and _within(
            int(value), numbers.get("MinValue"), numbers.get("MaxValue")
        )
    elif attribute.data_type == "Boolean":
        fits = value in {"true", "false"}
    else:
        fits = not value or _within(len(value), strings.get("MinLength"), strings.get("MaxLength"))
    if not fits:
        raise InvalidParameterException(
            f"Attributes did not conform to the schema: {attribute.name}: Value out of range\n"
        )


def _within(value: int, least: str | None, most: str | None) -> bool:
    return int(least or value) <= value <= int(most or value)


def check_free(pool: Pool, user: User, name: str, value: str) -> None:
    """Refuse an address with which somebody else signs in."""
    if name in username_attributes(pool):
        for other in pool.users.values():
            if other is not user and same_name(pool, other.attribute_lookup.get(name, ""), value):
                raise AliasExistsException


def claim_alias(pool: Pool, user: User, name: str, value: str, *, force: bool = False) -> None:
    """Make a verified address the user's alias: it can be only one user's.

    With *force* it is taken from whoever has it.
    """
    if name not in setting(pool, "AliasAttributes", []):
        return
    for other in pool.users.values():
        theirs = other.attribute_lookup
        if (
            other is not user
            and theirs.get(f"{name}_verified") == "true"
            and same_name(pool, theirs.get(name, ""), value)
        ):
            if not force:
                raise AliasExistsException
            other.update_attributes([{"Name": f"{name}_verified", "Value": "false"}])
