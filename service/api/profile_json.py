"""A profile as JSON: the service's own fields, then those that the schema declares."""

from typing import Any, Final

import orjson
import structlog
from marshmallow import Schema

from service.api.conditional_requests import entity_tag
from service.domain.errors import UpstreamFault
from service.domain.profiles import JsonValue, Profile

OF_64_BITS: Final = range(-(2**63), 2**64)  # the integers that orjson writes itself
AS_THEY_ARE: Final = frozenset({str, bool})  # the types, exactly, whose values need no other form
NO_UNICODE: Final = (
    "Another program stored a text in the profile that is no Unicode. PUT replaces it."
)


class ProfileRepresentation:
    """Turns profiles into the bytes and the tag that callers get, by the deployment's *schema*."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.declared = tuple(field.data_key or name for name, field in schema.fields.items())

    def body(self, profile: Profile) -> bytes:
        """
        Return the JSON of a profile; attributes that the schema does not declare stay out.

        Names inside a field are sorted: DynamoDB gives them back in any order, and one state of a
        profile must be the same bytes, and the same tag, on every read. Raises UpstreamFault for a
        text with half of a surrogate pair, which only another program stores: JSON can't hold it.
        """
        fields = profile.fields
        shown = {
            "userId": profile.user_id,
            "createdAt": profile.created_at,
            "updatedAt": profile.updated_at,
            "version": profile.version,
            **{
                name: value if type(value) in AS_THEY_ARE else _shown(value)
                for name in self.declared
                if (value := fields.get(name)) is not None
            },
        }
        try:
            return orjson.dumps(shown)
        except orjson.JSONEncodeError:
            names = [name for name, value in shown.items() if not _is_representable(value)]
            structlog.get_logger().warning("profile_not_representable", fields=names)
            raise UpstreamFault(NO_UNICODE) from None

    def tag(self, profile: Profile) -> str:
        """Return the entity tag of a profile."""
        return entity_tag(self.body(profile))


def _shown(value: JsonValue) -> Any:  # noqa: ANN401 -- what orjson takes
    """Return *value* as orjson writes it: names sorted, numbers with all of their digits."""
    match value:
        case dict():
            return {
                name: inner if type(inner := value[name]) in AS_THEY_ARE else _shown(inner)
                for name in sorted(value)
            }
        case list():
            return [_shown(entry) for entry in value]
        case int() if value not in OF_64_BITS:
            return orjson.Fragment(repr(value))
        case float() if type(value) is not float:  # a LongNumber, whose repr has all digits
            return orjson.Fragment(repr(value))
        case _:
            return value


def _is_representable(value: object) -> bool:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True
