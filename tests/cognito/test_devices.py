"""Devices are confirmed with the documented request, and no failure of it loses the tokens."""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from service.aws.clients import Clients
from service.cognito.devices import PRIME, DeviceConfirmation
from service.cognito.user_pool_client import UserPoolClient
from service.config.settings import CognitoConfig
from service.domain.identity_provider import IdentityProvider
from service.domain.sessions import Tokens
from tests.cognito.calls import CALLS, DEVICE_KEY
from tests.support.cognito_answers import default_answer
from tests.support.cognito_shapes import service_model
from tests.support.scripted_cognito import (
    CLOSED,
    CUT_SHORT,
    GARBAGE,
    ScriptedCognito,
    Step,
    late,
    raw,
    refusal,
    resetting,
    success,
    usual,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIGN_INS: Final = ("InitiateAuth", "InitiateAuth/begin", "RespondToAuthChallenge")
TOKEN_CALLS: Final = (*SIGN_INS, "VerifySoftwareToken/session", "GetTokensFromRefreshToken")
NEW_DEVICE: Final = {"DeviceKey": DEVICE_KEY, "DeviceGroupKey": "-AbCdEfGh"}
SHORT_S: Final = 0.05


def with_device(operation: str) -> Mapping[str, Any]:
    """Return the success of an operation with a new device."""
    answer = default_answer(operation)
    assert answer is not None
    return {
        "AuthenticationResult": {**answer["AuthenticationResult"], "NewDeviceMetadata": NEW_DEVICE}
    }


def give_devices(cognito: ScriptedCognito) -> None:
    """Return a new device with all tokens."""
    for operation in ("InitiateAuth", "RespondToAuthChallenge", "GetTokensFromRefreshToken"):
        cognito.answers(operation, success(with_device(operation)))


def number(text: str) -> int:
    """Read a number as Java's BigInteger does."""
    return int.from_bytes(base64.b64decode(text, validate=True), "big", signed=True)


@pytest.mark.parametrize("call", TOKEN_CALLS)
async def test_new_device_is_confirmed(
    call: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Every call that returns a new device is followed by its confirmation."""
    give_devices(cognito)

    tokens = await CALLS[call](provider)

    assert isinstance(tokens, Tokens)
    assert tokens.device_key == DEVICE_KEY
    sent = cognito.arguments("ConfirmDevice")
    assert (sent["AccessToken"], sent["DeviceKey"]) == (tokens.access_token, DEVICE_KEY)
    assert set(sent) == {"AccessToken", "DeviceKey", "DeviceSecretVerifierConfig"}


async def test_verifier_is_a_new_element_of_the_group_each_time(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Verifier and salt are positive and differ; the verifier is in the group that 2 generates."""
    give_devices(cognito)

    for _ in range(8):  # half of all numbers would be negative without padding
        await CALLS["InitiateAuth"](provider)

    sent = [one.arguments for one in cognito.received if one.operation == "ConfirmDevice"]
    configs = [one["DeviceSecretVerifierConfig"] for one in sent]
    verifiers = {number(config["PasswordVerifier"]) for config in configs}
    salts = {number(config["Salt"]) for config in configs}
    assert len(verifiers) == len(salts) == 8
    assert all(1 < verifier < PRIME - 1 for verifier in verifiers)
    assert all(0 < salt < 2**128 for salt in salts)
    assert PRIME.bit_length() == 3_072
    squares = [2, *verifiers][:3]  # each takes 50 ms
    assert {pow(square, PRIME // 2, PRIME) for square in squares} == {1}


@pytest.mark.parametrize("call", TOKEN_CALLS)
@pytest.mark.parametrize("metadata", [None, {}, {"DeviceGroupKey": "-AbCdEfGh"}], ids=str)
async def test_tokens_without_a_device_are_not_followed_by_a_call(
    call: str,
    metadata: dict[str, str] | None,
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """A pool that remembers no devices costs no call."""
    for operation in ("InitiateAuth", "RespondToAuthChallenge", "GetTokensFromRefreshToken"):
        answer = default_answer(operation)
        assert answer is not None
        if metadata is not None:
            result = {**answer["AuthenticationResult"], "NewDeviceMetadata": metadata}
            cognito.answers(operation, success({"AuthenticationResult": result}))

    tokens = await CALLS[call](provider)

    assert isinstance(tokens, Tokens)
    assert tokens.device_key is None
    assert "ConfirmDevice" not in cognito.operations


@pytest.mark.parametrize("on_prompt", [True, False], ids=["on prompt", "always"])
async def test_user_is_not_asked(
    provider: IdentityProvider, cognito: ScriptedCognito, *, on_prompt: bool
) -> None:
    """A device that needs the user's agreement is tracked, which is enough for its refresh token."""
    give_devices(cognito)
    cognito.answers("ConfirmDevice", success({"UserConfirmationNecessary": on_prompt}))

    await CALLS["InitiateAuth"](provider)

    assert cognito.operations == ["InitiateAuth", "ConfirmDevice"]


def exceptions() -> list[str]:
    """Return the documented exceptions of ConfirmDevice but that of a confirmed device."""
    modelled = service_model().operation_model("ConfirmDevice").error_shapes
    return sorted({shape.name for shape in modelled} - {"DeviceKeyExistsException"})


@pytest.mark.parametrize("call", ["InitiateAuth", "GetTokensFromRefreshToken"])
@pytest.mark.parametrize(
    "step",
    [
        *(pytest.param(refusal(name), id=name) for name in exceptions()),
        pytest.param(refusal("LimitExceededException"), id="not documented"),
        pytest.param(raw(b"<html>", 503, "text/html"), id="page"),
        pytest.param(CLOSED, id="closed"),
        pytest.param(resetting, id="reset"),
        pytest.param(CUT_SHORT, id="cut short"),
        pytest.param(GARBAGE, id="garbage"),
    ],
)
async def test_failed_confirmation_loses_no_tokens(
    call: str, step: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """The tokens are returned, with the device key, and the log says why the session will be short."""
    give_devices(cognito)
    cognito.answers("ConfirmDevice", step)

    with capture_logs() as lines:
        tokens = await CALLS[call](provider)

    assert isinstance(tokens, Tokens)
    assert tokens.device_key == DEVICE_KEY
    failed = [line for line in lines if line["event"] == "device_not_confirmed"]
    assert len(failed) == 1


@pytest.mark.parametrize("lost", [CLOSED, resetting, CUT_SHORT, refusal("InternalErrorException")])
async def test_lost_confirmation_is_repeated(
    lost: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """The second attempt may find the device confirmed by the first, which is a success."""
    give_devices(cognito)
    cognito.answers("ConfirmDevice", lost, refusal("DeviceKeyExistsException"))

    with capture_logs() as lines:
        await CALLS["InitiateAuth"](provider)

    assert cognito.operations.count("ConfirmDevice") == 2
    assert "device_not_confirmed" not in {line["event"] for line in lines}


async def test_confirmation_that_hangs_leaves_the_request_its_time(
    client: Clients, app_client: CognitoConfig, cognito: ScriptedCognito, provider: IdentityProvider
) -> None:
    """It ends by itself, before the deadline of the request would lose the tokens."""
    cognito.answers("ConfirmDevice", late(usual, asyncio.Future))
    tokens = await CALLS["InitiateAuth"](provider)
    assert isinstance(tokens, Tokens)
    pool = UserPoolClient(client.cognito, config=app_client)

    with capture_logs() as lines:
        await DeviceConfirmation(pool, within_s=SHORT_S).confirm(
            replace(tokens, device_key=DEVICE_KEY)
        )

    (failed,) = (line for line in lines if line["event"] == "device_not_confirmed")
    assert failed["code"] == "deadline_exceeded"


async def test_log_names_the_limits_of_devices_once(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """The first device of a process is announced, with what is not supported."""
    give_devices(cognito)

    with capture_logs() as lines:
        await CALLS["InitiateAuth"](provider)
        await CALLS["InitiateAuth"](provider)

    (line,) = (line for line in lines if line["event"] == "devices_remembered")
    assert "deviceKey" in line["advice"]
    assert "DEVICE_SRP_AUTH" in line["advice"]
