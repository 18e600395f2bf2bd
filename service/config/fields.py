"""What the settings are made of: the kinds of value, and a section of them."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any, ClassVar
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, post_load, validate

from service.config.settings import Network


class Words(fields.Field[tuple[str, ...]]):
    """A list separated by white space; each word one of *choices*, and like *each*, where given."""

    def __init__(
        self,
        *,
        choices: tuple[str, ...] | None = None,
        each: str | None = None,
        **options: Any,  # noqa: ANN401 -- marshmallow's own field options
    ) -> None:
        super().__init__(**options)
        self._choices = choices
        self._each = re.compile(each) if each is not None else None

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:  # noqa: ANN401 -- marshmallow's hook
        words = tuple(str(value).split())
        wrong = [word for word in words if self._choices is not None and word not in self._choices]
        if wrong:
            raise ValidationError(f"{wrong[0]!r} is not one of {' '.join(self._choices or ())}")
        unlike = [word for word in words if self._each is not None and not self._each.match(word)]
        if unlike:
            raise ValidationError(f"{unlike[0]!r} is not of the form that is needed here")
        if len(set(words)) < len(words):
            raise ValidationError("names something twice")
        return words


class Networks(fields.Field[tuple[Network, ...]]):
    """IP networks in CIDR notation, separated by white space."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[Network, ...]:  # noqa: ANN401 -- marshmallow's hook
        try:
            return tuple(ip_network(word) for word in str(value).split())
        except ValueError as error:
            raise ValidationError(f"{error} (write networks such as 10.0.0.0/8)") from None


class Endpoint(fields.String):
    """
    An http(s) address, with any host name: compose's may hold an underscore.

    It is logged, so it holds no user name or password.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 -- marshmallow's own field options
        super().__init__(load_default=None, **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:  # noqa: ANN401 -- marshmallow's hook
        try:
            address = urlsplit(str(value))
            whole = address.scheme in ("http", "https") and address.hostname and address.port != 0
        except ValueError:
            whole = False
        if not whole or address.username is not None or " " in str(value):
            raise ValidationError("Not an address such as http://localhost:8000.")
        return str(value)


def seconds(default: str, longest: int) -> fields.Float:
    """Return a number of seconds."""
    return fields.Float(load_default=float(default), validate=validate.Range(0.001, longest))


def rate(default: str) -> fields.Float:
    """Return a number of calls in a time; 0 is no limit."""
    return fields.Float(load_default=float(default), validate=validate.Range(0, 100_000))


def count(default: str, *, least: int = 0, most: int) -> fields.Integer:
    """Return a whole number between bounds."""
    return fields.Integer(load_default=int(default), validate=validate.Range(least, most))


class SectionSchema(Schema):
    """A section: its fields' names are the keys, with `-` for `_`."""

    section: ClassVar[str]
    value: ClassVar[type]

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Give each field its name in the file."""
        field_obj.data_key = field_name.replace("_", "-")

    @post_load
    def make(self, data: Mapping[str, Any], **_: Any) -> object:  # noqa: ANN401 -- marshmallow's hook
        """Return the section as its frozen value."""
        return self.value(**data)
