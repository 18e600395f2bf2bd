"""Calls to AWS have a bounded number of attempts, and their failures become errors of the domain."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from types import FrameType
from typing import Any

import pytest
import pytest_asyncio
from botocore.exceptions import (
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError
from structlog.testing import capture_logs

from service.aws.clients import Clients, open_clients
from service.aws.errors import COMMON_ERRORS, RETRY_AFTER_S, ErrorTable, translated
from service.aws.session import Credentials
from service.domain.errors import (
    AccountExists,
    CodeMismatch,
    FeatureUnavailable,
    InvalidParameter,
    Misconfigured,
    ServiceError,
    UpstreamFault,
    UpstreamUnavailable,
)
from tests.support import scripted_aws
from tests.support.configs import BREAKER_OFF, CREDENTIALS, configured
from tests.support.scripted_aws import ScriptedAws, refusal, scripted_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

Call = Callable[[Clients], Awaitable[object]]

KEY = {"userId": {"S": "alice"}}
SECRET = "s3cr3t"  # noqa: S105 -- a sample
TIMEOUT_S = "0.1"
MAX_IN_FLIGHT = 20  # botocore's own limit of connections is 10
PAUSES_ALMOST_NONE = 8_038  # a seed: botocore draws its pauses between attempts from `random`


def _by_message(error: ClientError) -> ServiceError:
    message = error.response["Error"].get("Message", "")
    return CodeMismatch() if "code" in message else InvalidParameter()


TABLE: ErrorTable = {
    "UsernameExistsException": AccountExists,
    "InvalidParameterException": _by_message,
    "LimitExceededException": UpstreamUnavailable,
    "AccessDeniedException": AccountExists,
}


async def _list_pools(clients: Clients) -> object:
    return await clients.cognito.list_user_pools(MaxResults=1)


async def _get_item(clients: Clients) -> object:
    return await clients.dynamodb.get_item(TableName="t", Key=KEY)


@asynccontextmanager
async def _clients(url: str, **settings: str) -> AsyncIterator[Clients]:
    """Open clients of the server at *url*."""
    servers = {
        "endpoint-url": url,
        "connect-timeout-s": TIMEOUT_S,
        "read-timeout-s": TIMEOUT_S,
        **settings,
    }
    config = configured(
        {
            "aws.cognito": servers,
            "aws.dynamodb": servers,
            "server": {"max-in-flight": str(MAX_IN_FLIGHT)},
        },
        BREAKER_OFF,
    )
    async with open_clients(config, CREDENTIALS) as clients:
        yield clients


class Asker:
    """Makes calls to a scripted server, and translates their failures."""

    def __init__(self, server: ScriptedAws, clients: Clients) -> None:
        self._server = server
        self._clients = clients

    async def ask(self, call: Call, *answers: bytes | None) -> Any:  # noqa: ANN401 -- botocore's
        """Return the response to a call, to whose attempts the server sends *answers* in turn."""
        self._server.plan(*answers)
        async with asyncio.timeout(10):
            with translated(TABLE):
                return await call(self._clients)

    async def error(self, answer: bytes | None, call: Call = _list_pools) -> ServiceError:
        """Return the error of a call to which the server always sends *answer*."""
        with pytest.raises(ServiceError) as raised:
            await self.ask(call, answer)
        return raised.value

    @property
    def operations(self) -> list[str]:
        """The operations of the attempts of the last call."""
        return self._server.operations


@pytest_asyncio.fixture(name="asker", scope="module", loop_scope="module")
async def _asker() -> AsyncIterator[Asker]:
    """Open the clients once: that takes longer than all calls of this module."""
    async with scripted_server(scripted_aws.HANG_UP) as server, _clients(server.url) as clients:
        yield Asker(server, clients)


@pytest_asyncio.fixture(name="new_asker", loop_scope="module")
async def _new_asker() -> AsyncIterator[Asker]:
    """Open clients whose quota of retries no other test has used."""
    async with scripted_server(scripted_aws.HANG_UP) as server, _clients(server.url) as clients:
        yield Asker(server, clients)


@pytest.fixture(name="short_pauses")
def _short_pauses() -> Iterator[None]:
    state = random.getstate()
    random.seed(PAUSES_ALMOST_NONE)
    yield
    random.setstate(state)


async def test_answer_passes(asker: Asker) -> None:
    """A response is returned."""
    answer = await asker.ask(_list_pools, scripted_aws.answer({"UserPools": []}))

    assert answer["UserPools"] == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refusal("UsernameExistsException"), AccountExists),
        (refusal("com.amazonaws#UsernameExistsException"), AccountExists),
        (refusal("InvalidParameterException", message="the code is wrong"), CodeMismatch),
        (refusal("InvalidParameterException"), InvalidParameter),
        (refusal("LimitExceededException"), UpstreamUnavailable),
        (refusal("AccessDeniedException"), AccountExists),
        (refusal("UsernameExistsException", 503), AccountExists),
        (refusal("ExpiredTokenException"), Misconfigured),
        (refusal("ThrottlingException"), UpstreamUnavailable),
        (refusal("NewException"), UpstreamFault),
        (refusal("NewException", 451), UpstreamFault),
        (refusal("NewException", 500), UpstreamUnavailable),
        (refusal("InternalErrorException", 503), UpstreamUnavailable),
        (refusal("InternalFailure", 501), FeatureUnavailable),
        (refusal("UnknownOperationException"), FeatureUnavailable),
        (scripted_aws.raw(b"", 504), UpstreamUnavailable),
        (scripted_aws.raw(b"<html>busy</html>", 502), UpstreamUnavailable),
        (scripted_aws.raw(b"<html>no</html>", 403), UpstreamFault),
        (scripted_aws.raw(b"\xff\xfe", 403), UpstreamFault),
        (scripted_aws.HANG, UpstreamUnavailable),
        (scripted_aws.HANG_UP, UpstreamUnavailable),
        (scripted_aws.raw(b"{", length=9), UpstreamUnavailable),
        (b"SSH-2.0-OpenSSH\r\n\r\n", UpstreamUnavailable),
    ],
    ids=[
        "in the table",
        "with its namespace",
        "by its message",
        "without a message",
        "throttled by the table",
        "table before common",
        "named, though 503",
        "common",
        "common throttling",
        "unknown",
        "unknown below 500",
        "unknown from 500",
        "unknown 503",
        "not implemented",
        "no such operation",
        "empty",
        "web page from 500",
        "web page below 500",
        "not text",
        "read timeout",
        "closed",
        "cut short",
        "not HTTP",
    ],
)
async def test_failure_is_the_domains(
    answer: bytes | None, expected: type[ServiceError], asker: Asker
) -> None:
    """Every failure of a call is an error of the domain, whose cause is botocore's error."""
    error = await asker.error(answer)

    assert type(error) is expected
    assert isinstance(error.__cause__, Exception)
    assert not isinstance(error.__cause__, ServiceError)
    assert error.retry_after_s == (RETRY_AFTER_S if expected is UpstreamUnavailable else None)


@pytest.mark.parametrize("name", COMMON_ERRORS)
async def test_common_exception_means_the_same_everywhere(name: str, asker: Asker) -> None:
    """An error of every AWS service is translated by COMMON_ERRORS unless the table has it."""
    error = await asker.error(refusal(name))

    assert type(error) is TABLE.get(name, COMMON_ERRORS[name])


async def test_refused_connection_is_unavailable() -> None:
    """A server that refuses connections is unavailable."""
    async with scripted_server(scripted_aws.HANG_UP) as server:
        url = server.url  # of a server that is closed before the call
    async with _clients(url) as clients:
        with pytest.raises(UpstreamUnavailable) as raised, translated(TABLE):
            await _list_pools(clients)

    assert raised.value.retry_after_s == RETRY_AFTER_S


async def test_call_that_cannot_be_made_is_a_fault(asker: Asker) -> None:
    """A request that botocore refuses to send is a fault; its values are not logged."""

    async def call(clients: Clients) -> object:
        return await clients.cognito.list_user_pools(MaxResults=SECRET)  # type: ignore[arg-type]  # -- on purpose

    with capture_logs() as logs, pytest.raises(UpstreamFault) as raised:
        await asker.ask(call, scripted_aws.HANG_UP)

    assert isinstance(raised.value.__cause__, ParamValidationError)
    assert SECRET in str(raised.value.__cause__)
    assert logs == [
        {"event": "aws_call_failed", "error": "ParamValidationError", "log_level": "warning"}
    ]


@pytest.mark.parametrize(
    "error",
    [NoCredentialsError(), PartialCredentialsError(provider="env", cred_var="AWS_SECRET")],
    ids=["none", "half of them"],
)
async def test_missing_credentials_are_the_operators(error: Exception) -> None:
    """Missing credentials are a misconfiguration, and are logged."""
    with capture_logs() as logs, pytest.raises(Misconfigured) as raised, translated(TABLE):
        raise error

    assert raised.value.__cause__ is error
    assert [event["error"] for event in logs] == [type(error).__name__]


@pytest.mark.parametrize("call", [_list_pools, _get_item], ids=["cognito", "dynamodb"])
@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"5", b"true"])
async def test_json_that_is_no_object_is_a_fault(
    body: bytes, status: int, call: Call, asker: Asker
) -> None:
    """A response whose JSON is not an object is the upstream's fault, whatever its status."""
    with capture_logs() as logs:
        error = await asker.error(scripted_aws.raw(body, status), call)

    assert type(error) is UpstreamFault
    assert isinstance(error.__cause__, ResponseParserError)
    assert logs == [
        {"event": "aws_call_failed", "error": "ResponseParserError", "log_level": "warning"}
    ]


@pytest.mark.parametrize(
    "answer",
    [
        scripted_aws.answer({"UserPools": 5}),
        scripted_aws.answer({"UserPools": [[]]}),
        scripted_aws.answer({"UserPools": [{"CreationDate": "today"}]}),
        refusal(5, 400),  # type: ignore[arg-type]  # on purpose
        refusal(["x"], 400),  # type: ignore[arg-type]  # on purpose
        refusal({}, 400),  # type: ignore[arg-type]  # on purpose
    ],
    ids=["no list", "no object in a list", "no date", "number", "list of codes", "object"],
)
async def test_undocumented_shape_is_a_fault(answer: bytes, asker: Asker) -> None:
    """A member of a response that is not of its documented type is the upstream's fault."""
    error = await asker.error(answer)

    assert type(error) is UpstreamFault


async def test_other_errors_pass() -> None:
    """An error that is not botocore's is a defect, and is not translated."""
    with pytest.raises(KeyError), translated(TABLE):
        raise KeyError("a defect")


async def test_misconfiguration_is_logged_with_its_message(asker: Asker) -> None:
    """A misconfiguration is logged with the operation and the message of AWS."""
    with capture_logs() as logs:
        await asker.error(refusal("UnrecognizedClientException", message="The token is invalid."))

    assert logs == [
        {
            "event": "aws_call_failed",
            "operation": "ListUserPools",
            "error": "UnrecognizedClientException",
            "message": "The token is invalid.",
            "setting": "credentials",
            "advice": logs[0]["advice"],
            "log_level": "warning",
        }
    ]
    assert "AWS_ACCESS_KEY_ID" in logs[0]["advice"]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (refusal("NewException", message=SECRET), "NewException"),
        (refusal("ThrottlingException", message=SECRET), "ThrottlingException"),
        (refusal("InternalErrorException", 500, message=SECRET), "InternalErrorException"),
    ],
    ids=["unknown", "throttled", "down"],
)
async def test_other_failure_is_logged_without_its_message(
    answer: bytes, name: str, asker: Asker
) -> None:
    """A message of AWS that may contain data of a user is not logged."""
    with capture_logs() as logs:
        await asker.error(answer)

    assert logs == [
        {
            "event": "aws_call_failed",
            "operation": "ListUserPools",
            "error": name,
            "log_level": "warning",
        }
    ]


@pytest.mark.parametrize(
    "name", ["", "a b", "a\nb", "A" * 65, "\x1b[31m", 5, ["x"]], ids=lambda name: f"{name!r:.12}"
)
async def test_code_that_is_not_of_aws_is_not_logged(name: object, asker: Asker) -> None:
    """A server other than AWS cannot write into the log."""

    async def call(_: Clients) -> object:
        metadata: Any = {"HTTPStatusCode": 400}
        raise ClientError({"Error": {"Code": name}, "ResponseMetadata": metadata}, "GetItem")  # type: ignore[typeddict-item]  # -- on purpose

    with capture_logs() as logs, pytest.raises(ServiceError):
        await asker.ask(call, None)

    assert [(line["operation"], line["error"]) for line in logs] == [("GetItem", "unknown")]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (scripted_aws.HANG, "ReadTimeoutError"),
        (scripted_aws.HANG_UP, "ConnectionClosedError"),
    ],
    ids=["timeout", "closed"],
)
async def test_missing_answer_is_logged(answer: bytes | None, name: str, asker: Asker) -> None:
    """A missing response is logged with the type of the error."""
    with capture_logs() as logs:
        await asker.error(answer)

    assert logs == [{"event": "aws_call_failed", "error": name, "log_level": "warning"}]


@pytest.mark.parametrize("call", [_list_pools, _get_item], ids=["cognito", "dynamodb"])
@pytest.mark.parametrize("answer", [scripted_aws.HANG, scripted_aws.HANG_UP])
async def test_call_without_a_response_leaves_no_frames(
    answer: bytes | None, call: Call, asker: Asker
) -> None:
    """No frame survives a failed call: garbage collection would pause the process to free cycles."""
    gc.collect()
    gc.disable()
    try:
        older = _frames()
        with suppress(UpstreamUnavailable):
            await asker.ask(call, answer)
        left = [frame for frame in _frames() if frame not in older]
    finally:
        gc.enable()

    assert [frame.f_code.co_name for frame in left] == []


def _frames() -> list[FrameType]:
    return [found for found in gc.get_objects() if isinstance(found, FrameType)]


async def test_callers_own_mistake_is_not_logged(asker: Asker) -> None:
    """A refusal that the caller has to correct is not logged."""
    with capture_logs() as logs:
        await asker.error(refusal("UsernameExistsException"))

    assert logs == []


@pytest.mark.parametrize(
    "answer",
    [
        scripted_aws.raw(b"{}", 500),
        refusal("ThrottlingException"),
        scripted_aws.HANG,
        scripted_aws.HANG_UP,
    ],
    ids=["500", "throttled", "read timeout", "closed"],
)
async def test_cognito_is_asked_once(answer: bytes | None, asker: Asker) -> None:
    """A call to Cognito is sent once, however it fails: most are not idempotent."""
    with pytest.raises(UpstreamUnavailable):
        await asker.ask(_list_pools, answer)

    assert asker.operations == ["ListUserPools"]


@pytest.mark.usefixtures("short_pauses")
async def test_dynamodb_is_asked_three_times(new_asker: Asker) -> None:
    """A call to DynamoDB has three attempts."""
    with pytest.raises(UpstreamUnavailable):
        await new_asker.ask(_get_item, scripted_aws.raw(b"{}", 500))

    assert new_asker.operations == ["GetItem"] * 3


@pytest.mark.usefixtures("short_pauses")
async def test_dynamodb_recovers_between_attempts(new_asker: Asker) -> None:
    """A call succeeds if one of its attempts does."""
    answers = (
        scripted_aws.HANG_UP,
        scripted_aws.raw(b"{}", 503),
        scripted_aws.answer({"Item": KEY}),
    )
    answer = await new_asker.ask(_get_item, *answers)

    assert answer["Item"] == KEY
    assert new_asker.operations == ["GetItem"] * 3


async def test_dynamodbs_refusal_is_not_repeated(asker: Asker) -> None:
    """A refusal that is not transient is not retried."""
    with pytest.raises(UpstreamFault):
        await asker.ask(_get_item, refusal("ResourceNotFoundException"))

    assert asker.operations == ["GetItem"]


@pytest.mark.parametrize("call", [_list_pools, _get_item], ids=["cognito", "dynamodb"])
async def test_connections_are_as_many_as_requests(call: Call) -> None:
    """Each request in flight can have a connection of its own."""
    server_settings = {"connect-timeout-s": "30", "read-timeout-s": "30"}
    async with (
        scripted_server(scripted_aws.HANG) as server,
        _clients(server.url, **server_settings) as clients,
    ):
        calls = [asyncio.ensure_future(call(clients)) for _ in range(MAX_IN_FLIGHT)]
        await _arrived(server, MAX_IN_FLIGHT)
        for waiting in calls:
            waiting.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def _arrived(server: ScriptedAws, count: int) -> None:
    async with asyncio.timeout(30), server.news:
        await server.news.wait_for(lambda: len(server.requests) == count)


async def test_credentials_hide_their_secret() -> None:
    """The repr of credentials names the key, not the secret."""
    shown = repr(Credentials("AKIA", SECRET))

    assert "AKIA" in shown
    assert SECRET not in shown


@pytest.mark.parametrize("given", [CREDENTIALS, Credentials("other", SECRET)])
async def test_given_credentials_sign(given: Credentials) -> None:
    """Calls are signed with the given credentials for the configured region."""
    async with scripted_server(scripted_aws.answer({})) as server:
        config = configured({"aws.dynamodb": {"endpoint-url": server.url}})
        async with open_clients(config, given) as clients:
            for _ in range(2):  # the first call of an operation is sent by aioboto3
                await _get_item(clients)

    for head in server.heads:
        assert f"Credential={given.access_key_id}/" in head["authorization"]
        assert "/us-east-1/dynamodb/" in head["authorization"]
        assert head["user-agent"].startswith("user-profile-service ")
    assert len(server.heads) == 2
