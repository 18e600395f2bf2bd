"""Rules for user attributes."""

import re
from collections.abc import Iterable
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
# Only Cognito and administrators write these.
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
    """Return the pool's attributes; every pool has the standard ones."""
    return _standard() | pool.schema_attributes


@cache  # moto keeps every attribute that is created
def _standard() -> dict[str, Attribute]:
    return {
        name: Attribute(name, custom=False, schema=defaults)
        for name, defaults in Attribute.STANDARD_SCHEMA.items()
    }


def from_username(pool: Pool, username: str) -> dict[str, str]:
    """
    Return the attribute that the user name stands for, if any.

    Raises InvalidParameterException for a user name that the pool does not accept.
    """
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
    """Raise unless a new user can have these attributes and no required one is missing."""
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
    """Raise if the pool or the client does not allow the change."""
    check_mutable(app.pool, given)
    check_written(app, given)


def check_exists(pool: Pool, name: str) -> None:
    """Raise if the pool does not have the attribute."""
    if name not in schema(pool):
        raise InvalidParameterException(f"user.{name}: Attribute does not exist in the schema.\n")


def check_mutable(pool: Pool, names: Iterable[str]) -> None:
    """Raise if the pool does not have an attribute, or if it is immutable."""
    known = schema(pool)
    for name in names:
        check_exists(pool, name)
        if not known[name].mutable:
            raise InvalidParameterException(f"user.{name}: Attribute cannot be updated.\n")


def check_written(app: App, given: dict[str, str]) -> None:
    """Raise if the client may not write an attribute, or a value is invalid."""
    for name in given:
        writable = setting(app.client, "WriteAttributes", [name, *username_attributes(app.pool)])
        if name in PROTECTED or name not in writable:
            raise NotAuthorizedException("A client attempted to write unauthorized attribute")
    check_values(app.pool, given)


def check_values(pool: Pool, given: dict[str, str]) -> None:
    """Raise if the pool does not have an attribute, or a value is invalid."""
    known = schema(pool)
    for name, value in given.items():
        check_exists(pool, name)
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
    """Raise AliasExistsException if another user signs in with the address."""
    if name in username_attributes(pool):
        for other in pool.users.values():
            if other is not user and same_name(pool, other.attribute_lookup.get(name, ""), value):
                raise AliasExistsException


def claim_alias(pool: Pool, user: User, name: str, value: str, *, force: bool = False) -> None:
    """
    Make a verified address an alias of the user.

    Raises AliasExistsException if another user has it; with *force* that user loses it.
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
