"""The definition of a setting, and the kinds of values that settings have."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, ClassVar, TypeAlias, TypeVar, cast

from marshmallow import ValidationError, fields, validate

Network: TypeAlias = IPv4Network | IPv6Network
Value = TypeVar("Value")

_QUOTED = re.compile(r"""(["']).*\1|[\u2018\u201c].*[\u2019\u201d]""", re.DOTALL)
# What templates and languages leave where a value is missing.
_PLACEHOLDER = re.compile(
    r"null|None|undefined|changeme|\$\{.*\}|\$\(.*\)|\{\{.*\}\}|<.*>", re.DOTALL
)
DEFINITION = "setting"  # the key of a Setting in the metadata of its dataclass field


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the configuration; *section* is its name, its docstring describes it."""

    section: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Setting:
    """
    The definition of a setting, beside the name and type of its dataclass field.

    *field* reads its value from text. *default* is the text of its default, *value* the default itself:
    None, or an empty list, without a text. A setting that is *required* must be set. *about* describes it
    in config.ini and docs/settings.md. *variable* is another environment variable, which is read if the
    setting's own is not set. The value of a *secret* is never logged.
    """

    field: fields.Field[Any]
    default: str
    value: Any
    about: str
    example: str
    required: bool
    variable: str | None
    secret: bool

    @property
    def is_list(self) -> bool:
        """Whether an empty text is a value, the empty list."""
        return isinstance(self.field, Words | Networks)

    def parse(self, text: str | None) -> Any:  # noqa: ANN401 -- settings have many types
        """
        Return the value of *text*, or the default if it is None.

        Raises ValueError, whose message ends with an example.
        """
        if text is None:
            if self.required:
                raise ValueError(self._with_example("Must be set."))
            return self.value
        if _QUOTED.fullmatch(text):  # `docker run --env-file` keeps the quotes
            raise ValueError(self._with_example("Write the value without quotes around it."))
        if _PLACEHOLDER.fullmatch(text):
            raise ValueError(self._with_example("It holds a placeholder instead of a value."))
        try:
            return self.field.deserialize(text)
        except ValidationError as error:
            problem = " ".join(str(message) for message in error.messages)
            raise ValueError(self._with_example(problem)) from None

    def _with_example(self, problem: str) -> str:
        return f"{problem} Example: {self.example}" if self.example else problem


def setting(  # noqa: PLR0913 -- the parts of a definition
    field: fields.Field[Value],
    default: str,
    about: str,
    *,
    example: str = "",
    required: bool = False,
    variable: str | None = None,
    secret: bool = False,
) -> Value:
    """Return a dataclass field, typed as its value: None, or an empty list, if *default* is empty."""
    empty: Any = () if isinstance(field, Words | Networks) else None
    value = field.deserialize(default) if default else empty
    definition = Setting(
        field, default, value, about, example or default, required, variable, secret
    )
    made = dataclasses.field(
        default=dataclasses.MISSING if required else value,
        repr=not secret,
        metadata={DEFINITION: definition},
    )
    return cast("Value", made)


class Words(fields.Field[tuple[str, ...]]):
    """A list separated by blanks: each word one of *choices*, if there are some, else a *pattern*."""

    def __init__(self, *choices: str, pattern: str = r"[^\s,]+", least: int = 0) -> None:
        super().__init__()
        self.choices, self._pattern, self._least = choices, re.compile(pattern), least

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:  # noqa: ANN401 -- marshmallow's hook
        words = tuple(self._word(word) for word in str(value).split())
        if len(set(words)) < len(words):
            raise ValidationError("A value stands there twice.")
        if len(words) < self._least:
            raise ValidationError("At least one value is needed.")
        return words

    def _word(self, word: str) -> str:
        """Return the value of a word: that of *choices* whatever its case; raises ValidationError."""
        if self.choices:
            for choice in self.choices:
                if choice.lower() == word.lower():
                    return choice
        elif self._pattern.fullmatch(word):
            return word
        if "," in word:
            raise ValidationError("Separate values by blanks, not by commas.")
        form = f"one of {' '.join(self.choices)}" if self.choices else "of the right form"
        raise ValidationError(f"{word!r} is not {form}.")


class Networks(fields.Field[tuple[Network, ...]]):
    """IP networks in CIDR notation, separated by blanks."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[Network, ...]:  # noqa: ANN401 -- marshmallow's hook
        if "," in str(value):
            raise ValidationError("Separate networks by blanks, not by commas.")
        try:
            return tuple(ip_network(word) for word in str(value).split())
        except ValueError as error:
            raise ValidationError(f"{error}.") from None


class Flag(fields.Boolean):
    """true or false in any case; also yes, on and 1."""

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> bool:  # noqa: ANN401 -- marshmallow's hook
        return super()._deserialize(str(value).lower(), *args, **options)


class Choice(fields.String):
    """One of *choices* in any case; *others* are further words for some of them."""

    def __init__(self, *choices: str, others: Mapping[str, str]) -> None:
        super().__init__(validate=validate.OneOf(choices))
        self._others = others

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:  # noqa: ANN401 -- marshmallow's hook
        word = str(value).lower()
        return self._others.get(word, word)


def text(pattern: str = ".*", form: str = "text") -> fields.String:
    """Return the kind of a text of *pattern*; *form* describes it."""
    return fields.String(validate=validate.Regexp(rf"(?:{pattern})\Z", error=f"Not {form}."))


def one_of(*choices: str, **others: str) -> fields.Field[Any]:
    """Return the kind of a text that is one of *choices*; *others* are further words for some of them."""
    return Choice(*choices, others=others)


def integer(least: int, most: int) -> fields.Integer:
    """Return the kind of an integer from *least* to *most*."""
    return fields.Integer(validate=validate.Range(least, most))


def number(least: float, most: float) -> fields.Float:
    """Return the kind of a number from *least* to *most*."""
    return fields.Float(validate=validate.Range(least, most))
