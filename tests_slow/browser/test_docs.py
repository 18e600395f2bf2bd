"""The page of the API document in a real Chromium, by clicking only."""

import json
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import pytest

from tests.support.accounts import Mailbox
from tests_slow.browser.chromium import Page

HEIGHT: Final = 800
# What a person does; an operation is named by its id.
HANDS: Final = """
window.drawn = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
window.until = async (find) => {
  for (;;) { const found = find(); if (found) return found; await drawn(); }
};
window.block = (id) => document.querySelector(`.opblock[id$="-${id}"]`);
window.open_ = async (id) => {
  if (!block(id).classList.contains("is-open")) {
    block(id).querySelector(".opblock-summary-control").click();
  }
  await until(() => block(id).querySelector(".errors"));
  await until(() => block(id).querySelector(".btn.execute"));
};
window.type = (field, text) => {
  const { prototype } = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(prototype, "value").set.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
window.execute = async (id) => {
  const clear = block(id).querySelector(".btn-clear");
  if (clear) { clear.click(); await until(() => !block(id).querySelector(".live-responses-table")); }
  block(id).querySelector(".btn.execute").click();
  const live = await until(() => block(id).querySelector(".live-responses-table .response"));
  const status = parseInt(live.querySelector(".response-col_status").textContent);
  return [status, live.querySelector(".microlight")?.textContent ?? ""];
};
"""

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


@dataclass(frozen=True, slots=True)
class Docs:
    """The page, as a person uses it."""

    page: Page

    async def load(self, url: str) -> None:
        """Open the page, and wait until its operations are listed."""
        await self.page.open(url)
        await self.page.until("document.querySelectorAll('.opblock').length > 30")
        await self.page.run(HANDS)

    async def body(self, operation: str) -> dict[str, Any]:
        """Open an operation, and return the body that its form has."""
        await self.page.run(f"open_('{operation}')")
        text = await self.page.run(f"block('{operation}').querySelector('textarea').value")
        found: dict[str, Any] = json.loads(text)
        return found

    async def execute(self, operation: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Execute an operation as its form stands, or with another body; return status and response."""
        await self.page.run(f"open_('{operation}')")
        if body is not None:
            field, text = f"block('{operation}').querySelector('textarea')", json.dumps(body)
            await self.page.run(f"type({field}, {json.dumps(text)}), drawn()")
        status, text = await self.page.run(f"execute('{operation}')")
        return status, json.loads(text) if text.startswith("{") else text

    async def credentials(self) -> set[str]:
        """Return the names of the credentials that the last request had."""
        sent = await self.page.run("Object.keys(request.headers)")
        return {name.lower() for name in sent} & {"authorization", "x-amzn-oidc-identity"}


@pytest.fixture(name="docs")
async def _docs(page: Page, service: aiohttp.ClientSession) -> Docs:
    async with service.get("/health/live") as answer:
        url = f"http://localhost:{answer.url.port}/"
    size = {"width": 1280, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    await page.call("Emulation.setDeviceMetricsOverride", **size)
    docs = Docs(page)
    await docs.load(url)
    return docs


async def test_whole_journey_by_clicking(docs: Docs, mailbox: Mailbox) -> None:
    """From sign-up to log-out every prefilled body succeeds, but for the code of the message."""
    page = docs.page
    signed_up, _ = await docs.execute("signUp")
    confirmation = await docs.body("confirmAccount")
    hint = confirmation["code"]
    refused, problem = await docs.execute("confirmAccount")
    code = await mailbox.code(confirmation["username"])
    confirmed, _ = await docs.execute("confirmAccount", {**confirmation, "code": code})
    logged_in, tokens = await docs.execute("logIn")
    created, _ = await docs.execute("saveProfile")
    merged, profile = await docs.execute("saveProfile")

    assert (signed_up, confirmed, logged_in, created, merged) == (201, 200, 200, 201, 200)
    assert (hint, refused, problem["code"]) == ("the-code-of-the-message", 400, "code_mismatch")
    assert (profile["userId"], profile["city"]) == (tokens["userId"], "Mumbai")
    assert await docs.credentials() == {"authorization"}

    await docs.load(await page.run("location.href"))
    assert (await docs.execute("showProfile"))[0] == 200
    assert (await docs.execute("readAccount"))[0] == 200
    prefilled = await docs.body("refreshSession")
    refreshed, _ = await docs.execute("refreshSession")
    changed, _ = await docs.execute("changePassword")
    again, _ = await docs.execute("logIn")
    assert (prefilled["refreshToken"], refreshed, changed, again) == (
        tokens["refreshToken"],
        *(200, 204, 200),
    )

    logged_out, _ = await docs.execute("logOut")
    unknown, problem = await docs.execute("readAccount")
    assert (logged_out, unknown, problem["code"]) == (204, 401, "token_invalid")
    assert page.complaints == []


async def test_one_credential_replaces_the_other(docs: Docs, user: str) -> None:
    """After Authorize with a user id, the token of the log-in is not sent, and the other way round."""
    page = docs.page
    credentials = {"username": user, "password": "YourPass123!"}
    _, tokens = await docs.execute("logIn", credentials)
    await page.run("document.querySelector('.auth-wrapper .authorize').click()")
    await page.until("!!document.querySelector('.auth-container input')")
    await page.run(f"type(document.querySelector('.auth-container input'), '{tokens['userId']}')")
    await page.run("document.querySelector('.auth-container .btn.authorize').click(), drawn()")
    await page.run("document.querySelector('.close-modal').click(), drawn()")

    by_header, _ = await docs.execute("showProfile")
    sent = await docs.credentials()
    await docs.execute("logIn", credentials)
    by_token, _ = await docs.execute("showProfile")

    assert (by_header, sent) == (404, {"x-amzn-oidc-identity"})
    assert (by_token, await docs.credentials()) == (404, {"authorization"})
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
