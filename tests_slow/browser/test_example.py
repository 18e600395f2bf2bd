"""The page of examples/web in a real Chromium, and a service that its origin may call."""

import functools
import json
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.accounts import PASSWORD
from tests_slow.browser.chromium import Page, chromium
from tests_slow.commands.running import Running, running

FOLDER: Final = Path(__file__).parent.parent.parent / "examples/web"
# A change of the profile by another device, with the token of this one.
ELSEWHERE: Final = """
(async (fields) => {
  const { accessToken } = JSON.parse(localStorage.getItem("user-profile-service"));
  const headers = { Authorization: `Bearer ${accessToken}`, "Content-Type": "application/json" };
  const options = { method: "POST", headers, body: JSON.stringify(fields) };
  return (await fetch(`${sessionStorage.getItem("api")}/v1/user/profile`, options)).status;
})
"""


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Example:
    """The page, on a telephone."""

    page: Page
    program: Running
    url: str

    async def fill(self, form: str, **values: str) -> None:
        """Type into the fields of a form."""
        for name, value in values.items():
            field = f"document.querySelector('{form} [name={name}]')"
            await self.page.run(f"{field}.value = {json.dumps(value)}")

    async def click(self, element: str) -> None:
        """Wait for a visible element and for the end of what went before, and click."""
        found = f"document.querySelector({json.dumps(element)})"
        await self.page.until(f"!!{found}?.offsetParent && !document.querySelector(':disabled')")
        await self.page.run(f"{found}.click()")

    async def shows(self, element: str) -> None:
        """Wait until an element is visible."""
        await self.page.until(f"!!document.querySelector({json.dumps(element)})?.offsetParent")

    async def says(self, text: str) -> None:
        """Wait until a text is visible."""
        await self.page.until(f"document.body.innerText.includes({json.dumps(text)})")

    async def value(self, name: str) -> Any:  # noqa: ANN401 -- any JSON
        """Return what a field of the profile has."""
        return await self.page.run(f"document.querySelector('#profile [name={name}]').value")

    async def sign_up(self, username: str) -> None:
        """Sign up and confirm with the code that the service prints."""
        await self.fill("#sign-up", username=username, password=PASSWORD)
        await self.click("#sign-up button")
        line = await self.program.until(f"confirmation code for {username}: ")
        found = re.search(r": (\d{6})$", line.strip())
        assert found is not None
        await self.shows("#code")
        await self.fill("#code", code=found[1])
        await self.click("#code button")
        await self.shows("#signed-in")


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """Serve the page, and return its origin."""
    handler = functools.partial(_Handler, directory=str(FOLDER))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture(name="example")
async def _example(tmp_path: Path) -> AsyncIterator[Example]:
    async with served() as origin:
        environ = {
            "SERVER_PORT": "0",
            "CORS_ALLOWED_ORIGINS": origin,
            "FEDERATION_REDIRECT_URIS": f"{origin}/",
        }
        async with (
            running("local", folder=tmp_path, environ=environ) as program,
            chromium(tmp_path) as page,
        ):
            api = (await program.until("The API listens on")).split()[4]
            size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
            await page.call("Emulation.setDeviceMetricsOverride", **size)
            await page.open(f"{origin}/?api={api}")
            example = Example(page, program, origin)
            await example.shows("#signed-out")
            yield example


async def test_account_profile_sessions_and_passkey(example: Example) -> None:
    """A user signs up, edits the profile beside others, and signs in again by password and passkey."""
    page, username = example.page, "alice@example.com"
    await page.add_authenticator()
    await example.sign_up(username)
    await example.fill("#profile", displayName="Asha", city="Mumbai")
    await example.click("#profile button")
    await example.says("Saved.")

    # Another field is merged, the same one is a choice.
    assert await page.run(f'{ELSEWHERE}({{"country": "India"}})') == 200
    await example.fill("#profile", city="Pune")
    await example.click("#profile button")
    await example.says("Saved.")
    assert (await example.value("city"), await example.value("country")) == ("Pune", "India")
    assert await page.run(f'{ELSEWHERE}({{"city": "Delhi"}})') == 200
    await example.fill("#profile", city="Goa")
    await example.click("#profile > button")
    await example.says("city is now “Delhi”")
    assert await example.value("city") == "Goa"
    await example.click("#conflict button")
    await page.until("document.querySelector('#profile [name=city]').value === 'Delhi'")

    await example.says("This session")
    await example.click("#passkeys > button")
    await example.shows("#passkeys li")
    await example.click("#log-out")
    await example.fill("#log-in", username=username, password=f"{PASSWORD}!")
    await example.click("#log-in button")
    await example.says("The user name or the password is wrong.")
    await example.fill("#log-in", password=PASSWORD)
    await example.click("#log-in button")
    await example.shows("#signed-in")
    await example.click("#log-out")
    await example.click("#log-in [name=passkey]")
    await example.shows("#signed-in")

    # The refresh token is in a cookie; no script can read it, and a reload uses it.
    assert "refreshToken" not in await page.run("localStorage.getItem('user-profile-service')")
    await page.open(example.url)
    await example.shows("#signed-in")
    assert await page.run("document.documentElement.scrollWidth <= innerWidth")
    # Chromium misses an algorithm in the options, which are Cognito's.
    assert [each for each in page.complaints if "pubKeyCredParams" not in each] == []


async def test_provider_signs_in(example: Example) -> None:
    """A user of another provider returns signed in; the address has no code any more."""
    page = example.page
    await page.follow("document.querySelector('#providers button:last-child').click()")
    await page.follow(
        "(() => { const field = document.querySelector('form [name=email]');"
        " field.value = 'bob@example.com'; field.form.querySelector('button').click(); })()"
    )
    await example.shows("#signed-in")

    assert await page.run("location.search") == ""
    assert page.complaints == []
