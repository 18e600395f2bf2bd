"""Calls of a token endpoint (RFC 6749, section 3.2)."""

import base64
from collections.abc import Mapping
from typing import Any

import aiohttp


async def post_token(
    url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Send *form* to the endpoint at the domain *url*; return the status and the JSON."""
    headers = {}
    if basic is not None:
        credentials = base64.b64encode(":".join(basic).encode()).decode()
        headers["Authorization"] = f"Basic {credentials}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/oauth2/token", data=form, headers=headers) as answer,
    ):
        return answer.status, await answer.json()
