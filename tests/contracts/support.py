"""Common parts of the contract suites."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from service.domain.accounts import NewAccount, SignedUp
from service.domain.client import Client
from service.domain.identity_provider import IdentityProvider
from service.domain.sessions import Challenge, ChallengeAnswer, Tokens
from tests.contracts.administrator import Administrator
from tests.support.accounts import PASSWORD, new_user

CLIENT = Client(ip_address("192.0.2.1"))
NEVER_GIVEN = "never-given-to-anybody"  # as a session or a refresh token
STRANGE_TOKEN = "never.given.token"  # noqa: S105 -- the form of an access token


@dataclass(frozen=True, slots=True)
class Stage:
    """The ports on one user pool, and how to learn the code that was sent last."""

    provider: IdentityProvider
    administrator: Administrator
    code: Callable[[str], Awaitable[str]]

    async def sign_up(self, username: str, **attributes: str) -> SignedUp:
        """Sign up with the password of all tests."""
        account = NewAccount(username, PASSWORD, attributes)
        return await self.provider.registrations.sign_up(account, CLIENT)

    async def confirm(self, username: str) -> None:
        """Confirm an account with the code that was sent."""
        await self.provider.registrations.confirm(username, await self.code(username), CLIENT)

    async def member(self, username: str | None = None, **attributes: str) -> str:
        """Return the name of a new confirmed user."""
        name = username or new_user()
        await self.sign_up(name, **({"email": name} | attributes))
        await self.confirm(name)
        return name

    async def log_in(self, username: str, password: str = PASSWORD) -> Tokens | Challenge:
        """Sign in by password."""
        return await self.provider.sessions.log_in(username, password, CLIENT)

    async def tokens(self, username: str, password: str = PASSWORD) -> Tokens:
        """Sign in by password, to tokens."""
        outcome = await self.log_in(username, password)
        assert isinstance(outcome, Tokens)
        return outcome

    async def access_token(self, username: str) -> str:
        """Sign in by password, to an access token."""
        return (await self.tokens(username)).access_token

    async def begin(self, username: str, preferred: str | None = None) -> Challenge:
        """Begin a sign-in by choice."""
        return challenge(await self.provider.sessions.begin(username, preferred, CLIENT))

    async def answer(
        self,
        asked: Challenge,
        username: str,
        **given: Any,  # noqa: ANN401 -- the fields of an ChallengeAnswer
    ) -> Tokens | Challenge:
        """Answer a challenge."""
        assert asked.session is not None
        answer = ChallengeAnswer(asked.name, asked.session, username, **given)
        return await self.provider.sessions.answer(answer, CLIENT)

    async def verify(self, username: str, access_token: str, attribute: str) -> None:
        """Prove an address."""
        own_account = self.provider.own_account
        await own_account.send_verification(access_token, attribute)
        await own_account.verify(access_token, attribute, await self.code(username))


def challenge(outcome: Tokens | Challenge, name: str | None = None) -> Challenge:
    """Return the outcome, which must be the challenge of that name."""
    assert isinstance(outcome, Challenge)
    assert name is None or outcome.name == name
    return outcome


def signed_in(outcome: Tokens | Challenge) -> Tokens:
    """Return the outcome, which must be tokens with a refresh token."""
    assert isinstance(outcome, Tokens)
    assert outcome.refresh_token is not None
    return outcome


def wrong(code: str) -> str:
    """Return another code than this one."""
    return f"{(int(code) + 1) % 1_000_000:06}"
