"""A profile as JSON: the service's own fields, then those that the schema declares."""

from typing import Final

from marshmallow import Schema

from service.domain.profiles import JsonValue, Profile
from service.web import bodies
from service.web.entity_tags import entity_tag

NESTED: Final = (dict, list)


class ProfileRepresentation:
    """Turns profiles into the bytes and the tag that callers get, by the deployment's *schema*."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.declared = tuple(field.data_key or name for name, field in schema.fields.items())

    def body(self, profile: Profile) -> bytes:
        """
        Return the JSON of a profile; attributes that the schema does not declare stay out.

        Names inside a field are sorted: DynamoDB gives them back in any order, and one state of a
        profile must be the same bytes, and the same tag, on every read.
        """
        fields = profile.fields
        return bodies.dumps(
            {
                "userId": profile.user_id,
                "createdAt": profile.created_at,
                "updatedAt": profile.updated_at,
                "version": profile.version,
                **{
                    name: _sorted(value) if isinstance(value, NESTED) else value
                    for name in self.declared
                    if (value := fields.get(name)) is not None
                },
            }
        )

    def tag(self, profile: Profile) -> str:
        """Return the entity tag of a profile."""
        return entity_tag(self.body(profile))


def _sorted(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_sorted(entry) for entry in value]
    return value
