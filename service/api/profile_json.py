"""The JSON representation of a profile: the system fields, then those of the schema."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import orjson
import structlog
from marshmallow import Schema
from marshmallow.fields import Field

from service.api.conditional_requests import entity_tag
from service.domain.errors import UpstreamFault
from service.domain.profiles import Profile
from service.domain.values.json_values import JsonValue

ORJSON_INTEGERS: Final = range(-(2**63), 2**64)
NO_UNICODE: Final = (
    "Another application stored a text that is not valid Unicode. Replace it with PUT."
)


class ProfileRepresentation:
    """
    The JSON and the entity tag of profiles with the fields of *schema*, which users write.

    *declared* has the names of all fields, *replaceable* those of the fields that are not read-only.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.declared = _names(schema.fields)
        self.replaceable = _names(schema.load_fields)

    def body(self, profile: Profile, names: Iterable[str] | None = None) -> bytes:
        """
        Return the JSON of a profile, with the fields *names*, by default all declared ones.

        Raises UpstreamFault for a text with an unpaired surrogate, which only another application can
        store.
        """
        members = self.members(profile, names)
        try:
            return orjson.dumps(members)
        except orjson.JSONEncodeError:
            log_unrepresentable(members)
            raise UpstreamFault(NO_UNICODE) from None

    def members(self, profile: Profile, names: Iterable[str] | None = None) -> dict[str, Any]:
        """
        Return the members of the JSON of a profile as orjson takes them.

        Attributes that the schema does not declare are never included. Names inside fields are sorted,
        since DynamoDB returns them in any order and one state of a profile must have one entity tag.
        """
        members: dict[str, Any] = {
            "userId": profile.user_id,
            "createdAt": profile.created_at,
            "updatedAt": profile.updated_at,
            "version": profile.version,
        }
        stored = profile.fields.get
        for name in self.declared if names is None else names:
            value = stored(name)
            if type(value) is str:  # most are
                members[name] = value
            elif value is not None:
                members[name] = _prepared(value)
        return members

    def tag(self, profile: Profile) -> str:
        """Return the entity tag of a profile."""
        return entity_tag(self.body(profile))


def _names(fields: Mapping[str, Field[Any]]) -> tuple[str, ...]:
    return tuple(field.data_key or name for name, field in fields.items())


def _prepared(value: JsonValue) -> Any:  # noqa: ANN401 -- orjson's input
    """Return *value* with sorted names, and numbers with all their digits."""
    try:
        return orjson.Fragment(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    except orjson.JSONEncodeError:  # a number of more digits, or a text that is not valid Unicode
        return _prepared_singly(value)


def _prepared_singly(value: JsonValue) -> Any:  # noqa: ANN401 -- likewise
    if isinstance(value, dict):
        return {name: _prepared_singly(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [*map(_prepared_singly, value)]
    if isinstance(value, Decimal) or (isinstance(value, int) and value not in ORJSON_INTEGERS):
        return orjson.Fragment(str(value))
    return value


def log_unrepresentable(members: Mapping[str, Any]) -> None:
    """Log the names of those members of a profile that JSON cannot represent."""
    names = [name for name, value in members.items() if not is_representable(value)]
    structlog.get_logger().warning("profile_not_representable", fields=names)


def is_representable(value: object) -> bool:
    """Return whether all texts of a value are valid Unicode."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True
