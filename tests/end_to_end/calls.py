"""Calls of the running service, and a user who has signed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.accounts import PASSWORD

PROFILE = "/v1/user/profile"


@dataclass(frozen=True)
class Answer:
    """An answer: its status, and its JSON, empty where there is none."""

    status: int
    body: dict[str, Any]

    @property
    def code(self) -> str | None:
        """Return the code of a refusal, None of a success."""
        return self.body.get("code")


async def call(
    service: aiohttp.ClientSession,
    method: str,
    path: str,
    body: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Call the service."""
    async with service.request(method, path, json=body, headers=headers) as answer:
        text = await answer.read()
        return Answer(answer.status, await answer.json(content_type=None) if text else {})


async def log_in(service: aiohttp.ClientSession, username: str, password: str = PASSWORD) -> Answer:
    """Log in by password."""
    return await call(
        service, "POST", "/api/auth/login", {"username": username, "password": password}
    )


def bearer(tokens: Answer) -> dict[str, str]:
    """Return the headers of a signed-in user's calls."""
    return {"Authorization": f"Bearer {tokens.body['accessToken']}"}
