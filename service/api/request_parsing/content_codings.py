"""Content codings of request bodies (RFC 9110, section 8.4), decoded up to a maximum size."""

import zlib
from collections.abc import Sequence
from typing import Final

from service.api.http_errors import BodyTooLarge, MalformedRequest, UnsupportedMediaType

NOT_DECODABLE: Final = "The body is truncated or not encoded as Content-Encoding says."
IDENTITY: Final = "identity"
CODINGS: Final = ("gzip", "deflate", IDENTITY)

_ZLIB_METHOD: Final = 8  # in the low half of the first byte of a zlib stream (RFC 1950)


def coding_of(fields: Sequence[str]) -> str:
    """
    Return the coding that the Content-Encoding *fields* of a request name.

    Raises UnsupportedMediaType for more than one, and for any that is not in CODINGS.
    """
    if not fields:
        return IDENTITY
    coding = fields[0].lower()
    if len(fields) > 1 or coding not in CODINGS:
        raise UnsupportedMediaType(
            "Send the body with Content-Encoding: gzip or deflate, or without one."
        )
    return coding


def decoded(body: bytes, coding: str, *, max_bytes: int) -> bytes:
    """
    Return *body* without its *coding*.

    At most *max_bytes* + 1 are inflated. Raises BodyTooLarge, and MalformedRequest for a body that is not
    encoded in *coding* or has trailing data.
    """
    if coding == IDENTITY:
        return body
    inflater = zlib.decompressobj(_window_bits(body, coding))
    try:
        inflated = inflater.decompress(body, max_bytes + 1)
    except zlib.error:
        raise MalformedRequest(NOT_DECODABLE) from None
    if len(inflated) > max_bytes:
        raise BodyTooLarge
    if inflater.unused_data:
        raise MalformedRequest("The body has data after its compressed content.")
    return inflated


def _window_bits(body: bytes, coding: str) -> int:
    """Return the `wbits` of zlib; some clients send deflate without the zlib header."""
    if coding == "gzip":
        return zlib.MAX_WBITS | 16
    has_header = bool(body) and body[0] & 0x0F == _ZLIB_METHOD
    return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
