"""The access token that a request carries as `Authorization: Bearer` (RFC 6750, section 2.1)."""

import re
from typing import Final

from aiohttp import hdrs, web

from service.domain.errors import TokenInvalid

_BEARER: Final = re.compile(r"Bearer ([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


def access_token(request: web.Request) -> str:
    """Return the token, not verified; raises TokenInvalid without exactly one."""
    copies = request.headers.getall(hdrs.AUTHORIZATION, ())
    match = _BEARER.fullmatch(copies[0]) if len(copies) == 1 else None
    if match is None:
        raise TokenInvalid
    return match[1]
