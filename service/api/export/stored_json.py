"""JSON of any value that DynamoDB stores."""

from decimal import Decimal

import orjson

from service.domain.values.json_values import JsonValue


def stored_json(value: JsonValue) -> bytes:
    r"""
    Return the JSON of *value* in UTF-8, with all digits of its numbers.

    An unpaired surrogate, which UTF-8 cannot represent, becomes six characters such as `\ud800`.
    """
    match value:
        case dict():
            members = (
                stored_json(name) + b":" + stored_json(value[name]) for name in sorted(value)
            )
            return b"{" + b",".join(members) + b"}"
        case list():
            return b"[" + b",".join(map(stored_json, value)) + b"]"
        case str():
            return orjson.dumps(value.encode("utf-8", "backslashreplace").decode())
        case int() | Decimal() if not isinstance(value, bool):
            return str(value).encode()
        case _:
            return orjson.dumps(value)
