"""The attributes that InvalidParameterException is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.cognito.cognito_request import CognitoRequest

# Names in messages about the pool's schema -> attributes; "aws:cognito:system." precedes others.
SCHEMA_NAMES: Final[Mapping[str, str]] = {
    "addresses": "address",
    "emails": "email",
    "name.familyName": "family_name",
    "name.formatted": "name",
    "name.givenName": "given_name",
    "name.middleName": "middle_name",
    "nickName": "nickname",
    "phoneNumbers": "phone_number",
    "photos": "picture",
    "profileUrl": "profile",
    "timezone": "zoneinfo",
}
SYSTEM_PREFIX: Final = "aws:cognito:system."
REQUIRED: Final = "This attribute is required."
CONTACTS: Final[Mapping[str, tuple[str, str]]] = {
    "email": ("email", "Must be an e-mail address."),
    "phone": ("phone_number", "Must be a telephone number with + and its country code."),
}
REASONS: Final = (  # the first pattern that is found decides
    (re.compile(r"deleted|removed", re.IGNORECASE), "Cannot be removed."),
    (re.compile(r"required|missing", re.IGNORECASE), REQUIRED),
    (
        re.compile(r"not exist|determined", re.IGNORECASE),
        "This deployment does not have this attribute.",
    ),
    (re.compile(r"cannot (?:be updated|modify)|mutable", re.IGNORECASE), "Cannot be changed."),
    (re.compile(r""), "Does not meet the rules of this deployment."),
)

_NAME: Final = re.compile(r"(?:(?:dev:)?custom:)?[\w-]{1,32}")
_CONTACT: Final = re.compile(r"\binvalid (email|phone)", re.IGNORECASE)
_PREFIX: Final = re.compile(
    r"^attributes did not conform (?:to|with) (?:the )?schema:\s*", re.IGNORECASE
)
# Such as "name.givenName: The attribute is required" and "user.email: Attribute cannot be updated."
_LINE: Final = re.compile(r"(?:^|\n|, ?)(?:user\.)?([A-Za-z][\w.:-]{0,127}): ")
# Names that are no other words: "Cannot modify an already provided email".
_MENTIONED: Final = re.compile(
    r"\b((?:dev:)?custom:[\w-]{1,24}|email|phone_number|[a-z]{2,10}_(?:name|username|at)|birthdate)\b"
)
_TYPE: Final = re.compile(r"type for attribute \{([\w.:-]{1,128})\}", re.IGNORECASE)
_GIVEN: Final = re.compile(
    r"invalid attributes given, (.{1,1000}?) (?:is|are) missing", re.IGNORECASE
)


def wrong_attributes(text: str, request: CognitoRequest) -> Iterator[tuple[str, str]]:
    """Yield the field and the problem of each attribute that the message *text* names."""
    if contact := _CONTACT.search(text):
        name, reason = CONTACTS[contact[1].lower()]
        of_username = "Username" in request.arguments and name not in request.attribute_names
        yield ("username" if of_username else request.attribute(name)), reason
    elif given := _GIVEN.search(text):
        for name in re.split(r",\s*|\s+and\s+", given[1]):
            yield request.attribute(_attribute(name)), REQUIRED
    elif unknown := _TYPE.search(text):
        yield request.attribute(_attribute(unknown[1])), _reason(unknown[0] + " determined")
    else:
        lines, of_schema = _PREFIX.subn("", text)
        found = [*following(_LINE, lines)]
        for name, reason in found:
            yield request.attribute(_attribute(name)), _reason(reason)
        mentioned = _MENTIONED.search(text) if request.attribute_names else None
        if mentioned and not found:
            yield request.attribute(mentioned[1]), _reason(text.replace(mentioned[1], ""))
        elif of_schema and not found:
            yield request.attribute(), _reason(lines)


def following(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    """Yield the group of each match of *pattern*, with the text up to the next match."""
    matches = list(pattern.finditer(text))
    for index, match in enumerate(matches):
        end = matches[index + 1].start() if index + 1 < len(matches) else len(text)
        yield match[1], text[match.end() : end]


def _attribute(name: str) -> str | None:
    """Return the attribute of a name in the pool's schema, None if it cannot be one."""
    known = SCHEMA_NAMES.get(name, name.removeprefix(SYSTEM_PREFIX))
    return known if _NAME.fullmatch(known) else None


def _reason(text: str) -> str:
    return next(reason for pattern, reason in REASONS if pattern.search(text))
