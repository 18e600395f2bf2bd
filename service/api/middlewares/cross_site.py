"""
Keeps other sites' pages from using a person's session (CSRF).

Behind a load balancer that logs people in, the browser's cookie is enough to call the API. Bodies must be
JSON, which no form can send; and a browser says with each request where it comes from.
"""

import re
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.api.http_errors import CrossSiteRefused
from service.api.middlewares.cors import listed_origin

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SEC_FETCH_SITE: Final = "Sec-Fetch-Site"
DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}

# As browsers write it (RFC 6454, section 6.2): no path, no user.
_ORIGIN: Final = re.compile(r"(https?)://([^/?#@\\\s]+)", re.IGNORECASE)


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve the request; raises CrossSiteRefused where another site's page wants to change something."""
    if (
        request.method not in SAFE_METHODS
        and request.match_info.http_exception is None  # a 404 or 405 changes nothing
        and _is_foreign(request)
        and listed_origin(request) is None
    ):
        raise CrossSiteRefused
    return await handler(request)


def _is_foreign(request: web.Request) -> bool:
    """Tell whether a browser says that the request comes from a page of another site."""
    sites = request.headers.getall(SEC_FETCH_SITE, ())
    if any("cross-site" in site.lower() for site in sites):
        return True
    origins = request.headers.getall(hdrs.ORIGIN, ())
    host = request.headers.get(hdrs.HOST, "").lower()
    return any(not _is_ours(origin.lower(), host) for origin in origins)


def _is_ours(origin: str, host: str) -> bool:
    """
    Tell whether a page of *origin* is one of this service's, which is addressed as *host*.

    The scheme is not compared: a balancer that ends TLS hides which one the browser used.
    """
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return False
    port = DEFAULT_PORTS[match[1]]
    return match[2].removesuffix(port) == host.removesuffix(port)
