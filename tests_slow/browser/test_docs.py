"""The page of the API document in a real Chromium, by clicking and by the keyboard."""

import json
from typing import Any, Final

import pytest

from tests.support.accounts import PASSWORD, Mailbox
from tests_slow.browser.chromium import Page, User
from tests_slow.browser.conftest import Example
from tests_slow.browser.docs_page import HEIGHT, Docs, opened
from tests_slow.browser.keyboard import Keyboard

# What makes an operation tall: its parameters, its body, its successes.
OPERATIONS: Final = """
fetch("openapi.json").then((found) => found.json()).then(({ paths }) =>
  Object.values(paths).flatMap(Object.values).map((each) => {
    const successes = Object.entries(each.responses).filter(([status]) => status < 400);
    const headers = successes.flatMap(([, { headers }]) => Object.keys(headers ?? {}));
    const counts = [each.parameters?.length ?? 0, successes.length, headers.length];
    return { id: each.operationId, shape: [!!each.requestBody, ...counts] };
  }))
"""


@pytest.fixture(name="docs")
async def _docs(page: Page, origin: str) -> Docs:
    return await opened(page, f"{origin}/")


async def test_whole_journey_by_clicking(docs: Docs, mailbox: Mailbox) -> None:
    """From sign-up to log-out every prefilled body succeeds, but for the code of the message."""
    tokens = await _saved_profile(docs, mailbox)
    prefilled = await docs.body("refreshSession")
    refreshed, _ = await docs.execute("refreshSession")
    changed, _ = await docs.execute("changePassword")
    again, _ = await docs.execute("logIn")

    assert prefilled["refreshToken"] == tokens["refreshToken"]
    assert (refreshed, changed, again) == (200, 204, 200)
    await _logged_out(docs)


async def test_whole_journey_with_a_refresh_cookie(
    browser_user: User, example: Example, example_mailbox: Mailbox
) -> None:
    """With the refresh token in the cookie, as under `make run`, no script has it and no body is sent."""
    docs = await opened(await browser_user.page(), f"{example.api}/docs")
    tokens = await _saved_profile(docs, example_mailbox)
    prefilled = await docs.body("refreshSession")
    refreshed, new_tokens = await docs.execute("refreshSession")

    assert (prefilled, refreshed) == (None, 200)
    assert {"refreshToken"}.isdisjoint({*tokens, *new_tokens})
    assert "refresh" not in await docs.page.run(
        "JSON.stringify([document.cookie, {...sessionStorage}])"
    )
    await _logged_out(docs)


async def _saved_profile(docs: Docs, mailbox: Mailbox) -> dict[str, Any]:
    """Sign up, log in, save a profile, and read it after a reload; return the tokens of the log-in."""
    signed_up, _ = await docs.execute("signUp")
    confirmation = await docs.body("confirmAccount")
    hint = confirmation["code"]
    refused, problem = await docs.execute("confirmAccount")
    code = await mailbox.code(confirmation["username"])
    confirmed, _ = await docs.execute("confirmAccount", {**confirmation, "code": code})
    logged_in, tokens = await docs.execute("logIn")
    created, profile = await docs.execute("saveProfile")

    assert (signed_up, confirmed, logged_in, created) == (201, 200, 200, 201)
    assert (hint, refused, problem["code"]) == ("the-code-of-the-message", 400, "code_mismatch")
    assert (profile["userId"], profile["city"]) == (tokens["userId"], "Mumbai")

    await docs.load(await docs.page.run("location.href"))
    assert (await docs.execute("showProfile"))[0] == 200
    assert await docs.credentials() == {"authorization"}
    result: dict[str, Any] = tokens
    return result


async def _logged_out(docs: Docs) -> None:
    """Log out by the prefilled body, after which the page has no credential."""
    logged_out, _ = await docs.execute("logOut")
    unknown, problem = await docs.execute("readAccount")

    assert (logged_out, unknown, problem["code"]) == (204, 401, "token_invalid")
    assert await docs.credentials() == set()
    assert docs.page.complaints == []


async def test_journey_by_keyboard(docs: Docs, mailbox: Mailbox) -> None:
    """Tab, Enter and typing are enough, and the focus is visible and goes down the page."""
    page, keyboard = docs.page, Keyboard(docs.page)

    async def execute(operation: str, *, back: bool = False) -> int:
        block = f'.opblock[id$="-{operation}"]'
        if not await page.run(f"block('{operation}').classList.contains('is-open')"):
            await keyboard.tab_to(f"{block} .opblock-summary-control", back=back)
            await keyboard.enter()
            await docs.open(operation)
        await keyboard.tab_to(f"{block} .btn.execute")
        await keyboard.enter()
        found = ".live-responses-table .response .response-col_status"
        status = await page.until(f"block('{operation}').querySelector('{found}')?.textContent")
        assert await keyboard.is_on(f"{block} .btn.execute")
        return int(status)

    signed_up = await execute("signUp")
    confirm = '.opblock[id$="-confirmAccount"]'
    await keyboard.tab_to(f"{confirm} .opblock-summary-control")
    await keyboard.enter()
    body = await docs.body("confirmAccount")
    code = await mailbox.code(body["username"])
    await keyboard.fill(f"{confirm} textarea", json.dumps({**body, "code": code}))
    confirmed = await execute("confirmAccount")
    logged_in = await execute("logIn")
    saved, patched = await execute("saveProfile"), await execute("patchProfile")
    shown = await execute("showProfile", back=True)

    assert (signed_up, confirmed, logged_in) == (201, 200, 200)
    assert (saved, patched, shown) == (201, 200, 200)
    assert page.complaints == []


async def test_focus_passes_through_the_page(docs: Docs) -> None:
    """Tab goes from the first element to the last, and has each operation once, open or not."""
    await docs.execute("checkLiveness")
    await docs.body("signUp")

    stops = await Keyboard(docs.page).stops()

    operations = await docs.page.run("document.querySelectorAll('.opblock').length")
    assert len([stop for stop in stops if "opblock-summary-control" in stop]) == operations
    assert len([stop for stop in stops if stop.startswith("<textarea")]) == 1
    assert [stop for stop in stops if 'class="nostyle"' in stop] == []


async def test_dialog_keeps_the_focus_and_replaces_the_credential(docs: Docs, user: str) -> None:
    """The dialog has the focus until it closes; its credential replaces the token, and a log-in that."""
    page, keyboard = docs.page, Keyboard(docs.page)
    credentials = {"username": user, "password": PASSWORD}
    _, tokens = await docs.execute("logIn", credentials)
    opener = ".auth-wrapper .authorize"
    await page.run(f"document.querySelector('{opener}').focus()")
    await keyboard.enter()
    await page.until("document.querySelector('dialog')?.contains(document.activeElement)")
    stops = [await keyboard.stop() for _ in range(12)]
    await page.press("Escape")
    await page.until("!document.querySelector('dialog')")
    returned = await keyboard.is_on(opener)
    await keyboard.enter()
    await page.until("document.querySelector('dialog')?.contains(document.activeElement)")
    assert await keyboard.is_on("#api_key_value")
    await page.type(tokens["userId"])
    await keyboard.enter()
    await keyboard.tab_to("dialog .btn-done")
    await keyboard.enter()
    await page.until("!document.querySelector('dialog')")

    assert returned
    assert await keyboard.is_on(opener)
    assert [stop for stop in stops if stop and not stop.startswith(("<button", "<input"))] == []
    by_header = (await docs.execute("showProfile"))[0], await docs.credentials()
    await docs.execute("logIn", credentials)
    by_token = (await docs.execute("showProfile"))[0], await docs.credentials()
    assert by_header == (404, {"x-amzn-oidc-identity"})
    assert by_token == (404, {"authorization"})
    assert page.complaints == []


async def test_operation_fits_a_screen(docs: Docs) -> None:
    """An opened operation of each shape, with its form and its responses, is no taller than a screen."""
    page = docs.page
    shapes: dict[tuple[object, ...], str] = {}
    for operation in await page.run(OPERATIONS):
        shapes.setdefault((*operation["shape"],), operation["id"])
    heights = {}
    for operation in shapes.values():
        await page.run(f"open_('{operation}')")
        heights[operation] = await page.run(f"block('{operation}').offsetHeight")
        await page.run(f"block('{operation}').querySelector('.opblock-summary-control').click()")

    assert len(heights) > 8
    assert {name: height for name, height in heights.items() if height > HEIGHT} == {}
    assert page.complaints == []
