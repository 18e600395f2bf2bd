"""Every URL on one page. A route is public only if it stands under PUBLIC."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler

from service.web.handlers import accounts, documentation, health, profiles, sessions
from service.web.keys import Access
from service.web.operations import Operation


class Route(NamedTuple):
    """A method and a path, and what serves them."""

    method: str
    path: str
    operation: Operation


PUBLIC: Final = (
    Route("POST", "/api/auth/signup", accounts.sign_up),
    Route("POST", "/api/auth/confirm", accounts.confirm),
    Route("POST", "/api/auth/resend", accounts.resend_code),
    Route("POST", "/api/auth/login", sessions.log_in),
    Route("POST", "/api/auth/refresh", sessions.refresh),
    Route("POST", "/api/auth/logout", sessions.log_out),
    Route("GET", "/health/live", health.live),
    Route("GET", "/health/ready", health.ready),
    Route("GET", "/openapi.json", documentation.openapi),
    Route("GET", "/docs", documentation.page),
    Route("GET", "/docs/{asset}", documentation.asset),
)

IDENTIFIED: Final = (
    Route("GET", profiles.PATH, profiles.show),
    Route("POST", profiles.PATH, profiles.save),
)


def all_routes() -> Iterator[tuple[Route, Access]]:
    """Yield every route with who may call it."""
    for access, routes in ((Access.PUBLIC, PUBLIC), (Access.IDENTIFIED, IDENTIFIED)):
        for route in routes:
            yield route, access


def register(app: web.Application) -> Mapping[Handler, Access]:
    """Add the routes to *app*, each GET with its HEAD; return who may call each handler."""
    for route, _ in all_routes():
        if route.method == "GET":
            app.router.add_get(route.path, route.operation.call)
        else:
            app.router.add_route(route.method, route.path, route.operation.call)
    return {route.operation.call: access for route, access in all_routes()}
