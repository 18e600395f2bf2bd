"""The API document, and a page to try its operations in a browser."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web

from service.api import keys
from service.api.conditional_requests import entity_tag, tag_list
from service.api.http_errors import RouteNotFound
from service.api.operations import PathParameter, Success, operation
from service.api.request_parsing import request_body

TAG = "documentation"
HTML = "text/html"

# All that Swagger UI needs: its styles and scripts are files, its icons are data URLs in its CSS.
PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
}

_STATIC = Path(__file__).parent.parent / "static"
_ETAG = {"ETag": "The entity tag of this state of the file."}
_CONDITIONS = {"If-None-Match": "Respond with 304 if the file has one of these entity tags."}


@dataclass(frozen=True, slots=True)
class _File:
    """A file to serve; FileResponse would reject ranges without a problem+json body."""

    body: bytes
    content_type: str
    tag: str


@operation(
    "Read this document",
    tag=TAG,
    operation_id="readDocument",
    answers={HTTPStatus.OK: Success("OpenAPI 3.1.", request_body.JSON)},
)
async def openapi(request: web.Request) -> web.Response:
    """Return the API document."""
    return web.Response(body=request.app[keys.OPENAPI], content_type=request_body.JSON)


@operation(
    "Try the operations in a browser",
    tag=TAG,
    operation_id="openPage",
    headers=_CONDITIONS,
    answers={
        HTTPStatus.OK: Success("The page.", HTML, _ETAG),
        HTTPStatus.NOT_MODIFIED: Success("The caller's copy is current.", headers=_ETAG),
    },
)
async def page(request: web.Request) -> web.Response:
    """Return the page."""
    return _response(request, _file(_STATIC / "docs.html", HTML), PAGE_HEADERS)


@operation(
    "Try the operations in a browser, without a path",
    tag=TAG,
    operation_id="openRoot",
    headers=_CONDITIONS,
    answers={
        HTTPStatus.OK: Success("The page.", HTML, _ETAG),
        HTTPStatus.NOT_MODIFIED: Success("The caller's copy is current.", headers=_ETAG),
    },
)
async def root(request: web.Request) -> web.Response:
    """Return the page, whose links are right here, too."""
    return _response(request, _file(_STATIC / "docs.html", HTML), PAGE_HEADERS)


@operation(
    "Read a file of the page",
    tag=TAG,
    operation_id="readPageFile",
    headers=_CONDITIONS,
    answers={
        HTTPStatus.OK: Success("The file.", "text/*", _ETAG),
        HTTPStatus.NOT_MODIFIED: Success("The caller's copy is current.", headers=_ETAG),
    },
    path={"asset": PathParameter("The name of the file.", "page.css")},
    refusals=(RouteNotFound,),
)
async def asset(request: web.Request) -> web.Response:
    """
    Return one of the page's files.

    Raises RouteNotFound for any other name.
    """
    found = _assets().get(request.match_info["asset"])
    if found is None:
        raise RouteNotFound
    return _response(request, _file(*found), {"Cache-Control": "public, max-age=3600"})


def _response(request: web.Request, file: _File, headers: Mapping[str, str]) -> web.Response:
    headers = {**headers, "ETag": file.tag}
    if_none_match = tag_list(request, "If-None-Match")
    if if_none_match is not None and if_none_match.matches(file.tag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(
        body=file.body, content_type=file.content_type, charset="utf-8", headers=headers
    )


@cache
def _file(path: Path, content_type: str) -> _File:
    """Return a file from memory; all of them have 2 MB."""
    body = path.read_bytes()
    return _File(body, content_type, entity_tag(body))


@cache
def _assets() -> dict[str, tuple[Path, str]]:
    """Return the path and type of each file of the page; Swagger UI comes from an installed package."""
    package = importlib.util.find_spec("drf_spectacular_sidecar")  # importing it would need Django
    assert package is not None  # noqa: S101 -- setup.cfg requires it
    assert package.submodule_search_locations is not None  # noqa: S101 -- it is a package
    (root,) = package.submodule_search_locations
    swagger_ui = Path(root) / "static/drf_spectacular_sidecar/swagger-ui-dist"
    return {
        "page.css": (_STATIC / "page.css", "text/css"),
        "page.js": (_STATIC / "page.js", "text/javascript"),
        "prefill.js": (_STATIC / "prefill.js", "text/javascript"),
        "swagger-ui-bundle.js": (swagger_ui / "swagger-ui-bundle.js", "text/javascript"),
        "swagger-ui.css": (swagger_ui / "swagger-ui.css", "text/css"),
    }
