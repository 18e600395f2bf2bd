"""The access token that a request carries: found, and verified before Cognito is asked."""

import re
from collections.abc import Sequence
from typing import Final

from aiohttp import hdrs, web

from service.api import keys
from service.domain.errors import TokenInvalid

OIDC_ACCESS_TOKEN: Final = "x-amzn-oidc-accesstoken"  # noqa: S105 -- the header's name

# RFC 6750, section 2.1
_TOKEN: Final = r"([A-Za-z0-9._~+/-]+=*)"  # noqa: S105 -- its form
_BEARER: Final = re.compile(rf"Bearer {_TOKEN}", re.IGNORECASE)
_PLAIN: Final = re.compile(_TOKEN)


async def sign_in(request: web.Request) -> str:
    """
    Return the request's access token, and let the request carry the identity that it proves.

    It is that of `Authorization: Bearer`, or else the one that the load balancer hands on. Cognito's
    GetUser names neither pool nor client, so it would take a token of any: signature, issuer, client,
    use and expiry are checked here; only Cognito knows whether the token was revoked. Raises TokenInvalid
    without exactly one, or for one of another pool or client; UpstreamUnavailable.
    """
    verifiers = request.app[keys.ACCESS_TOKENS]
    own = request.headers.getall(hdrs.AUTHORIZATION, ())
    if own:
        token, verifier = _found(own, _BEARER), verifiers.authorization
    else:
        handed_on = request.headers.getall(OIDC_ACCESS_TOKEN, ())
        token, verifier = _found(handed_on, _PLAIN), verifiers.load_balancer
    request[keys.IDENTITY] = await verifier.verify(token)
    return token


def _found(copies: Sequence[str], form: re.Pattern[str]) -> str:
    match = form.fullmatch(copies[0]) if len(copies) == 1 else None
    if match is None:
        raise TokenInvalid
    return match[1]
