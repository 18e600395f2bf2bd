"""The pages by axe's rules, at WCAG 2.1 AA: contrast, names, and use by the keyboard."""

import functools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests_clients.conftest import ROOT
from tests_slow.browser.chromium import Page, chromium
from tests_slow.browser.test_example import served
from tests_slow.commands.running import running

AXE: Final = ROOT / "clients/node_modules/axe-core/axe.min.js"
RULES: Final = '{ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }'
# Swagger UI's own structure: links in its buttons, and examples that scroll.
OF_SWAGGER_UI: Final = {"nested-interactive", "scrollable-region-focusable"}


@pytest.fixture(name="pages")
async def _pages(tmp_path: Path) -> AsyncIterator[tuple[Page, str, str]]:
    async with served() as origin:
        environ = {"SERVER_PORT": "0", "CORS_ALLOWED_ORIGINS": origin}
        async with (
            running("local", folder=tmp_path, environ=environ) as program,
            chromium(tmp_path) as page,
        ):
            api = (await program.until("The API listens on")).split()[4]
            yield page, api, f"{origin}/?api={api}"


async def test_pages_pass_axe(pages: tuple[Page, str, str]) -> None:
    """No rule is violated by the page of the document, with an operation open, and by the example."""
    page, api, example = pages
    violations = functools.partial(_violations, page)

    await page.open(f"{api}/docs")
    await page.until("document.querySelectorAll('.opblock').length > 30")
    await page.run("document.querySelector('.opblock-summary-control').click()")
    await page.until("!!document.querySelector('.errors')")
    assert [each for each in await violations() if each[0] not in OF_SWAGGER_UI] == []

    await page.open(example)
    await page.until("!!document.querySelector('#log-in button').offsetParent")
    assert await violations() == []
    await page.run("document.querySelector('#signed-in').hidden = false")
    assert await violations() == []


async def _violations(page: Page) -> Any:  # noqa: ANN401 -- any JSON
    await page.run(AXE.read_text(encoding="utf-8") + "; undefined")
    return await page.run(
        f"axe.run(document, {RULES}).then(({{ violations }}) => violations.map(({{ id, nodes }}) =>"
        " [id, ...nodes.map(({ html, any }) => html.slice(0, 120) + ' ' + (any[0]?.message ?? ''))]))"
    )
