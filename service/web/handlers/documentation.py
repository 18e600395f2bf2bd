"""The API document, and the page on which a person can try every call."""

import importlib.util
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web

from service.web import bodies, keys
from service.web.operations import Answer, operation

TAG = "documentation"
HTML = "text/html"

PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
}
ASSET_HEADERS: Final = {"Cache-Control": "public, max-age=3600"}

_OWN = Path(__file__).parent.parent / "static"


@operation(
    "Read this document",
    tag=TAG,
    answers={HTTPStatus.OK: Answer("OpenAPI 3.1.", bodies.JSON)},
)
async def openapi(request: web.Request) -> web.Response:
    """Answer with the API document."""
    return web.Response(body=request.app[keys.OPENAPI], content_type=bodies.JSON)


@operation(
    "Try the calls in a browser",
    tag=TAG,
    answers={HTTPStatus.OK: Answer("The page.", HTML)},
)
async def page(_: web.Request) -> web.FileResponse:
    """Answer with the page."""
    return web.FileResponse(_OWN / "docs.html", headers=PAGE_HEADERS)


@operation(
    "Read a part of the page",
    tag=TAG,
    answers={
        HTTPStatus.OK: Answer("The part.", "*/*"),
        HTTPStatus.NOT_MODIFIED: Answer("The caller's copy is current."),
    },
)
async def asset(request: web.Request) -> web.FileResponse:
    """Answer with one of the page's files; any other name is not found."""
    path = _assets().get(request.match_info["asset"])
    if path is None:
        raise web.HTTPNotFound
    return web.FileResponse(path, headers=ASSET_HEADERS)


@cache
def _assets() -> dict[str, Path]:
    """Return where each file of the page is; Swagger UI's come from the package that carries them."""
    package = importlib.util.find_spec("drf_spectacular_sidecar")  # found, not imported: no Django
    assert package is not None  # noqa: S101 -- setup.cfg requires it
    assert package.submodule_search_locations is not None  # noqa: S101 -- it is a package
    (root,) = package.submodule_search_locations
    swagger_ui = Path(root) / "static/drf_spectacular_sidecar/swagger-ui-dist"
    return {
        "start.js": _OWN / "start.js",
        "swagger-ui-bundle.js": swagger_ui / "swagger-ui-bundle.js",
        "swagger-ui.css": swagger_ui / "swagger-ui.css",
    }
