"""Bodies of `/v1/users/…`."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from service.api.schemas.profiles import StoredProfileSchema
from service.domain.identity import is_user_id
from service.domain.profiles import MAX_USERS

NOT_A_USER_ID: Final = "Must be a user id: 1 to 255 visible ASCII characters other than ~."


class _Texts(fields.List[Any]):
    """A list of strings; marshmallow's own takes 2 us for each entry."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 -- marshmallow's field options
        super().__init__(fields.String(), **options)

    def _deserialize(self, value: Any, *context: Any, **options: Any) -> Any:  # noqa: ANN401 -- marshmallow's hook
        if isinstance(value, list) and all(type(entry) is str for entry in value):
            return value
        return super()._deserialize(value, *context, **options)


class ProfilesBatchSchema(Schema):
    """The users whose profiles to read, and the *declared* fields to return: all by default."""

    user_ids = _Texts(
        required=True,
        data_key="userIds",
        validate=validate.Length(1, MAX_USERS),
        metadata={
            "uniqueItems": True,
            "examples": [["6f1b2c3d-0c8e-4b7a-9d21-3f5a6b7c8d9e"]],
        },
    )
    names = _Texts(
        data_key="fields",
        metadata={
            "uniqueItems": True,
            "description": "Profile fields to return, beside the system fields. By default all.",
            "examples": [["displayName", "city"]],
        },
    )

    def __init__(self, *, declared: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._declared = frozenset(declared)

    @validates_schema
    def check_entries(self, data: dict[str, Any], **_: Any) -> None:  # noqa: ANN401 -- marshmallow's hook
        """Reject ids that no user has, names that are not declared, and repeated entries."""
        wrong = {
            "userIds": _wrong(data["user_ids"], is_user_id, NOT_A_USER_ID),
            "fields": _wrong(
                data.get("names", []), self._declared.__contains__, "Is no field of a profile."
            ),
        }
        if any(wrong.values()):
            raise ValidationError({name: found for name, found in wrong.items() if found})


def _wrong(texts: list[str], is_valid: Callable[[str], bool], why: str) -> Mapping[int, list[str]]:
    """Return what is wrong with which of *texts*."""
    if len({*texts}) == len(texts) and all(map(is_valid, texts)):
        return {}
    seen: set[str] = set()
    wrong: dict[int, list[str]] = {}
    for number, text in enumerate(texts):
        if not is_valid(text):
            wrong[number] = [why]
        elif text in seen:
            wrong[number] = ["Must not be repeated."]
        seen.add(text)
    return wrong


class ProfilesSchema(Schema):
    """The profiles by user id, and the users without a profile, in the order of the request."""

    profiles = fields.Dict(
        keys=fields.String(), values=fields.Nested(StoredProfileSchema), required=True
    )
    missing = fields.List(fields.String(), required=True)
