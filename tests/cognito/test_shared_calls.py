"""Concurrent refreshes of one token are one call of Cognito."""

import asyncio

import pytest

from service.cognito.shared_calls import SharedCalls
from service.domain.client import Client
from service.domain.errors import RefreshTokenReused
from service.domain.identity_provider import IdentityProvider
from tests.support.scripted_cognito import ScriptedCognito, refusal

OPERATION = "GetTokensFromRefreshToken"
KEY = b"key"


class Calls:
    """Calls that end when *may_end* is set; *started* counts them."""

    def __init__(self) -> None:
        self.shared: SharedCalls[int] = SharedCalls()
        self.may_end = asyncio.Event()
        self.started = 0
        self.error: BaseException | None = None

    async def _call(self) -> int:
        self.started += 1
        number = self.started
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        return number

    async def begin(self, key: bytes = KEY) -> "asyncio.Task[int]":
        """Begin a call, and return when it waits: its steps need no input or output."""
        task = asyncio.create_task(self.shared.result(key, self._call))
        for _ in range(3):
            await asyncio.sleep(0)
        return task


async def test_calls_of_one_key_are_one() -> None:
    """Callers during a call get its result; a later caller makes another one."""
    calls = Calls()
    tasks = [await calls.begin() for _ in range(3)]
    other = await calls.begin(b"other")
    calls.may_end.set()

    assert await asyncio.gather(*tasks) == [1, 1, 1]
    assert await other == 2
    assert await (await calls.begin()) == 3


@pytest.mark.parametrize("cancelled", [0, 1])
async def test_cancelled_caller_cancels_no_other(cancelled: int) -> None:
    """The first caller, whose call it is, is as every other."""
    calls = Calls()
    tasks = [await calls.begin() for _ in range(2)]

    tasks[cancelled].cancel()
    await asyncio.wait([tasks[cancelled]])
    calls.may_end.set()

    assert tasks[cancelled].cancelled()
    assert await tasks[1 - cancelled] == 1


@pytest.mark.parametrize(
    "error",
    [None, RefreshTokenReused(), asyncio.CancelledError()],
    ids=["success", "refusal", "end"],
)
async def test_call_without_callers_goes_on(error: BaseException | None) -> None:
    """A call whose callers are all gone ends by itself, and its error is nobody's."""
    calls = Calls()
    calls.error = error
    gone = await calls.begin()
    gone.cancel()
    await asyncio.wait([gone])

    following = await calls.begin()
    following.cancel()
    calls.may_end.set()
    await asyncio.wait([following])
    await asyncio.sleep(0)  # the call ends
    calls.error = None

    assert await (await calls.begin()) == 2


async def test_error_is_that_of_all_callers() -> None:
    """A refusal is not repeated at Cognito for each caller."""
    calls = Calls()
    calls.error = RefreshTokenReused()
    tasks = [await calls.begin() for _ in range(3)]
    calls.may_end.set()

    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert outcomes == [calls.error] * 3
    assert calls.started == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_refreshes_of_one_token_are_one_call(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Another device key or other metadata is another call; nothing is kept afterwards."""
    refresh = provider.sessions.refresh
    first = await asyncio.gather(*(refresh("a") for _ in range(5)))
    after_first = cognito.operations.count(OPERATION)
    localized = Client(None, {"locale": "de"})
    await asyncio.gather(
        refresh("a"), refresh("b"), refresh("a", "us-east-1_0"), refresh("a", None, localized)
    )

    assert after_first == 1
    assert len({tokens.access_token for tokens in first}) == 1
    assert cognito.operations.count(OPERATION) == 5


@pytest.mark.asyncio(loop_scope="module")
async def test_refused_refresh_is_refused_once(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Each caller gets the refusal of the one call."""
    cognito.answers(OPERATION, refusal("RefreshTokenReuseException", "reused"))

    outcomes = await asyncio.gather(
        *(provider.sessions.refresh("a") for _ in range(3)), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [RefreshTokenReused] * 3
    assert cognito.operations.count(OPERATION) == 1
