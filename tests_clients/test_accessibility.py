"""The pages by axe's rules, at WCAG 2.2 AA: contrast, names, and use by the keyboard."""

from typing import Any, Final

import pytest

from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests_clients.conftest import ROOT
from tests_slow.browser.chromium import Page, User
from tests_slow.browser.conftest import Example
from tests_slow.browser.docs_page import opened
from tests_slow.browser.phone import ELSEWHERE, opened_on_phone

AXE: Final = ROOT / "clients/node_modules/axe-core/axe.min.js"
RULES: Final = '{ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }'


async def test_page_of_the_document_passes_axe(browser_user: User, example: Example) -> None:
    """No rule is violated by closed and open operations, by responses, and by the dialog of Authorize."""
    docs = await opened(await browser_user.page(), f"{example.api}/docs")
    page = docs.page
    closed = await _violations(page)
    assert (await docs.execute("signUp"))[0] == 201
    assert (await docs.execute("readAccount"))[0] == 401
    for operation in ("patchProfile", "listSessions", "deletePasskey"):
        await docs.open(operation)
    await page.run("document.querySelectorAll('.errors').forEach((each) => (each.open = true))")
    with_responses = await _violations(page)
    await page.run("document.querySelector('.auth-wrapper .authorize').click()")
    await page.until("!!document.querySelector('dialog[open]')")

    found = {"closed": closed, "open": with_responses, "dialog": await _violations(page)}
    assert found == {"closed": [], "open": [], "dialog": []}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_example_passes_axe(
    browser_user: User, example: Example, example_mailbox: Mailbox, scheme: str
) -> None:
    """No rule is violated by the forms, the code, an error, and the lists and the conflict of a user."""
    page = await browser_user.page()
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    await page.call("Emulation.setEmulatedMedia", features=media)
    phone = await opened_on_phone(page, example, example_mailbox)
    found = {"signed out": await _violations(page)}
    await phone.fill("#log-in", username=new_user(), password=f"{PASSWORD}!")
    await phone.click("#log-in button")
    await phone.says("The user name or the password is wrong.")
    found["error"] = await _violations(page)
    await phone.sign_up(new_user())
    for city in ("Mumbai", "Pune"):
        await phone.fill("#profile", city=city)
        await phone.click("#profile > button")
        await phone.says("Saved.")
    await page.run(f'{ELSEWHERE}({{"city": "Delhi"}})')
    await phone.fill("#profile", city="Goa")
    await phone.click("#profile > button")
    await phone.says("city is now")
    found["signed in"] = await _violations(page)

    assert found == {"signed out": [], "error": [], "signed in": []}


async def _violations(page: Page) -> Any:  # noqa: ANN401 -- any JSON
    await page.run(AXE.read_text(encoding="utf-8") + "; undefined")
    return await page.run(
        f"axe.run(document, {RULES}).then(({{ violations }}) => violations.map(({{ id, nodes }}) =>"
        " [id, ...nodes.map(({ html, any }) => html.slice(0, 120) + ' ' + (any[0]?.message ?? ''))]))"
    )
