"""
The origin of the page that sent a request, as its browser names it.

Pages can set neither Origin nor Sec-Fetch-Site (Fetch standard, forbidden request-headers). A proxy may
rewrite Host, its port and X-Forwarded-Host, but not what the browser decided: Sec-Fetch-Site comes first.
"""

import re
from typing import Final

from aiohttp import hdrs, web

from service.api import keys

SEC_FETCH_SITE: Final = "Sec-Fetch-Site"
DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
OWN: Final = (["same-origin"], ["none"])  # none: the user opened the URL, no page
FOREIGN: Final = ("cross-site", "same-site")

# RFC 6454, section 6.2: no path, no user information
_ORIGIN: Final = re.compile(r"(https?)://([^/?#@\\\s]+)", re.IGNORECASE)

# As browsers send it: in lower case, without the default port.
_LOCALHOST: Final = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:[1-9][0-9]{0,4})?")


def allowed_origin(request: web.Request) -> str | None:
    """
    Return the request's origin if it is exactly one of `[cors] allowed-origins`.

    `local` also allows pages of this machine on any port.
    """
    origins = request.headers.getall(hdrs.ORIGIN, ())
    if len(origins) != 1:
        return None
    allowed = origins[0] in request.app[keys.CONFIG].cors.allowed_origins
    local = request.app[keys.PLAIN_LOCALHOST] and _LOCALHOST.fullmatch(origins[0]) is not None
    return origins[0] if allowed or local else None


def is_page(request: web.Request) -> bool:
    """Return whether a page sent the request: browsers name it in each request that changes something."""
    return SEC_FETCH_SITE in request.headers or hdrs.ORIGIN in request.headers


def is_accepted_page(request: web.Request) -> bool:
    """Return whether a page of the service's own origin or of an allowed one sent the request."""
    if allowed_origin(request) is not None:
        return True
    has_proof = request.headers.getall(SEC_FETCH_SITE, []) in OWN or hdrs.ORIGIN in request.headers
    return has_proof and not is_cross_origin(request)


def is_cross_origin(request: web.Request) -> bool:
    """
    Return whether a page of another origin sent the request; False for clients that are no browsers.

    Without a valid Sec-Fetch-Site, as from http pages and from Safari before 16.4, the host and port of
    Origin must be those of Host.
    """
    sites = request.headers.getall(SEC_FETCH_SITE, [])
    if sites in OWN:
        return False
    if any(name in site.lower() for site in sites for name in FOREIGN):
        return True
    host = request.headers.get(hdrs.HOST, "").lower()
    origins = request.headers.getall(hdrs.ORIGIN, ())
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
