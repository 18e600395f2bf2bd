"""Authentication: routes that are not public require an identity, or an access token of their kind."""

from aiohttp import hdrs, web
from multidict import istr

from service.api import bearer_token, keys
from service.api.bearer_token import OIDC_ACCESS_TOKEN
from service.api.client_address import parse_address
from service.api.keys import Access
from service.domain.errors import NotAuthenticated
from service.domain.identity import Identity, RequestCredentials

OIDC_IDENTITY = istr("x-amzn-oidc-identity")
OIDC_DATA = istr("x-amzn-oidc-data")


class Authentication:
    """The authentication of the requests of *app*."""

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self._access = app[keys.ACCESS]

    async def authenticate(self, request: web.Request) -> None:
        """
        Set the identity of a request.

        Raises NotAuthenticated if the route requires an identity and there is none, TokenInvalid if it
        requires a valid access token and there is none, UpstreamUnavailable if no public key can be
        fetched.
        """
        match = request.match_info
        if match.http_exception is not None:  # a 404 or 405 reveals no more than /openapi.json
            return
        access = self._access.get(match.handler, Access.IDENTIFIED)
        if access is Access.IDENTIFIED:
            request[keys.IDENTITY] = await identify(request, self._app)
        elif access is Access.SIGNED_IN:
            request[keys.ACCESS_TOKEN] = await bearer_token.sign_in(request)
        elif access is Access.SERVICE:
            request[keys.SERVICE_CALLER] = await bearer_token.service_caller(request)


async def identify(request: web.Request, app: web.Application) -> Identity:
    """
    Return the identity that the sources accept; all must accept the same one or none.

    Raises NotAuthenticated, and as the sources.
    """
    credentials = credentials_of(request)
    accepted: Identity | None = None
    for source in app[keys.AUTHENTICATORS]:
        identity = await source.identify(credentials)
        if identity is None:
            continue
        if accepted is None:
            accepted = identity
        elif identity.sub != accepted.sub:
            raise NotAuthenticated
    if accepted is None or accepted.sub in app[keys.CLIENT_IDS]:
        raise NotAuthenticated
    # An unverified header must at least agree.
    for name in credentials.oidc_identity:
        if name != accepted.sub:
            raise NotAuthenticated
    return accepted


def credentials_of(request: web.Request) -> RequestCredentials:
    """Return the credentials of a request."""
    values = request.headers.getall
    return RequestCredentials(  # by position, which costs half as much
        parse_address(request.remote or ""),
        tuple(values(hdrs.AUTHORIZATION, ())),
        tuple(values(OIDC_IDENTITY, ())),
        tuple(values(OIDC_DATA, ())),
        tuple(values(OIDC_ACCESS_TOKEN, ())),
    )
