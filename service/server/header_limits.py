"""
Limits on the headers of requests, as bytes, where aiohttp's parser has none or a loose one.

aiohttp parses RTSP and ICE requests as HTTP, and takes 128 fields of the maximum size: 2.6 MB for each
connection.
"""

import re
from typing import Final

from aiohttp import web

# Fields of an ALB are at most 16 KB; its cookies come in four shards of 4 KB in one field. The parser
# refuses a longer field as malformed.
MAX_FIELD_BYTES: Final = 20_480
MAX_LINE_BYTES: Final = 16_384  # an ALB's request line
MAX_BYTES: Final = MAX_LINE_BYTES + 65_536  # all fields of an ALB's request

END: Final = b"\r\n\r\n"  # of a header, and of a chunked body
UNREADABLE: Final = b"\0"  # the parser refuses it anywhere in a header
_FOREIGN: Final = re.compile(rb"^[A-Z_]+ [^\r\n]* (?:RTSP|ICE)/\d\.\d\r?\n", re.MULTILINE)


class HeaderLimits:
    """The part of one connection's next header that has been received."""

    __slots__ = ("_line", "_received_bytes", "may_be_exceeded")

    def __init__(self) -> None:
        self._received_bytes = 0
        self._line = b""  # the last one, which has no end yet
        self.may_be_exceeded = False  # by a request, which `is_too_large` finds out

    def filtered(self, data: bytes) -> bytes:
        """Return *data* for the parser, or UNREADABLE where a request is of another protocol."""
        self.may_be_exceeded |= self._received_bytes + len(data) > MAX_BYTES
        lines = self._line + data if self._line else data
        line = lines[lines.rfind(b"\n") + 1 :]
        self._line = line if len(line) <= MAX_LINE_BYTES else b""
        # `find` costs half of `in`, which first tries the text as the number of a byte.
        may_be_foreign = lines.find(b" RTSP/") >= 0 or lines.find(b" ICE/") >= 0
        if may_be_foreign and _FOREIGN.search(lines):
            return UNREADABLE
        return data

    def within_limit(self, data: bytes) -> bool:
        """Count *data* as a part of an incomplete header; return whether that may still grow."""
        self._received_bytes += len(data)
        return self._received_bytes <= MAX_BYTES

    def reset(self) -> None:
        """Begin the next header."""
        self._received_bytes = 0


def is_too_large(request: web.BaseRequest) -> bool:
    """Return whether all fields of a request are together larger than MAX_BYTES."""
    return sum(len(name) + len(value) for name, value in request.raw_headers) > MAX_BYTES


def has_pipelined_bytes(data: bytes, length: int) -> bool:
    """
    Return whether *data*, in which a request ends, goes on with a part of the next one.

    *length* is that of the body of the last complete request. There are no false positives; a part
    that itself contains END is not found.
    """
    return len(data) - (data.rfind(END) + len(END)) > length
