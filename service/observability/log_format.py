"""
Log events as lines of JSON, in ASCII and of at most MAX_BYTES.

Many log readers end a line at other characters than a line feed, and Docker and Fluent Bit break a line
of more than 16 KB into several, none of which is JSON.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import orjson

Default: TypeAlias = Callable[[Any], Any]  # converts a value that JSON does not have

MAX_BYTES: Final = 16_384  # with the line feed
# The bytes of JSON that a field keeps in a line that is too long; the largest that fits is used.
KEPT_BYTES: Final = (8_192, 4_096, 2_048, 1_024, 512, 256, 128)
DELETE: Final = "\x7f"  # the only control character that JSON does not escape
MAX_NAME_CHARACTERS: Final = 128
# The fields that are kept of an event that does not fit even when they are shortened.
ESSENTIAL: Final = ("timestamp", "level", "event", "request_id", "trace_id", "code", "exception")


def rendered(event: Mapping[str, Any], default: Default) -> str:
    """Return *event* as a line without its line feed; long fields of a long line lose their middle."""
    try:
        line = orjson.dumps(event, default=default).decode()
        if not line.isascii() or DELETE in line:
            line = _rendered_by_json(event, default)
    except orjson.JSONEncodeError:  # a lone surrogate, an integer beyond 64 bits, depth, a defect
        line = _rendered_by_json(event, default)
    return line if len(line) < MAX_BYTES else _shortened(event, default)


def _rendered_by_json(event: Mapping[str, Any], default: Default) -> str:
    """Return the line by the standard library, with a placeholder for what that cannot write either."""
    try:
        return _dumps(event, default)
    except Exception:  # noqa: BLE001 -- a value's own method may fail in any way; the event is logged all the same
        return _dumps(_writable(event, default), default)


def _shortened(event: Mapping[str, Any], default: Default) -> str:
    """Return a line that fits: of long fields both ends, or of many fields the ESSENTIAL ones."""
    fields = _writable(event, default)
    texts = {name: _dumps(value, default) for name, value in fields.items()}
    for most in KEPT_BYTES:
        cut = {name: _cut(fields[name], text, most) for name, text in texts.items()}
        line = _dumps(cut, default)
        if len(line) < MAX_BYTES:
            return line
    kept = {name: cut[name] for name in ESSENTIAL if name in cut}
    return _dumps({**kept, "fields_left_out": len(cut) - len(kept)}, default)


def _cut(value: Any, text: str, most: int) -> Any:  # noqa: ANN401 -- anything may be logged
    """Return *value*, whose JSON is *text*, or both ends of it where that is longer than *most* bytes."""
    if len(text) <= most:
        return value
    whole = value if isinstance(value, str) else text
    half = most // 2
    while True:
        ends = f"{whole[:half]} [... {len(whole) - 2 * half} characters ...] {whole[-half:]}"
        excess = len(_escaped(ends)) / most
        if excess <= 1:
            return ends
        half = int(half / max(excess, 1.1))


def _writable(event: Mapping[str, Any], default: Default) -> dict[str, Any]:
    """Return *event* with a placeholder for each value that cannot be written."""
    fields: dict[str, Any] = {}
    for name, value in event.items():
        try:
            _dumps(value, default)
        except Exception:  # noqa: BLE001 -- see above
            fields[str(name)[:MAX_NAME_CHARACTERS]] = f"<unwritable {type(value).__name__}>"
        else:
            fields[str(name)[:MAX_NAME_CHARACTERS]] = value
    return fields


def _dumps(value: Any, default: Default) -> str:  # noqa: ANN401 -- see above
    return _escaped(value, default=default, allow_nan=False)


def _escaped(value: Any, **options: Any) -> str:  # noqa: ANN401 -- see above
    return json.dumps(value, **options).replace(DELETE, r"\u007f")
