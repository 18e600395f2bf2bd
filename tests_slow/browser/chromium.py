"""A headless Chromium, driven by the Chrome DevTools Protocol."""

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests_slow.browser.programs import started

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
PATIENCE_S: Final = 60.0
FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root, where Chromium has no sandbox
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",  # no request but those of the pages
    "--remote-debugging-port=0",
)
# The codes of the keys that tests press.
KEYS: Final = {"Tab": 9, "Enter": 13, "Escape": 27, "a": 65}
SHIFT: Final = 8
CTRL: Final = 2


class ScriptFailed(Exception):
    """A script of the page raised; *name* is that of its error, such as NotAllowedError."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class Page:
    """
    A page of the browser, with virtual authenticators.

    *complaints* are what its console shows as errors and warnings, violations of the page's policy
    included; error responses are not among them.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.complaints: list[str] = []
        self._loads = 0

    async def attach(self, context: str) -> None:
        """Create the page, in a browser context."""
        window = {"browserContextId": context, "newWindow": True}  # a hidden tab draws no frames
        target = await self.call("Target.createTarget", url="about:blank", **window)
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        await self.call("WebAuthn.enable", enableUI=False)
        await self.call("Page.enable")
        await self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        await self.call("Runtime.enable")
        await self.call("Log.enable")

    async def open(self, url: str) -> None:
        """Go to a page, and wait until its scripts can run."""
        navigated = await self.call("Page.navigate", url=url)
        assert "errorText" not in navigated, navigated
        await self.run(
            "new Promise((go) => { document.readyState === 'complete' ? go()"
            " : addEventListener('load', () => go()); })"
        )

    async def until(self, condition: str) -> Any:  # noqa: ANN401 -- any JSON
        """Wait until an expression is true, which is tried at each frame, and return its value."""
        tried = f"{{ const value = ({condition}); if (value) return go(value); }}"
        return await self.run(
            "new Promise((go) => { (function again() {"
            f" {tried} requestAnimationFrame(again); }})() }})"
        )

    async def follow(self, script: str) -> None:
        """Run a script that leads to another page, and wait until that has loaded."""
        loads = self._loads
        await self.run(script)
        async with asyncio.timeout(PATIENCE_S):
            while self._loads == loads:
                self._keep(await self._socket.receive_json())

    async def press(self, key: str, modifiers: int = 0) -> None:
        """Press a key of KEYS, such as Tab, and release it."""
        event = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        for kind, more in (("keyDown", text), ("keyUp", {})):
            await self.call(
                "Input.dispatchKeyEvent", type=kind, modifiers=modifiers, **event, **more
            )

    async def type(self, text: str) -> None:
        """Enter a text in place of that of the focused field."""
        await self.press("a", CTRL)
        await self.call("Input.insertText", text=text)

    async def resize(self, *, width: int, height: int, mobile: bool = False) -> None:
        """Give the page the viewport of a window or of a telephone."""
        size = {"width": width, "height": height, "mobile": mobile, "deviceScaleFactor": 1}
        await self.call("Emulation.setDeviceMetricsOverride", **size)

    async def add_authenticator(self, **options: object) -> str:
        """Plug in an authenticator that keeps passkeys and verifies the user, but for *options*."""
        usual = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = await self.call("WebAuthn.addVirtualAuthenticator", options={**usual, **options})
        return str(added["authenticatorId"])

    async def remove_authenticator(self, authenticator: str) -> None:
        """Unplug an authenticator."""
        await self.call("WebAuthn.removeVirtualAuthenticator", authenticatorId=authenticator)

    async def run(self, script: str) -> Any:  # noqa: ANN401 -- any JSON
        """Return the value of an expression, awaited; raises ScriptFailed."""
        outcome = await self.call(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in outcome:
            thrown = outcome["exceptionDetails"]["exception"]
            text = thrown.get("description", str(thrown.get("value")))
            raise ScriptFailed(text.partition(":")[0], text)
        return outcome["result"].get("value")

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Return the result of a method of the protocol; complaints in between are kept."""
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        await self._socket.send_json(message)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                received = await self._socket.receive_json()
                self._keep(received)
                if received.get("id") == number:
                    assert "error" not in received, (method, received["error"])
                    result: dict[str, Any] = received["result"]
                    return result

    def _keep(self, received: Mapping[str, Any]) -> None:
        parameters = received.get("params", {})
        match received.get("method"):
            case "Page.loadEventFired":
                self._loads += 1
            case "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                thrown = details.get("exception", {}).get("description", details["text"])
                self.complaints.append(thrown)
            case "Runtime.consoleAPICalled" if parameters["type"] in {"error", "warning", "assert"}:
                shown = [each.get("value", each.get("description")) for each in parameters["args"]]
                self.complaints.append(" ".join(map(str, shown)))
            case "Log.entryAdded":
                entry = parameters["entry"]
                if entry["level"] in {"error", "warning"} and entry["source"] != "network":
                    self.complaints.append(f"{entry['source']}: {entry['text']}")


@dataclass(frozen=True, slots=True)
class Browser:
    """A running Chromium; *url* is that of its protocol."""

    url: str

    @asynccontextmanager
    async def user(self) -> AsyncIterator["User"]:
        """Open the browser for a new user, without cookies and stored data; closes the user's pages."""
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            socket = await stack.enter_async_context(session.ws_connect(self.url))
            root = Page(socket)
            made = await root.call("Target.createBrowserContext", disposeOnDetach=True)
            yield User(self.url, session, stack, made["browserContextId"])
            await root.call(
                "Target.disposeBrowserContext", browserContextId=made["browserContextId"]
            )


@dataclass(frozen=True, slots=True)
class User:
    """A user of the browser, whose pages share cookies and stored data."""

    _url: str
    _session: aiohttp.ClientSession
    _stack: AsyncExitStack
    _context: str

    async def page(self) -> Page:
        """Open a page, with a connection of its own: pages work at the same time."""
        connecting = self._session.ws_connect(self._url, max_msg_size=0)
        page = Page(await self._stack.enter_async_context(connecting))
        await page.attach(self._context)
        return page


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Start Chromium with its files in *folder*; ends it."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}"]
    until = "DevTools listening on "
    environ = {**os.environ, "HOME": str(folder)}
    with started(command, until, folder=folder, environ=environ) as (line,):
        yield Browser(line.partition(until)[2].strip())


def script(body: str, **names: object) -> str:
    """Return an expression that runs *body* in an async function, with constants of these names."""
    constants = "".join(f"const {name} = {json.dumps(value)}; " for name, value in names.items())
    return f"(async () => {{ {constants}{body} }})()"
