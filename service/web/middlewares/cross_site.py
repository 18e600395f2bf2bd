"""
Keeps other sites' pages from using a person's session (CSRF).

Behind a load balancer that logs people in, the browser's cookie is enough to call the API. Bodies must be
JSON, which no form can send; and a browser says with each request where it comes from.
"""

from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.domain.errors import CrossSiteRefused
from service.web.middlewares.cors import listed_origin

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SEC_FETCH_SITE: Final = "Sec-Fetch-Site"


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve the request; raises CrossSiteRefused where another site's page wants to change something."""
    if (
        request.method not in SAFE_METHODS
        and _is_foreign(request)
        and listed_origin(request) is None
    ):
        raise CrossSiteRefused
    return await handler(request)


def _is_foreign(request: web.Request) -> bool:
    """Tell whether a browser says that the request comes from a page of another site."""
    sites = request.headers.getall(SEC_FETCH_SITE, ())
    if any(site.strip().lower() == "cross-site" for site in sites):
        return True
    # Only the host is compared: a balancer that ends TLS hides which scheme the browser used.
    origins = request.headers.getall(hdrs.ORIGIN, ())
    return any(_host(origin) != request.host.lower() for origin in origins)


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
