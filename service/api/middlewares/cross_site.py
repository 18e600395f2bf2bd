"""
Protection against cross-site request forgery (CSRF).

Behind a load balancer that signs users in, the browser's cookie authenticates a request. HTML forms
cannot send JSON bodies, and browsers name the origin of each request.
"""

from typing import Final

from aiohttp import web

from service.api.http_errors import CrossSiteRefused
from service.api.middlewares.page_origin import allowed_origin, is_cross_origin

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def check(request: web.Request) -> None:
    """Raise CrossSiteRefused for a change requested by a page of another origin."""
    if (
        request.method not in SAFE_METHODS
        and request.match_info.http_exception is None  # a 404 or 405 changes nothing
        and is_cross_origin(request)
        and allowed_origin(request) is None
    ):
        raise CrossSiteRefused
