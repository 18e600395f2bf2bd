"""Accounts of the attacked service."""

from typing import Any, Final, NamedTuple

import aiohttp

from tests.end_to_end.calls import call, log_in
from tests.support.accounts import PASSWORD, Mailbox, new_user

SIGN_UP: Final = "/api/auth/signup"


class SignedIn(NamedTuple):
    """A confirmed user and the tokens of a sign-in."""

    username: str
    tokens: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        """The header that identifies the user."""
        return {"Authorization": f"Bearer {self.tokens['accessToken']}"}


async def signed_up(service: aiohttp.ClientSession) -> str:
    """Return the name of a user who has signed up."""
    username = new_user()
    account = {"username": username, "password": PASSWORD, "attributes": {"email": username}}
    assert (await call(service, "POST", SIGN_UP, account)).status == 201
    return username


async def confirmed(service: aiohttp.ClientSession, aws_url: str) -> str:
    """Return the name of a user who has signed up and confirmed."""
    username = await signed_up(service)
    async with aiohttp.ClientSession() as session:
        code = await Mailbox(session, aws_url).code(username)
    right = {"username": username, "code": code}
    assert (await call(service, "POST", "/api/auth/confirm", right)).status == 200
    return username


async def signed_in(service: aiohttp.ClientSession, aws_url: str) -> SignedIn:
    """Return a user who has signed up, confirmed and signed in."""
    username = await confirmed(service, aws_url)
    return SignedIn(username, (await log_in(service, username)).body)
