"""Text for a terminal: what would act on it, or hide or reorder what it shows, is escaped."""

from collections.abc import MutableMapping
from typing import Any, Final

# What holds a traceback, line by line.
LINES: Final = frozenset({"exception", "stack"})


def escaped(text: str, *, kept: str = "") -> str:
    r"""
    Return *text* with each character that is not printable as Python writes it, such as \x1b or \u202e.

    These are control characters, line ends other than those *kept*, bidirectional and other formatting
    characters, unusual spaces and lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in kept else _escape(character)
        for character in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def printable(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape an event's names and values, as a processor of structlog."""
    return {escaped(str(name)): _value(name, value) for name, value in event.items()}


def _value(name: str, value: object) -> object:
    if isinstance(value, str):
        if name in LINES:
            return escaped(value, kept="\n")
        if name == "event" or value.isprintable():  # shown as it is, or in quotes if it has spaces
            return escaped(value)
    return _Shown(escaped(repr(value)))


class _Shown:
    """A value that is shown as *text*: the console shows its repr."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
