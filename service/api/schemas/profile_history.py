"""Bodies of `/v1/user/profile/history` and `/v1/user/profile/revert`."""

from collections.abc import Mapping
from typing import ClassVar, Final

from marshmallow import Schema, fields, validate

VERSIONS: Final = range(10**15)  # more digits are another application's
MAX_NAMES: Final = 100  # of one revert


class PastVersionSchema(Schema):
    """A past version of the profile."""

    version = fields.Integer(required=True, metadata={"examples": [6]})
    from_ = fields.String(
        required=True,
        data_key="from",
        metadata={
            "description": "When the version was written: its `updatedAt`.",
            "examples": ["2026-11-23T03:14:15.926Z"],
        },
    )
    until = fields.String(
        required=True,
        metadata={
            "description": "When the next version was written.",
            "examples": ["2026-11-24T08:00:00.000Z"],
        },
    )
    changed = fields.List(
        fields.String(),
        metadata={
            "description": "The fields that this version changed; absent where that is not known.",
            "examples": [["city"]],
        },
    )
    other_application = fields.Boolean(
        data_key="otherApplication",
        metadata={"description": "True where another application changed fields of this version."},
    )


class PastVersionsSchema(Schema):
    """Past versions of the profile, newest first."""

    versions = fields.List(fields.Nested(PastVersionSchema), required=True)
    next = fields.Integer(
        metadata={
            "description": "Send it as `before` for older versions; absent where there are none.",
            "examples": [6],
        }
    )


class RevertSchema(Schema):
    """The version whose fields the profile gets; without *fields*, all."""

    example: ClassVar[Mapping[str, object]] = {"version": 6, "fields": ["city", "country"]}

    version = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(VERSIONS.start, VERSIONS.stop - 1),
        metadata={"examples": [6]},
    )
    fields_ = fields.List(
        fields.String(),
        data_key="fields",
        validate=validate.Length(1, MAX_NAMES),
        metadata={"description": "The fields to set back; all others stay as they are."},
    )
