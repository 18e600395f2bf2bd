"""Texts of one line, and of several lines."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from marshmallow import ValidationError, fields

from service.api.schemas.unicode_text import (
    MAX_COMPOSED,
    NOT_IN_A_LINE,
    NOT_IN_TEXT,
    SPACES,
    fault,
    fault_of_a_line,
    is_blank,
    normal_form,
)

MAX_LINE_CHARACTERS: Final = 256
MAX_TEXT_CHARACTERS: Final = 4_096


class CanonicalText(fields.String):
    """
    A text that is validated and normalized to a canonical form; null removes it.

    A subclass implements `canonical`, and describes the valid texts for JSON Schema in `format`, `shape`
    (a pattern), `shortest` and `longest`, and for readers in `about`.
    """

    about: ClassVar[str | None] = None

    format: ClassVar[str | None] = None
    shape: ClassVar[str | None] = None  # a pattern in a syntax common to Python and ECMA-262
    shortest: ClassVar[int | None] = None  # characters
    longest: int | None = None  # characters

    def __init__(
        self,
        example: str | None = None,
        *,
        longest: int | None = None,
        **options: Any,  # noqa: ANN401 -- marshmallow's own field options
    ) -> None:
        metadata = {**options.pop("metadata", {})}
        if example is not None:
            metadata.setdefault("examples", [example])
        if self.about is not None:
            metadata.setdefault("description", self.about)
        super().__init__(**{"allow_none": True, **options}, metadata=metadata)
        self.longest = longest or self.longest
        self.limits = self._limits()

    def canonical(self, text: str) -> str:
        """Return the canonical form of *text*, which is in NFC; raises ValidationError."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Load the data that `canonical` needs, when the service starts."""

    def _bind_to_schema(self, field_name: str, parent: Any) -> None:  # noqa: ANN401 -- marshmallow's hook
        super()._bind_to_schema(field_name, parent)
        self.prepare()

    def _limits(self) -> Mapping[str, object]:
        """Return the JSON Schema keywords for the valid texts."""
        keywords = {"minLength": self.shortest, "maxLength": self.longest, "pattern": self.shape}
        return {keyword: value for keyword, value in keywords.items() if value is not None}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:  # noqa: ANN401 -- marshmallow's hook
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not value.isascii():
            self._check_length(value, at_most=MAX_COMPOSED)
            value = normal_form(value)
        self._check_length(value)
        return self.canonical(value)

    def _validate(self, value: str) -> None:
        if self.validators:  # marshmallow makes an object of them for each value
            super()._validate(value)

    def _check_length(self, text: str, *, at_most: int = 1) -> None:
        """Raise ValidationError if *text* has more than *at_most* times `longest` characters."""
        if self.longest is not None and len(text) > at_most * self.longest:
            raise ValidationError(
                f"Must have {self.shortest or 1} to {self.longest} characters;"
                " send null to remove the field."
            )


class Line(CanonicalText):
    """
    A visible text of one line, without leading and trailing white space.

    White space is rejected and not trimmed, so that texts are returned as they were sent.
    """

    shape = f"^[^{NOT_IN_A_LINE}{SPACES}](?:[^{NOT_IN_A_LINE}]*[^{NOT_IN_A_LINE}{SPACES}])?$"
    shortest = 1
    longest = MAX_LINE_CHARACTERS

    def canonical(self, text: str) -> str:
        """Return *text*."""
        wrong = fault_of_a_line(text)
        if wrong is not None:
            raise ValidationError(wrong)
        _require_visible(text)
        if text != text.strip():
            raise ValidationError("Must not begin or end with white space.")
        return text


class Paragraphs(CanonicalText):
    """A visible text of any number of lines, which end with a line feed."""

    shape = f"^[^{NOT_IN_TEXT}]+$"
    shortest = 1
    longest = MAX_TEXT_CHARACTERS

    def canonical(self, text: str) -> str:
        """Return *text* with line feeds in place of CR LF, which forms send, and CR."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        wrong = fault(text)
        if wrong is not None:
            raise ValidationError(wrong)
        _require_visible(text)
        return text


def _require_visible(text: str) -> None:
    if is_blank(text):
        raise ValidationError("Must have visible characters; send null to remove the field.")
