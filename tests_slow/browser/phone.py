"""The page of examples/web on a telephone."""

import json
from dataclasses import dataclass
from typing import Any, Final

from tests.support.accounts import PASSWORD, Mailbox
from tests_slow.browser.chromium import Page
from tests_slow.browser.conftest import Example

WIDTH: Final = 360
HEIGHT: Final = 740
# A change of the profile by another device, with the token of this one.
ELSEWHERE: Final = """
(async (fields) => {
  const { accessToken } = JSON.parse(localStorage.getItem("user-profile-service"));
  const headers = { Authorization: `Bearer ${accessToken}`, "Content-Type": "application/json" };
  const options = { method: "POST", headers, body: JSON.stringify(fields) };
  return (await fetch(`${sessionStorage.getItem("api")}/v1/user/profile`, options)).status;
})
"""
# The width that is needed, and what is too small for a finger (WCAG 2.2, 2.5.8).
FIT: Final = """
({
  width: document.documentElement.scrollWidth,
  small: [...document.querySelectorAll("a, button, input, select, summary, textarea")]
    .filter((element) => element.offsetParent)
    .filter((element) => {
      const { width, height } = element.getBoundingClientRect();
      return Math.min(width, height) < 24;
    })
    .map((element) => element.outerHTML),
})
"""


@dataclass(frozen=True, slots=True)
class OnPhone:
    """The page, on a telephone."""

    page: Page
    mailbox: Mailbox
    url: str

    async def fill(self, form: str, **values: str) -> None:
        """Type into the fields of a form."""
        for name, value in values.items():
            field = f"document.querySelector('{form} [name={name}]')"
            await self.page.run(f"{field}.value = {json.dumps(value)}")

    async def click(self, element: str) -> None:
        """Wait for a visible element and for the end of what went before, and click."""
        found = f"document.querySelector({json.dumps(element)})"
        await self.page.until(
            f"!!{found}?.offsetParent && !document.querySelector('[aria-disabled]')"
        )
        await self.page.run(f"{found}.click()")

    async def shows(self, element: str) -> None:
        """Wait until an element is visible, and nothing is running."""
        await self.page.until(
            f"!!document.querySelector({json.dumps(element)})?.offsetParent"
            " && !document.querySelector('[aria-disabled]')"
        )

    async def says(self, text: str) -> None:
        """Wait until a text is visible."""
        await self.page.until(f"document.body.innerText.includes({json.dumps(text)})")

    async def value(self, name: str) -> Any:  # noqa: ANN401 -- any JSON
        """Return what a field of the profile has."""
        return await self.page.run(f"document.querySelector('#profile [name={name}]').value")

    async def fits(self) -> None:
        """Assert that nothing is wider than the screen, and nothing smaller than a finger."""
        assert await self.page.run(FIT) == {"width": WIDTH, "small": []}

    async def sign_up(self, username: str) -> None:
        """Sign up and confirm with the code that the service prints."""
        await self.fill("#sign-up", username=username, password=PASSWORD)
        await self.click("#sign-up button")
        await self.shows("#code")
        await self.fill("#code", code=await self.mailbox.code(username))
        await self.click("#code button")
        await self.shows("#signed-in")


async def opened_on_phone(page: Page, example: Example, mailbox: Mailbox) -> OnPhone:
    """Open the page."""
    await page.resize(width=WIDTH, height=HEIGHT, mobile=True)
    await page.open(f"{example.page}/?api={example.api}")
    phone = OnPhone(page, mailbox, example.page)
    await phone.shows("#signed-out")
    return phone
