"""
A DynamoDB stub with one profile for every user that a request names.

Answers have the right form and keys, and never change. The service's table has a claim beside each
profile, so a Query there returns two items; any other table has none.
"""

import json
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from bench import profiles
from bench.stubs import http
from service.profile_store import items, tombstones
from service.profile_store.attribute_values import to_attribute

SERVICE_TABLE: Final = "user-profiles"
OTHER_TABLE: Final = "plain-profiles"

USER: Final = re.compile(rb'"S": ?"([0-9a-f-]{36})"')
KEY: Final = re.compile(USER.pattern + rb'\}(, ?"createdAt": ?\{"S": ?"~claim")?')
TABLE: Final = re.compile(rb'"RequestItems": ?\{ ?"([^"]+)"')
ABSENT: Final = profiles.HAS_NONE.encode()
NOTHING: Final = b"{}"
JSON: Final = "application/x-amz-json-1.0"
PLACE: Final = "5" * 36  # the placeholder of the user while an item is prepared


def _around(item: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return the parts of an item's JSON before and after the user."""
    before, after = json.dumps(item, separators=(",", ":")).encode().split(PLACE.encode())
    return before, after


_PROFILE: Final = _around(
    {name: to_attribute(value) for name, value in profiles.item(PLACE).items()}
    | {items.WRITE_ID: {"S": profiles.WRITE_ID}}
)
_CLAIM: Final = _around(tombstones.active_claim(PLACE, profiles.WRITE_ID, profiles.CREATED_AT))


def _profile(user: bytes) -> bytes:
    return user.join(_PROFILE)


def _claim(user: bytes) -> bytes:
    return user.join(_CLAIM)


def _items(body: bytes) -> list[bytes]:
    """Return the items at the keys of a read, profiles and claims."""
    return [
        _claim(user) if at_claim else _profile(user)
        for user, at_claim in KEY.findall(body)
        if not user.startswith(ABSENT)
    ]


def _query(body: bytes) -> bytes:
    user = _user(body)
    if user is None:
        return b'{"Count":0,"ScannedCount":0,"Items":[]}'
    if OTHER_TABLE.encode() in body:
        return b'{"Count":1,"ScannedCount":1,"Items":[%b]}' % _profile(user)
    return b'{"Count":2,"ScannedCount":2,"Items":[%b,%b]}' % (_profile(user), _claim(user))


def _get_item(body: bytes) -> bytes:
    found = _items(body)
    return b'{"Item":%b}' % found[0] if found else NOTHING


def _batch_get_item(body: bytes) -> bytes:
    table = TABLE.search(body)
    return b'{"Responses":{"%b":[%b]},"UnprocessedKeys":{}}' % (
        table[1] if table else SERVICE_TABLE.encode(),
        b",".join(_items(body)),
    )


def _update_item(body: bytes) -> bytes:
    user = _user(body)
    return NOTHING if user is None else b'{"Attributes":%b}' % _profile(user)


def _write(_: bytes) -> bytes:
    return NOTHING


_OPERATIONS: Final[Mapping[bytes, Callable[[bytes], bytes]]] = {
    b"BatchGetItem": _batch_get_item,
    b"GetItem": _get_item,
    b"PutItem": _write,
    b"Query": _query,
    b"TransactWriteItems": _write,
    b"UpdateItem": _update_item,
}


def _user(body: bytes) -> bytes | None:
    """Return the first user that a call names; None if the table has no item of the user."""
    found = USER.search(body)
    return None if found is None or found[1].startswith(ABSENT) else found[1]


def respond(head: bytes, body: bytes) -> bytes:
    """Answer a call; operations that the service's role does not have are not found."""
    operation = _OPERATIONS.get(http.target(head))
    if operation is None:
        return http.NOT_FOUND
    found = operation(body)
    return http.answer(found, JSON, f"x-amz-crc32: {zlib.crc32(found)}", "x-amzn-RequestId: STUB")


if __name__ == "__main__":
    http.run(respond, http.arguments("A stub DynamoDB.").parse_args())
