"""The scripted Cognito lets nothing pass that the model does not have."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import aiohttp
import pytest

from tests.support.cognito_answers import SESSION
from tests.support.scripted_cognito import (
    CLOSED,
    CONTENT_TYPE,
    CUT_SHORT,
    GARBAGE,
    ScriptedCognito,
    Step,
    late,
    raw,
    refusal,
    resetting,
    scripted_cognito,
    success,
    usual,
)

PREFIX: Final = "AWSCognitoIdentityProviderService"
CONFIRM: Final = {"ClientId": "abc", "Username": "álice", "ConfirmationCode": "123456"}


@pytest.fixture(name="session")
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def post(
    session: aiohttp.ClientSession,
    cognito: ScriptedCognito,
    operation: str,
    body: Any,  # noqa: ANN401 -- JSON, or what is none
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """Make a call; return the status and the body."""
    heads = {
        "X-Amz-Target": f"{PREFIX}.{operation}",
        "Content-Type": CONTENT_TYPE,
        **(headers or {}),
    }
    sending = {"data": body} if isinstance(body, bytes) else {"json": body}
    async with session.post(cognito.url, headers=heads, **sending) as answer:
        return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize(
    ("operation", "body", "fault"),
    [
        ("ConfirmSignUp", {**CONFIRM, "Extra": "x"}, "Extra: no such member"),
        ("ConfirmSignUp", {"ClientId": "abc"}, "Username: required, and not there"),
        ("ConfirmSignUp", {**CONFIRM, "Username": 5}, "Username: 5 is no string"),
        ("ConfirmSignUp", {**CONFIRM, "Username": ""}, "Username: of size 0, not 1 to 128"),
        ("ConfirmSignUp", {**CONFIRM, "Username": "a b"}, r"Username: 'a b' is not as [\p{L}"),
        ("ConfirmSignUp", {**CONFIRM, "ClientId": "a-b"}, r"ClientId: 'a-b' is not as [\w+]+"),
        ("ConfirmSignUp", {**CONFIRM, "Session": "s"}, "Session: of size 1, not 20 to 2048"),
        (
            "ConfirmSignUp",
            {**CONFIRM, "ForceAliasCreation": "yes"},
            "ForceAliasCreation: 'yes' is no boolean",
        ),
        (
            "ConfirmSignUp",
            {**CONFIRM, "UserContextData": "127.0.0.1"},
            "UserContextData: '127.0.0.1' is no object",
        ),
        (
            "ConfirmSignUp",
            {**CONFIRM, "ClientMetadata": {"a": 1}},
            "ClientMetadata.a: 1 is no string",
        ),
        ("ConfirmSignUp", {**CONFIRM, "ClientMetadata": []}, "ClientMetadata: [] is no object"),
        (
            "InitiateAuth",
            {"ClientId": "abc", "AuthFlow": "NONE"},
            "AuthFlow: 'NONE' is none of",
        ),
        (
            "DeleteUserAttributes",
            {"AccessToken": "a", "UserAttributeNames": "name"},
            "UserAttributeNames: 'name' is no list",
        ),
        (
            "DeleteUserAttributes",
            {"AccessToken": "a", "UserAttributeNames": [None]},
            "UserAttributeNames[0]: None is no string",
        ),
        (
            "ListWebAuthnCredentials",
            {"AccessToken": "a", "MaxResults": True},
            "MaxResults: True is no integer",
        ),
        ("GetUser", [], "the body: [] is no object"),
        ("GetUser", b"{", "the body: b'{' is no object"),
    ],
)
async def test_request_that_breaks_the_model_fails_the_test(
    operation: str, body: object, fault: str, session: aiohttp.ClientSession
) -> None:
    """A request outside the service model is rejected and reported."""
    with pytest.raises(AssertionError) as failed:
        async with scripted_cognito() as cognito:
            status, answer = await post(session, cognito, operation, body)

    assert (status, answer) == (400, {"__type": "InvalidParameterException"})
    assert str(failed.value).startswith(f"{operation}: {fault}")


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ({"Authorization": "AWS4"}, "GetUser: signed, but the operation needs no signature"),
        ({"Content-Type": "text/plain"}, "GetUser: Content-Type: text/plain"),
        ({"X-Amz-Target": f"{PREFIX}.Get"}, f"X-Amz-Target: '{PREFIX}.Get' is no call"),
        ({"X-Amz-Target": "Other.GetUser"}, "X-Amz-Target: 'Other.GetUser' is no call"),
    ],
)
async def test_invalid_header_fails_the_test(
    headers: Mapping[str, str], fault: str, session: aiohttp.ClientSession
) -> None:
    """A request needs a target and a content type, and no signature where none is required."""
    async with scripted_cognito() as cognito:
        status, _ = await post(session, cognito, "GetUser", {"AccessToken": "a"}, headers)
        faults = cognito.faults.copy()
        cognito.faults.clear()

    assert status == 400
    assert len(faults) == 1
    assert faults[0].startswith(fault)


async def test_administrators_call_is_to_be_signed(session: aiohttp.ClientSession) -> None:
    """A call that is the administrators' alone wants a signature."""
    async with scripted_cognito() as cognito:
        await post(session, cognito, "ListUserPools", {"MaxResults": 1})
        faults = cognito.faults.copy()
        cognito.faults.clear()

    assert faults == ["ListUserPools: not signed"]


@pytest.mark.parametrize(
    ("operation", "step", "fault"),
    [
        ("ConfirmSignUp", success({"Sess": SESSION}), "is not as documented"),
        ("GetUser", success({}), "Username: required, and not there"),
        ("DeleteUser", success({"a": 1}), "nothing is documented here"),
        ("GetUser", refusal("NotAuthorizedException", cause="x"), "cause: no such member"),
        ("ForgetDevice", usual, "ForgetDevice has no answer; script one"),
    ],
)
async def test_script_that_breaks_the_model_fails_the_test(
    operation: str, step: Step, fault: str, session: aiohttp.ClientSession
) -> None:
    """A response outside the service model is rejected."""
    arguments = {"AccessToken": "a", "DeviceKey": "eu_0-1"}
    bodies = {"ConfirmSignUp": CONFIRM, "ForgetDevice": arguments}
    async with scripted_cognito() as cognito:
        cognito.answers(operation, step)
        status, _ = await post(
            session, cognito, operation, bodies.get(operation, {"AccessToken": "a"})
        )
        faults = cognito.faults.copy()
        cognito.faults.clear()

    assert status == 500
    assert fault in faults[0]


@pytest.mark.parametrize(
    ("step", "status", "body"),
    [
        (refusal("NotAuthorizedException", "no"), 400, {"message": "no"}),
        (refusal("InternalErrorException", None), 500, {}),
        (refusal("NotAuthorizedException", None, status=403), 403, {}),
        (refusal("InvalidParameterException", None, reasonCode="r"), 400, {"reasonCode": "r"}),
        (refusal("NewException", None, new=1), 400, {"new": 1}),
    ],
)
async def test_exception_has_the_protocols_form(
    step: Step, status: int, body: dict[str, object], session: aiohttp.ClientSession
) -> None:
    """An exception has its name, its members, and the status of the API reference."""
    async with scripted_cognito() as cognito:
        cognito.answers("GetUser", step)
        got, answer = await post(session, cognito, "GetUser", {"AccessToken": "a"})

    assert answer.pop("__type").endswith("Exception")
    assert (got, answer) == (status, body)


async def test_steps_come_in_turn(session: aiohttp.ClientSession) -> None:
    """Steps are used one for each call, the last repeatedly; requests are recorded."""
    async with scripted_cognito() as cognito:
        cognito.answers("GetUser", raw(b"1", 201), raw(b"2", 202))
        calls = [
            await post(session, cognito, operation, {"AccessToken": token})
            for operation, token in [
                ("GetUser", "a"),
                ("DeleteUser", "b"),
                ("GetUser", "c"),
                ("GetUser", "d"),
            ]
        ]

        assert calls == [(201, 1), (200, {}), (202, 2), (202, 2)]
        assert cognito.operations == ["GetUser", "DeleteUser", "GetUser", "GetUser"]
        assert cognito.arguments("DeleteUser") == {"AccessToken": "b"}
        assert cognito.received[0].headers["Content-Type"] == CONTENT_TYPE
        cognito.reset()
        assert cognito.operations == []
        status, _ = await post(session, cognito, "GetUser", {"AccessToken": "a"})
        assert status == 200


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (CLOSED, aiohttp.ServerDisconnectedError),
        (resetting, aiohttp.ClientOSError),
        (CUT_SHORT, aiohttp.ClientPayloadError),
        (GARBAGE, aiohttp.ClientResponseError),
    ],
)
async def test_scripted_fault_occurs(
    step: Step, error: type[Exception], session: aiohttp.ClientSession
) -> None:
    """A client meets the scripted fault; the request is recorded."""
    async with scripted_cognito() as cognito:
        cognito.answers("GetUser", step)
        with pytest.raises(error):
            await post(session, cognito, "GetUser", {"AccessToken": "a"})

        assert cognito.operations == ["GetUser"]


async def test_late_answer_waits(session: aiohttp.ClientSession) -> None:
    """A response can wait for an event."""
    arrived, happened = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        arrived.set()
        await happened.wait()

    async with scripted_cognito() as cognito:
        cognito.answers("DeleteUser", late(usual, wait))
        call = asyncio.create_task(post(session, cognito, "DeleteUser", {"AccessToken": "a"}))
        await arrived.wait()
        assert not call.done()
        happened.set()

        assert await call == (200, {})
