"""A Chromium for all tests of a process, and the servers whose pages it opens."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests.end_to_end.conftest import service, user
from tests.support.accounts import Mailbox
from tests_slow.browser.chromium import CHROMIUM, Browser, Page, User, chromium
from tests_slow.browser.programs import started
from tests_slow.commands.running import INHERITED

__all__ = ["service", "user"]

EXAMPLE: Final = Path(__file__).parent.parent.parent / "examples/web"
collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]


@dataclass(frozen=True, slots=True)
class Example:
    """The page of examples/web, the service that it calls, and the local AWS of that."""

    page: str
    api: str
    aws: str


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start Chromium."""
    with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """Start what `make example` starts: the page, and `python -m service local`."""
    folder = tmp_path_factory.mktemp("example")
    inherited = {name: value for name, value in os.environ.items() if name.startswith(INHERITED)}
    ports = {"SERVER_PORT": "0", "EXAMPLE_PORT": "0"}
    with started(
        [sys.executable, EXAMPLE / "serve.py"],
        *("The example is at", "The API listens on", "AWS_ENDPOINT_URL=", "Ctrl-C ends it"),
        folder=folder,
        environ={"HOME": str(folder), **inherited, **ports},
    ) as (page, api, aws, _):
        url = page.split()[4].partition("/?")[0]
        endpoint = aws.partition("AWS_ENDPOINT_URL=")[2].split()[0]
        yield Example(url, api.split()[4], endpoint)


@pytest.fixture
async def browser_user(browser: Browser) -> AsyncIterator[User]:
    """Open the browser for a new user."""
    async with browser.user() as opened:
        yield opened


@pytest.fixture
async def origin(service: aiohttp.ClientSession) -> str:
    """Return the origin of the service under the name that is the relying party of passkeys."""
    async with service.get("/health/live") as response:
        return f"http://localhost:{response.url.port}"


@pytest.fixture
async def page(browser_user: User, origin: str) -> Page:
    """Open a page of the service."""
    opened = await browser_user.page()
    await opened.open(f"{origin}/health/live")
    return opened


@pytest.fixture
async def example_mailbox(example: Example) -> AsyncIterator[Mailbox]:
    """Open the mailbox of the example's local AWS."""
    async with aiohttp.ClientSession() as session:
        yield Mailbox(session, example.aws)
