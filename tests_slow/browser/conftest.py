"""A Chromium with a page of the service, and the fixtures of the end-to-end tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.end_to_end.conftest import service, user
from tests_slow.browser.chromium import CHROMIUM, Page, chromium

__all__ = ["service", "user"]

collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]


@pytest.fixture
async def page(service: aiohttp.ClientSession, tmp_path: Path) -> AsyncIterator[Page]:
    """Open a page of the service, whose host is the relying party of passkeys."""
    async with service.get("/health/live") as answer:
        port = answer.url.port
    async with chromium(tmp_path) as opened:
        await opened.open(f"http://localhost:{port}/health/live")
        yield opened
