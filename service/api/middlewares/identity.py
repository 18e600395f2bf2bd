"""Finds out who is asking; a route that is not listed as public needs a proof of it."""

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.api import bearer_token, keys
from service.api.bearer_token import OIDC_ACCESS_TOKEN
from service.api.client_address import parse_address
from service.api.keys import Access
from service.domain.errors import NotAuthenticated
from service.domain.identity import Identity, RequestCredentials

OIDC_IDENTITY = "x-amzn-oidc-identity"
OIDC_DATA = "x-amzn-oidc-data"


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """
    Serve the request.

    Raises NotAuthenticated where the route needs an identity and none is proved, TokenInvalid where it
    needs an access token and there is no valid one, UpstreamUnavailable where a key cannot be had.
    """
    match = request.match_info
    if match.http_exception is None:  # a 404 or 405 reveals only what /openapi.json says
        access = request.app[keys.ACCESS].get(match.handler, Access.IDENTIFIED)
        if access is Access.IDENTIFIED:
            request[keys.IDENTITY] = await _identify(request)
        elif access is Access.SIGNED_IN:
            request[keys.ACCESS_TOKEN] = await bearer_token.sign_in(request)
    return await handler(request)


async def _identify(request: web.Request) -> Identity:
    """Return whom the sources prove; all that find something must name the same user."""
    evidence = credentials_of(request)
    accepted: Identity | None = None
    for source in request.app[keys.AUTHENTICATORS]:
        identity = await source.identify(evidence)
        if identity is None:
            continue
        if accepted is None:
            accepted = identity
        elif identity.sub != accepted.sub:
            raise NotAuthenticated
    # The plain header proves nothing, but one that names somebody else is a lie or a mistake.
    if accepted is None or any(name != accepted.sub for name in evidence.oidc_identity):
        raise NotAuthenticated
    return accepted


def credentials_of(request: web.Request) -> RequestCredentials:
    """Collect what the request shows of its sender."""
    headers = request.headers
    return RequestCredentials(
        peer=parse_address(request.remote or ""),
        authorization=tuple(headers.getall(hdrs.AUTHORIZATION, ())),
        oidc_identity=tuple(headers.getall(OIDC_IDENTITY, ())),
        oidc_data=tuple(headers.getall(OIDC_DATA, ())),
        oidc_access_token=tuple(headers.getall(OIDC_ACCESS_TOKEN, ())),
    )
