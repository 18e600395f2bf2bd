"""A call is sent twice only where that can do no harm."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio
from botocore.exceptions import EndpointConnectionError, SSLError

from service.aws.clients import Clients, open_clients
from service.cognito.adapters import identity_provider
from service.cognito.refusals.errors import ERRORS
from service.cognito.user_pool_client import REPEATABLE
from service.config.settings import CognitoConfig
from service.domain.errors import (
    ServiceError,
    Throttled,
    TokenInvalid,
    TooManyAttempts,
    UpstreamUnavailable,
)
from service.domain.identity_provider import IdentityProvider
from tests.cognito.calls import CALLS, TOKEN, operation_of
from tests.cognito.detour import detour, refusing, speaking_plainly
from tests.support.configs import BREAKER_OFF, CREDENTIALS, configured
from tests.support.scripted_cognito import (
    CLOSED,
    CUT_SHORT,
    GARBAGE,
    ScriptedCognito,
    Step,
    late,
    refusal,
    resetting,
    usual,
)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("short_pauses"),
]

READ_TIMEOUT_S: Final = 0.1
# Reading, and what sets a state to a value whatever it was.
IDEMPOTENT: Final = {
    "ConfirmDevice",
    "DeleteUserAttributes",
    "GetUser",
    "GetUserAuthFactors",
    "GlobalSignOut",
    "ListDevices",
    "ListUserSessions",
    "ListWebAuthnCredentials",
    "RevokeToken",
    "SetUserMFAPreference",
}
WITH_A_WAY_OF_THEIR_OWN: Final = {
    "SignUp",
    "DeleteUser",
    "RevokeUserSession",
}  # after a lost answer
SENT_ONCE: Final = [
    call for call in CALLS if operation_of(call) not in IDEMPOTENT | WITH_A_WAY_OF_THEIR_OWN
]
SENT_TWICE: Final = [call for call in CALLS if operation_of(call) in IDEMPOTENT]
DOWN: Final = refusal("InternalErrorException")
NEVER: Final = late(CLOSED, asyncio.Future)

lost_answers = pytest.mark.parametrize(
    "lost",
    [CLOSED, resetting, CUT_SHORT, GARBAGE],
    ids=["closed", "reset", "cut short", "garbage"],
)


@pytest_asyncio.fixture(name="impatient", scope="module", loop_scope="module")
async def _impatient(server: ScriptedCognito) -> AsyncIterator[Clients]:
    """Open clients that give an answer hardly any time."""
    settings = {"endpoint-url": server.url, "read-timeout-s": str(READ_TIMEOUT_S)}
    config = configured({"aws.cognito": settings}, BREAKER_OFF)
    async with open_clients(config, CREDENTIALS) as clients:
        yield clients


async def test_what_may_be_repeated_is_known() -> None:
    """The adapter repeats these and no others, all of which it calls."""
    assert REPEATABLE == IDEMPOTENT
    assert set(ERRORS) >= REPEATABLE


@lost_answers
@pytest.mark.parametrize("call", SENT_ONCE)
async def test_call_with_a_lost_reply_is_not_repeated(
    call: str, lost: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A call that may have had its effect is not sent again, and is unavailable."""
    cognito.answers(operation_of(call), lost)

    with pytest.raises(UpstreamUnavailable):
        await CALLS[call](provider)

    assert cognito.operations == [operation_of(call)]


@pytest.mark.parametrize("call", SENT_ONCE)
async def test_call_that_times_out_is_not_repeated(
    call: str, impatient: Clients, app_client: CognitoConfig, cognito: ScriptedCognito
) -> None:
    """A call that times out is not repeated."""
    cognito.answers(operation_of(call), NEVER)

    with pytest.raises(UpstreamUnavailable):
        await CALLS[call](identity_provider(impatient.cognito, config=app_client))

    assert cognito.operations == [operation_of(call)]


@pytest.mark.parametrize("call", SENT_ONCE)
async def test_failure_inside_cognito_is_not_repeated(
    call: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A call on which Cognito failed may have had its effect, too."""
    cognito.answers(operation_of(call), DOWN)

    with pytest.raises(UpstreamUnavailable):
        await CALLS[call](provider)

    assert cognito.operations == [operation_of(call)]


@pytest.mark.parametrize(
    "lost",
    [CLOSED, resetting, CUT_SHORT, GARBAGE, DOWN],
    ids=["closed", "reset", "cut short", "garbage", "failed inside"],
)
@pytest.mark.parametrize("call", SENT_TWICE)
async def test_repeatable_call_is_repeated(
    call: str, lost: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """An idempotent call is repeated, and the caller notices nothing."""
    operation = operation_of(call)
    cognito.answers(operation, lost, usual)

    await CALLS[call](provider)

    assert cognito.operations.count(operation) == 2


@pytest.mark.parametrize(
    "lost", [CLOSED, resetting, DOWN], ids=["closed", "reset", "failed inside"]
)
@pytest.mark.parametrize("call", SENT_TWICE)
async def test_repeatable_call_is_repeated_once(
    call: str, lost: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A second answer that is lost is the last."""
    operation = operation_of(call)
    cognito.answers(operation, lost)

    with pytest.raises(UpstreamUnavailable):
        await CALLS[call](provider)

    assert cognito.operations.count(operation) == 2


@pytest.mark.parametrize("call", ["AssociateSoftwareToken", "AssociateSoftwareToken/session"])
async def test_overtaken_call_is_sent_once_again(
    call: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A call that another one overtook has had no effect: the second one succeeds unnoticed."""
    overtaken = refusal("ConcurrentModificationException")
    cognito.answers("AssociateSoftwareToken", overtaken, usual)

    await CALLS[call](provider)

    assert cognito.operations == ["AssociateSoftwareToken"] * 2


async def test_cognito_that_is_down_gets_hardly_more_calls(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Where everything fails, twenty calls are repeated and no more; each success earns a part of one."""
    cognito.answers("GetUser", DOWN)
    for _ in range(100):
        with pytest.raises(UpstreamUnavailable):
            await CALLS["GetUser"](provider)
    assert len(cognito.operations) == 120

    cognito.answers("GetUser", usual)
    for _ in range(5):
        await CALLS["GetUser"](provider)
    cognito.answers("GetUser", DOWN, usual)
    await CALLS["GetUser"](provider)

    assert len(cognito.operations) == 127


async def test_repeatable_call_is_repeated_after_a_timeout(
    impatient: Clients, app_client: CognitoConfig, cognito: ScriptedCognito
) -> None:
    """A timeout is a lost reply."""
    cognito.answers("GetUser", NEVER)

    with pytest.raises(UpstreamUnavailable):
        await CALLS["GetUser"](identity_provider(impatient.cognito, config=app_client))

    assert cognito.operations == ["GetUser"] * 2


@pytest.mark.parametrize("call", SENT_TWICE)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LimitExceededException", TooManyAttempts),
        ("TooManyFailedAttemptsException", TooManyAttempts),
        ("TooManyRequestsException", Throttled),
    ],
)
async def test_call_beyond_a_limit_is_not_repeated(
    name: str,
    expected: type[ServiceError],
    call: str,
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """A call that a limit rejects is never repeated."""
    operation = operation_of(call)
    cognito.answers(operation, refusal(name))

    with pytest.raises(expected):
        await CALLS[call](provider)

    assert cognito.operations.count(operation) == 1


@pytest.mark.parametrize("call", CALLS)
async def test_call_that_was_never_sent_is_sent_again(
    call: str, client: Clients, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Without a connection any call is repeated."""
    with refusing() as nobody, detour(client.cognito, nobody) as turning:
        await CALLS[call](provider)

    assert turning.attempts[0] == turning.attempts[1] == cognito.operations[0]
    assert turning.attempts[1:] == cognito.operations


async def test_failed_handshake_is_no_call(
    client: Clients, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Where TLS fails, nothing was sent either."""
    async with speaking_plainly() as elsewhere:
        with detour(client.cognito, elsewhere) as turning:
            await CALLS["SignUp"](provider)

    assert turning.attempts == ["SignUp", "SignUp"]
    assert cognito.operations == ["SignUp"]


async def test_call_that_fails_its_handshake_twice_is_unavailable(
    client: Clients, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A call is attempted at most twice, and its effect not queried."""
    async with speaking_plainly() as elsewhere:
        with (
            detour(client.cognito, elsewhere, elsewhere) as turning,
            pytest.raises(UpstreamUnavailable) as raised,
        ):
            await CALLS["SignUp"](provider)

    assert isinstance(raised.value.__cause__, SSLError)
    assert turning.attempts == ["SignUp", "SignUp"]
    assert cognito.operations == []


@pytest.mark.parametrize("call", ["SignUp", "RespondToAuthChallenge", "GetUser"])
async def test_call_without_a_connection_is_unavailable(
    call: str, client: Clients, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """After two refused connections the call is unavailable, and its effect not queried."""
    with (
        refusing() as nobody,
        detour(client.cognito, nobody, nobody) as turning,
        pytest.raises(UpstreamUnavailable) as raised,
    ):
        await CALLS[call](provider)

    assert isinstance(raised.value.__cause__, EndpointConnectionError)
    assert turning.attempts == [call, call]
    assert cognito.operations == []


@lost_answers
async def test_call_lost_at_its_second_try_is_lost(
    lost: Step, client: Clients, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A call that was not taken first and lost then is not sent a third time."""
    cognito.answers("ConfirmSignUp", lost)

    with (
        refusing() as nobody,
        detour(client.cognito, nobody) as turning,
        pytest.raises(UpstreamUnavailable),
    ):
        await CALLS["ConfirmSignUp"](provider)

    assert turning.attempts == ["ConfirmSignUp"] * 2
    assert cognito.operations == ["ConfirmSignUp"]


@pytest.mark.parametrize(
    "lost", [CLOSED, resetting, DOWN], ids=["closed", "reset", "failed inside"]
)
async def test_account_that_a_lost_call_deleted_is_deleted(
    lost: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """UserNotFoundException after a lost reply is the success of the deletion."""
    cognito.answers("DeleteUser", lost, refusal("UserNotFoundException"))

    await provider.own_account.delete(TOKEN)

    assert cognito.operations == ["DeleteUser"] * 2


async def test_account_that_a_lost_call_did_not_delete_is_deleted_then(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A deletion that had no effect is made up for."""
    cognito.answers("DeleteUser", CLOSED, usual)

    await provider.own_account.delete(TOKEN)

    assert cognito.operations == ["DeleteUser"] * 2


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([CLOSED, refusal("NotAuthorizedException")], TokenInvalid),
        ([refusal("UserNotFoundException")], TokenInvalid),
        ([refusal("NotAuthorizedException")], TokenInvalid),
        ([CLOSED, CLOSED], UpstreamUnavailable),
    ],
    ids=["refused after a loss", "not found at first", "refused", "lost twice"],
)
async def test_deletion_that_is_not_proved_fails(
    steps: list[Step],
    expected: type[ServiceError],
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """Only "no such user" after a lost answer proves a deletion."""
    cognito.answers("DeleteUser", *steps)

    with pytest.raises(expected):
        await provider.own_account.delete(TOKEN)

    assert cognito.operations == ["DeleteUser"] * len(steps)
