"""The API document, and the page on which a person can try every call."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web

from service.api import keys, request_body
from service.api.conditional_requests import entity_tag, tag_list
from service.api.http_errors import RouteNotFound
from service.api.operations import Answer, operation

TAG = "documentation"
HTML = "text/html"

# Swagger UI needs no more than this: its styles and scripts are files, its icons are data in its CSS.
PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
}

_STATIC = Path(__file__).parent.parent / "static"
_HAS_A_TAG = {"ETag": "Names exactly this state of the file."}
_KNOWN = {"If-None-Match": "Answer 304 if the file still has one of these tags."}


@dataclass(frozen=True, slots=True)
class _File:
    """A file as answered; FileResponse would refuse ranges with a body that is no problem+json."""

    body: bytes
    content_type: str
    tag: str


@operation(
    "Read this document",
    tag=TAG,
    operation_id="readDocument",
    answers={HTTPStatus.OK: Answer("OpenAPI 3.1.", request_body.JSON)},
)
async def openapi(request: web.Request) -> web.Response:
    """Answer with the API document."""
    return web.Response(body=request.app[keys.OPENAPI], content_type=request_body.JSON)


@operation(
    "Try the calls in a browser",
    tag=TAG,
    operation_id="openPage",
    headers=_KNOWN,
    answers={
        HTTPStatus.OK: Answer("The page.", HTML, _HAS_A_TAG),
        HTTPStatus.NOT_MODIFIED: Answer("The caller's copy is current.", headers=_HAS_A_TAG),
    },
)
async def page(request: web.Request) -> web.Response:
    """Answer with the page."""
    return _answer(request, _file(_STATIC / "docs.html", HTML), PAGE_HEADERS)


@operation(
    "Read a file of the page",
    tag=TAG,
    operation_id="readPageFile",
    headers=_KNOWN,
    answers={
        HTTPStatus.OK: Answer("The file.", "text/*", _HAS_A_TAG),
        HTTPStatus.NOT_MODIFIED: Answer("The caller's copy is current.", headers=_HAS_A_TAG),
    },
    refusals=(RouteNotFound,),
)
async def asset(request: web.Request) -> web.Response:
    """Answer with one of the page's files; any other name is not found."""
    found = _assets().get(request.match_info["asset"])
    if found is None:
        raise RouteNotFound
    return _answer(request, _file(*found), {"Cache-Control": "public, max-age=3600"})


def _answer(request: web.Request, file: _File, headers: Mapping[str, str]) -> web.Response:
    headers = {**headers, "ETag": file.tag}
    known = tag_list(request, "If-None-Match")
    if known is not None and known.matches_weakly(file.tag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(
        body=file.body, content_type=file.content_type, charset="utf-8", headers=headers
    )


@cache
def _file(path: Path, content_type: str) -> _File:
    """Read a file, once: they are few, come with the service, and have 2 MB together."""
    body = path.read_bytes()
    return _File(body, content_type, entity_tag(body))


@cache
def _assets() -> dict[str, tuple[Path, str]]:
    """Return each file of the page and its type; Swagger UI's come in a package that carries them."""
    package = importlib.util.find_spec("drf_spectacular_sidecar")  # found, not imported: no Django
    assert package is not None  # noqa: S101 -- setup.cfg requires it
    assert package.submodule_search_locations is not None  # noqa: S101 -- it is a package
    (root,) = package.submodule_search_locations
    swagger_ui = Path(root) / "static/drf_spectacular_sidecar/swagger-ui-dist"
    return {
        "page.css": (_STATIC / "page.css", "text/css"),
        "page.js": (_STATIC / "page.js", "text/javascript"),
        "swagger-ui-bundle.js": (swagger_ui / "swagger-ui-bundle.js", "text/javascript"),
        "swagger-ui.css": (swagger_ui / "swagger-ui.css", "text/css"),
    }
