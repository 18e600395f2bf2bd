"""The page of the API document, as a person uses it."""

import json
from dataclasses import dataclass
from typing import Any, Final

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


@dataclass(frozen=True, slots=True)
class Docs:
    """The page, as a person uses it."""

    page: Page

    async def load(self, url: str) -> None:
        """Open the page, and wait until its operations are listed."""
        await self.page.open(url)
        await self.page.until("document.querySelectorAll('.opblock').length > 30")
        await self.page.run(HANDS)

    async def open(self, operation: str) -> None:
        """Open an operation."""
        await self.page.run(f"open_('{operation}')")

    async def body(self, operation: str) -> Any:  # noqa: ANN401 -- any JSON
        """Open an operation, and return the body that its form has; None without one."""
        await self.page.run(f"open_('{operation}')")
        text = await self.page.run(f"block('{operation}').querySelector('textarea')?.value")
        return None if text is None else json.loads(text)

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


async def opened(page: Page, url: str) -> Docs:
    """Open the page in a window."""
    await page.resize(width=1280, height=HEIGHT)
    docs = Docs(page)
    await docs.load(url)
    return docs
