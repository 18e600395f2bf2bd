"""
Protection against cross-site request forgery (CSRF).

Behind a load balancer that signs users in, the browser's cookie authenticates a request. HTML forms
cannot send JSON bodies, and browsers name the origin of each request.
"""

import re
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.api.http_errors import CrossSiteRefused
from service.api.middlewares.cors import allowed_origin

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SEC_FETCH_SITE: Final = "Sec-Fetch-Site"
DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}

# RFC 6454, section 6.2: no path, no user information
_ORIGIN: Final = re.compile(r"(https?)://([^/?#@\\\s]+)", re.IGNORECASE)


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve the request; raises CrossSiteRefused for a change requested by a page of another site."""
    if (
        request.method not in SAFE_METHODS
        and request.match_info.http_exception is None  # a 404 or 405 changes nothing
        and _is_cross_site(request)
        and allowed_origin(request) is None
    ):
        raise CrossSiteRefused
    return await handler(request)


def _is_cross_site(request: web.Request) -> bool:
    """Return whether the browser's headers name another site as the origin."""
    sites = request.headers.getall(SEC_FETCH_SITE, ())
    if any("cross-site" in site.lower() for site in sites):
        return True
    origins = request.headers.getall(hdrs.ORIGIN, ())
    host = request.headers.get(hdrs.HOST, "").lower()
    return any(not _is_same_host(origin.lower(), host) for origin in origins)


def _is_same_host(origin: str, host: str) -> bool:
    """
    Return whether *origin* has the host and port of *host*.

    The scheme is not compared: a load balancer that terminates TLS hides it.
    """
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return False
    port = DEFAULT_PORTS[match[1]]
    return match[2].removesuffix(port) == host.removesuffix(port)
