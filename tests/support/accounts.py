"""Accounts at the local Cognito: names, the password, and the codes that were sent."""

import uuid
from typing import Any

import aiohttp

PASSWORD = "YourPass123!"  # noqa: S105 -- of users that live as long as a test


def new_user() -> str:
    """Return a user name that no other test uses."""
    return f"user-{uuid.uuid4().hex}@example.com"


class Mailbox:
    """The codes that the local Cognito has sent."""

    def __init__(self, session: aiohttp.ClientSession, cognito_url: str) -> None:
        self._session = session
        self._url = f"{cognito_url}/local-aws/outbox"

    async def codes(self, username: str) -> list[str]:
        """Return the codes that were sent to a user, the newest last."""
        return [delivery["code"] for delivery in await self._deliveries(username)]

    async def metadata(self, username: str) -> dict[str, str]:
        """Return the metadata of the call that sent the newest code."""
        metadata: dict[str, str] = (await self._deliveries(username))[-1]["metadata"]
        return metadata

    async def _deliveries(self, username: str) -> list[dict[str, Any]]:
        async with self._session.get(self._url, params={"username": username}) as response:
            deliveries: list[dict[str, Any]] = await response.json()
            return deliveries

    async def code(self, username: str) -> str:
        """Return the newest code."""
        return (await self.codes(username))[-1]
