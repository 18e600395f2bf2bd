"""A headless Chromium, driven by the Chrome DevTools Protocol."""

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

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
    "--remote-debugging-port=0",
)


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

    async def attach(self) -> None:
        """Create the page."""
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        await self.call("WebAuthn.enable", enableUI=False)
        await self.call("Page.enable")
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


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Page]:
    """Start Chromium with a profile in *folder*, and open a page; ends it."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    drained: asyncio.Task[bytes] | None = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while b"DevTools listening on " not in (line := await process.stderr.readline()):
                assert line, "Chromium has ended"
        drained = asyncio.create_task(process.stderr.read())
        url = line.decode().partition("listening on ")[2].strip()
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, max_msg_size=0) as socket,
        ):
            page = Page(socket)
            await page.attach()
            yield page
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if drained is not None:
            await drained


def script(body: str, **names: object) -> str:
    """Return an expression that runs *body* in an async function, with constants of these names."""
    constants = "".join(f"const {name} = {json.dumps(value)}; " for name, value in names.items())
    return f"(async () => {{ {constants}{body} }})()"
