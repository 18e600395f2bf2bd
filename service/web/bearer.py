"""The access token that a request carries: Cognito verifies it, here it is only found."""

import re
from typing import Final

import jwt
from aiohttp import hdrs, web

from service.domain.errors import TokenInvalid

OIDC_ACCESS_TOKEN: Final = "x-amzn-oidc-accesstoken"  # noqa: S105 -- the header's name

# RFC 6750, section 2.1
_TOKEN: Final = r"([A-Za-z0-9._~+/-]+=*)"  # noqa: S105 -- its form
_BEARER: Final = re.compile(rf"Bearer {_TOKEN}", re.IGNORECASE)
_PLAIN: Final = re.compile(_TOKEN)


def access_token(request: web.Request) -> str:
    """
    Return the token of `Authorization: Bearer`, or else the one that the load balancer hands on.

    It is not verified. Raises TokenInvalid without exactly one.
    """
    own = request.headers.getall(hdrs.AUTHORIZATION, ())
    handed_on = request.headers.getall(OIDC_ACCESS_TOKEN, ())
    copies, form = (own, _BEARER) if own else (handed_on, _PLAIN)
    match = form.fullmatch(copies[0]) if len(copies) == 1 else None
    if match is None:
        raise TokenInvalid
    return match[1]


def claimed_subject(token: str) -> str | None:
    """Return the `sub` that a token claims, None where it can't be read; true once Cognito took it."""
    try:
        claimed = jwt.decode(token, options={"verify_signature": False}).get("sub")
    except jwt.InvalidTokenError:
        return None
    return claimed if isinstance(claimed, str) else None
