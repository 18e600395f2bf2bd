"""
Refuses what is too much for next to nothing: before it is a request to anybody.

Clients that try again at once can take more of the processor by being refused than those that are served.
A refusal by way of the application costs about as much as a read; this one a twentieth.
"""

import re
from typing import Final

from service.api.keys import Dependency

# What waits for an upstream; everything else is answered by the application, health checks always.
_METHODS: Final = (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE")
_PROFILE: Final = b"/v1/user/profile"
_ACCOUNTS: Final = b"/api/auth/"
_OFFER: Final = b"/api/auth/config"
# What makes a request more than a head, perhaps with a body of a length, on a connection that is kept.
_SPECIAL: Final = (b"transfer-encoding", b"connection: close", b"expect", b"upgrade")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: ?(\d{1,9})\r\n")


def is_one_request(data: bytes) -> bool:
    """Tell whether these bytes are one request, as plain as can be, from its first byte to its last."""
    end = data.find(b"\r\n\r\n") + 4
    head = data[:end].lower()
    if end < len(b"\r\n\r\n") or any(word in head for word in _SPECIAL):
        return False
    lengths = head.count(b"content-length")
    if not lengths:
        return end == len(data)
    length = _LENGTH.search(head)
    return lengths == 1 and length is not None and len(data) == end + int(length[1])


def dependency_of(request: bytes) -> Dependency | None:
    """Return what one request waits for; None for nothing, or if it may not be refused unseen."""
    method, _, rest = request.partition(b"\r\n")[0].partition(b" ")
    target, _, version = rest.partition(b" ")
    if version != b"HTTP/1.1" or method not in _METHODS:
        return None
    path = target.partition(b"?")[0]
    if path == _PROFILE:
        return Dependency.DYNAMODB
    return Dependency.COGNITO if path.startswith(_ACCOUNTS) and path != _OFFER else None
