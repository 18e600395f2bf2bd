"""The document of an export: one JSON object of bounded size, with any value that DynamoDB stores."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import Final

import orjson

from service.domain.errors import ExportTooLarge
from service.domain.values.json_values import JsonValue

MAX_BYTES: Final = (
    16_777_216  # with what joining takes, a process holds twice as much for each export
)


class ExportDocument:
    """A JSON object of at most MAX_BYTES; all methods that add to it raise ExportTooLarge."""

    def __init__(self) -> None:
        self._left = MAX_BYTES
        self._parts: list[bytes] = []

    def add(self, name: str, json: bytes) -> None:
        """Add a member whose value is *json*."""
        self._append(b"," if self._parts else b"{", orjson.dumps(name), b":", json)

    async def add_list(
        self, name: str, pages: AsyncGenerator[Sequence[bytes]], *, if_empty: bool
    ) -> None:
        """
        Add a member whose value is the list of the entries of all *pages*, which are closed.

        Without entries there is a member only *if_empty*.
        """
        has_entries = False
        async with aclosing(pages):
            async for page in pages:
                for entry in page:
                    if has_entries:
                        self._append(b",", entry)
                    else:
                        self.add(name, b"[" + entry)
                        has_entries = True
        if has_entries:
            self._append(b"]")
        elif if_empty:
            self.add(name, b"[]")

    def body(self) -> bytes:
        """Return the complete document; there must be a member."""
        return b"".join((*self._parts, b"}"))

    def _append(self, *parts: bytes) -> None:
        self._left -= sum(map(len, parts))
        if self._left < 0:
            raise ExportTooLarge
        self._parts += parts


def stored_json(value: JsonValue) -> bytes:
    r"""
    Return the JSON of *value* in UTF-8, with all digits of its numbers.

    An unpaired surrogate, which UTF-8 cannot represent, becomes six characters such as `\ud800`.
    """
    return _text(value).encode()


def _text(value: JsonValue) -> str:
    # orjson's bytes take 4 KB at least, however short they are: an item may have 100,000 values.
    match value:
        case dict():
            members = (f"{_text(name)}:{_text(value[name])}" for name in sorted(value))
            return f"{{{','.join(members)}}}"
        case list():
            return f"[{','.join(map(_text, value))}]"
        case str():
            return orjson.dumps(value.encode("utf-8", "backslashreplace").decode()).decode()
        case int() | Decimal() if not isinstance(value, bool):
            return str(value)
        case _:
            return orjson.dumps(value).decode()
