"""Text for a terminal: its colours, and the escaping of characters that control it or reorder text."""

import os
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

# Fields that hold tracebacks, whose line feeds are kept.
LINES: Final = frozenset({"exception", "stack"})


def has_colours(stream: TextIO) -> bool:
    """Return whether *stream* is a terminal that shows colours (https://no-color.org)."""
    environ = os.environ
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def escaped(text: str, *, kept: str = "") -> str:
    r"""
    Return *text* with each unprintable character as its Python escape, such as \x1b or \u202e.

    Unprintable are control characters, line ends, bidirectional and other formatting characters, unusual
    spaces and lone surrogates; characters in *kept* stay.
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
    """Escape the names and values of an event; a processor of structlog."""
    return {escaped(str(name)): _value(name, value) for name, value in event.items()}


def _value(name: str, value: object) -> object:
    if isinstance(value, str):
        if name in LINES:
            return escaped(value, kept="\n")
        if name == "event" or value.isprintable():  # the console shows it as it is or quoted
            return escaped(value)
    return _Shown(escaped(repr(value)))


class _Shown:
    """A value whose repr, which the console shows, is *text*."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
