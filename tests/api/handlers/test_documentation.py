"""The page to try the operations."""

import re
from pathlib import Path

import pytest
from yarl import URL

from service.api.handlers import documentation
from tests.api.conftest import Api

OWN_FILES = sorted((Path(documentation.__file__).parent.parent / "static").iterdir())
ASSETS = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "prefill.js": "text/javascript",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}


async def test_page_runs_nothing_but_its_own_files(api: Api) -> None:
    """The policy allows scripts and styles of this host only, none of them inline, and no framing."""
    response = await api.get("/docs")

    directives = dict(
        directive.strip().split(" ", 1)
        for directive in response.headers["Content-Security-Policy"].split(";")
    )
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert directives == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_root_is_the_page(api: Api) -> None:
    """The address without a path has the page, whose relative links are right there, too."""
    root, page = await api.get("/"), await api.get("/docs")

    assert root.status == 200
    assert await root.text() == await page.text()
    assert root.headers["Content-Security-Policy"] == page.headers["Content-Security-Policy"]


async def test_page_is_not_sniffed_and_is_revalidated(api: Api) -> None:
    """The page has its content type, no referrer, and is revalidated by caches."""
    response = await api.get("/docs")

    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-cache, no-transform"


async def test_page_has_no_inline_code_and_every_file_that_it_names(api: Api) -> None:
    """All files that the page loads are served beside it."""
    page = await (await api.get("/docs")).text()

    named = re.findall(r'(?:src|href)="(docs/[^"]+)"', page)
    assert {f"docs/{name}" for name in ASSETS} == set(named)
    assert len(named) == len(re.findall(r"<script|<link rel=\"stylesheet\"", page))
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script>", page) == []


@pytest.mark.parametrize("file", OWN_FILES, ids=lambda file: file.name)
def test_page_names_no_other_host(file: Path) -> None:
    """The page's files refer to no other host."""
    assert re.findall(r"""["'(]\s*(?:https?:)?//""", file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("name", "content_type"), ASSETS.items(), ids=ASSETS)
async def test_asset_is_served_as_what_it_is(api: Api, name: str, content_type: str) -> None:
    """Each file has its content type and may be cached for an hour."""
    response = await api.get(f"/docs/{name}")

    assert response.status == 200
    assert response.headers["Content-Type"] == f"{content_type}; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "public, max-age=3600, no-transform"
    assert len(await response.read()) == int(response.headers["Content-Length"]) > 0


@pytest.mark.parametrize("path", ["/docs", "/docs/page.js"])
async def test_copy_that_is_current_is_not_sent_again(api: Api, path: str) -> None:
    """If-None-Match with the file's entity tag is 304; with any other it is the file."""
    tag = (await api.get(path)).headers["ETag"]

    same = await api.get(path, headers={"If-None-Match": tag})
    other = await api.get(path, headers={"If-None-Match": '"other"'})

    assert (same.status, same.headers["ETag"], await same.read()) == (304, tag, b"")
    assert other.status == 200


@pytest.mark.parametrize("path", ["/docs", "/docs/page.js"])
async def test_range_is_not_heeded(api: Api, path: str) -> None:
    """A range request gets the whole file."""
    response = await api.get(path, headers={"Range": "bytes=9999999-"})

    assert response.status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/docs/unknown.js",
        "/docs/docs.html",
        "/docs/swagger-ui-bundle.js.map",
        "/docs/",
        "/docs/..%2fkeys.py",
        "/docs/..%2f..%2fconfig.py",
        "/docs/..%5c..%5cconfig.py",
        "/docs/%2e%2e%2fkeys.py",
        "/docs/....//keys.py",
        "/docs/%2fetc%2fpasswd",
        "/docs/%252e%252e%252fkeys.py",
        "/docs/page.js%00.css",
        "/docs/page.js/",
        "/docs/PAGE.JS",
    ],
)
async def test_any_other_name_is_not_found(api: Api, path: str) -> None:
    """Only the page's files are served."""
    response = await api.get(URL(path, encoded=True))

    assert (response.status, response.content_type) == (404, "application/problem+json")
    assert (await response.json())["code"] == "route_not_found"


async def test_page_is_public(api: Api) -> None:
    """The API document requires no authentication."""
    assert [(await api.get(path)).status for path in ("/docs", "/docs/page.js")] == [200, 200]
