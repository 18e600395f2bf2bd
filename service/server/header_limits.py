"""
HeaderLimits of requests as bytes: what aiohttp's parser does not tell apart, or bounds too little.

It reads requests of RTSP and ICE as if they were HTTP's, and takes 128 fields of any size that one may
have: together 2.6 MB of each connection.
"""

import re
from typing import Final

from aiohttp import web

# Header fields of an ALB are at most 16 KB, its cookies come in four shards of 4 KB in one field. More
# than a field's limit is refused as malformed.
MAX_FIELD_BYTES: Final = 20_480
MAX_LINE_BYTES: Final = 16_384  # an ALB's request line
MAX_BYTES: Final = MAX_LINE_BYTES + 65_536  # all fields of an ALB's request

END: Final = b"\r\n\r\n"  # of a head, and of a body in chunks
UNREADABLE: Final = b"\0"  # the parser refuses it at any place of a head
_FOREIGN: Final = re.compile(rb"^[A-Z_]+ [^\r\n]* (?:RTSP|ICE)/\d\.\d\r?\n", re.MULTILINE)


class HeaderLimits:
    """What has come of one connection's next head."""

    __slots__ = ("_begun", "_line", "are_large")

    def __init__(self) -> None:
        self._begun = 0  # bytes
        self._line = b""  # the last one, which has no end yet
        self.are_large = False  # a request may have more bytes than it should

    def readable(self, data: bytes) -> bytes:
        """Return *data* for the parser; UNREADABLE in place of a request of another protocol."""
        self.are_large |= self._begun + len(data) > MAX_BYTES
        lines = self._line + data if self._line else data
        line = lines[lines.rfind(b"\n") + 1 :]
        self._line = line if len(line) <= MAX_LINE_BYTES else b""
        if (b" RTSP/" in lines or b" ICE/" in lines) and _FOREIGN.search(lines):
            return UNREADABLE
        return data

    def within_limit(self, data: bytes) -> bool:
        """Tell whether a head may still be waited for of which *data*, too, is a part."""
        self._begun += len(data)
        return self._begun <= MAX_BYTES

    def ended(self) -> None:
        """Forget the head that is whole."""
        self._begun = 0


def is_too_large(request: web.BaseRequest) -> bool:
    """Tell whether the fields of a request are larger than all of them may be."""
    return sum(len(name) + len(value) for name, value in request.raw_headers) > MAX_BYTES


def has_pipelined_bytes(data: bytes, length: int) -> bool:
    """
    Tell whether *data*, in which a request ends, has a part of another one after it.

    The last whole request in it has a body of that *length*. Not every such part is found, but nothing
    else is taken for one.
    """
    return len(data) - (data.rfind(END) + len(END)) > length
