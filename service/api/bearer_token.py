"""The access token of a request, verified before Cognito is called."""

import re
from collections.abc import Sequence
from typing import Final

from aiohttp import hdrs, web
from multidict import istr

from service.api import keys
from service.domain.errors import NotAuthenticated, TokenInvalid
from service.domain.identity import ServiceCaller

OIDC_ACCESS_TOKEN: Final = istr("x-amzn-oidc-accesstoken")

# RFC 6750, section 2.1
_TOKEN: Final = r"([A-Za-z0-9._~+/-]+=*)"  # noqa: S105 -- a pattern
_BEARER: Final = re.compile(rf"Bearer {_TOKEN}", re.IGNORECASE)
_PLAIN: Final = re.compile(_TOKEN)


async def sign_in(request: web.Request) -> str:
    """
    Return the request's access token, and set the request's identity to that of the token.

    The token comes from `Authorization: Bearer`, or else from the load balancer. Its signature, issuer,
    client, use and expiry are verified here, since Cognito's GetUser accepts tokens of any pool and
    client; only Cognito knows whether it was revoked. Raises TokenInvalid unless there is exactly one
    valid token, and UpstreamUnavailable.
    """
    verifiers = request.app[keys.ACCESS_TOKENS]
    values = request.headers.getall(hdrs.AUTHORIZATION, ())
    if values:
        token, verifier = _parsed(values, _BEARER), verifiers.authorization
    else:
        values = request.headers.getall(OIDC_ACCESS_TOKEN, ())
        token, verifier = _parsed(values, _PLAIN), verifiers.load_balancer
    request[keys.IDENTITY] = await verifier.verify(token)
    return token


async def service_caller(request: web.Request) -> ServiceCaller:
    """
    Return the service whose access token `Authorization: Bearer` has.

    Raises NotAuthenticated without exactly one header of this scheme, TokenInvalid, also for a user's
    token, and UpstreamUnavailable.
    """
    values = request.headers.getall(hdrs.AUTHORIZATION, ())
    if len(values) != 1 or values[0].partition(" ")[0].lower() != "bearer":
        raise NotAuthenticated
    return await request.app[keys.ACCESS_TOKENS].services.verify(_parsed(values, _BEARER))


def _parsed(values: Sequence[str], pattern: re.Pattern[str]) -> str:
    match = pattern.fullmatch(values[0]) if len(values) == 1 else None
    if match is None:
        raise TokenInvalid
    return match[1]
