"""Both transports send and return what botocore does, whatever the response."""

import asyncio
import itertools
import json
import os
import random
import re
import socket
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aioboto3
import pytest
import pytest_asyncio
from aiohttp import web
from botocore.credentials import ReadOnlyCredentials

from service.aws.errors import translated
from service.profile_store.errors import DYNAMODB_ERRORS
from tests.aws.three_clients import (
    NAMES,
    Call,
    Client,
    Seen,
    botocores_authorization,
    outcome,
    seen,
    session,
    settings,
    three_clients,
)
from tests.support.configs import CREDENTIALS
from tests.support.scripted_aws import HANG, HANG_UP, ScriptedAws, raw, refusal, scripted_server
from tests.support.serving import listening

TOKEN = "FwoGZXIvYXdzE" * 40
KEY = {"userId": {"S": "alice"}, "createdAt": {"S": "2026"}}
ITEM = {
    **KEY,
    "version": {"N": "7"},
    "no": {"BOOL": False},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "empty": {"S": ""},
    "odd": {"S": 'Ω \U0001f600 \x00 \\ " null'},
    "list": {"L": [{"S": "a"}, {"N": "1.5"}, {"L": []}, {"M": {}}]},
    "map": {"M": {"a": {"M": {"b": {"L": [{"NULL": True}]}}}}},
    "words": {"SS": ["b", "a"]},
    "numbers": {"NS": ["1", "2"]},
}
BINARY = {**KEY, "blob": {"B": "AP8="}, "blobs": {"L": [{"M": {"x": {"BS": ["Yg==", "YQ=="]}}}]}}


async def _get(client: Client) -> Any:  # noqa: ANN401 -- botocore's
    return await client.get_item(TableName="t", Key=KEY, ConsistentRead=True)


async def _batch(client: Client) -> Any:  # noqa: ANN401 -- botocore's
    return await client.batch_get_item(RequestItems={"t": {"Keys": [KEY], "ConsistentRead": True}})


async def _batch_by_bytes(client: Client) -> Any:  # noqa: ANN401 -- botocore's
    return await client.batch_get_item(
        RequestItems={
            "t": {"Keys": [{"Ω": {"B": b"\x00\xff"}}]},
            "u": {"Keys": [{"u": {"N": "1"}}, {"u": {"N": "2"}}], "ConsistentRead": False},
        },
        ReturnConsumedCapacity="NONE",
    )


async def _query(client: Client) -> Any:  # noqa: ANN401 -- botocore's
    return await client.query(
        TableName="t",
        KeyConditionExpression="#u = :u",
        ExpressionAttributeNames={"#u": "userId"},
        ExpressionAttributeValues={":u": {"S": "Ωlice"}},
        ExclusiveStartKey=KEY,
    )


async def _update(client: Client) -> Any:  # noqa: ANN401 -- botocore's
    return await client.update_item(
        TableName="t",
        Key=KEY,
        UpdateExpression="SET #a = :a",
        ExpressionAttributeNames={"#a": "blob"},
        ExpressionAttributeValues={":a": {"B": b"\x00\xff"}},
        ReturnValues="ALL_NEW",
    )


async def _put(client: Client) -> Any:  # noqa: ANN401 -- botocore's
    return await client.put_item(
        TableName="t",
        Item={**KEY, "blob": {"B": b"\x00\xff"}},
        ConditionExpression="attribute_not_exists(#a)",
        ExpressionAttributeNames={"#a": "a"},
    )


async def _put_lone_surrogate(client: Client) -> Any:  # noqa: ANN401 -- botocore's
    return await client.put_item(TableName="t", Item={**KEY, "a": {"S": "Ω\ud800"}})


async def _transact(client: Client) -> Any:  # noqa: ANN401 -- botocore's
    puts = [{"Put": {"TableName": "t", "Item": KEY}}]
    return await client.transact_write_items(TransactItems=puts, ClientRequestToken="once")


CALLS = [_get, _batch, _batch_by_bytes, _query, _update, _put, _put_lone_surrogate, _transact]


def _answer(value: object, status: int = 200, **headers: str) -> bytes:
    """Return a response of DynamoDB; `_` in the names of *headers* stands for `-`."""
    return _with(json.dumps(value).encode(), status, **headers)


def _with(body: bytes, status: int = 200, **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return raw(body, status).replace(
        b"\r\nContent-Type", b"\r\n" + lines.encode() + b"Content-Type", 1
    )


def _crc(body: bytes) -> str:
    return str(zlib.crc32(body))


def _chunked(body: bytes) -> bytes:
    head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    return head.encode() + b"".join(
        f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (body[:5], body[5:], b"")
    )


FOUND = json.dumps({"Item": ITEM}).encode()
DOWN = _answer({"__type": "InternalServerError"}, 500)
THROTTLED = refusal("com.amazonaws.dynamodb.v20120810#ThrottlingException", message="slower")
CANCELLED = refusal(
    "TransactionCanceledException",
    Message="cancelled",
    CancellationReasons=[
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Message": "no", "Item": BINARY},
    ],
)

ANSWERED: dict[str, tuple[Call, bytes]] = {
    "GetItem": (_get, _answer({"Item": ITEM}, X_Amzn_RequestId="R1", X_Amz_Crc32=_crc(FOUND))),
    "GetItem of nothing": (_get, _answer({})),
    "GetItem, empty item": (_get, _answer({"Item": {}})),
    "GetItem with bytes": (_get, _answer({"Item": BINARY})),
    "GetItem with capacity": (_get, _answer({"Item": ITEM, "ConsumedCapacity": {"TableName": "t"}})),
    "Query": (_query, _answer({"Items": [ITEM, KEY], "Count": 2, "ScannedCount": 2})),
    "Query, first page": (_query, _answer({"Items": [], "Count": 0, "LastEvaluatedKey": KEY})),
    "Query with bytes": (_query, _answer({"Items": [ITEM, BINARY], "Count": 2})),
    "BatchGetItem": (_batch, _answer({"Responses": {"t": [ITEM]}, "UnprocessedKeys": {}})),
    "BatchGetItem, unprocessed": (
        _batch,
        _answer({"Responses": {"t": [ITEM]}, "UnprocessedKeys": {"t": {"Keys": [KEY]}}}),
    ),
    "BatchGetItem by bytes": (_batch_by_bytes, _answer({"Responses": {}})),
    "UpdateItem": (_update, _answer({"Attributes": ITEM})),
    "PutItem": (_put, _answer({})),
    "PutItem, condition": (_put, refusal("ConditionalCheckFailedException", message="no", Item=ITEM)),
    "TransactWriteItems": (_transact, _answer({})),
    "chunked": (_get, _chunked(FOUND)),
    "header twice": (_get, _answer({}, X_A="1").replace(b"X-A: 1", b"X-A: 1\r\nx-a: 2")),
    "no body": (_get, raw(b"")),
    "no JSON": (_get, raw(b"<html>hello</html>")),
    "not UTF-8": (_get, raw(b'{"Item": {"a": {"S": "\xff"}}}')),
    "lone surrogate": (_get, raw(b'{"Item": {"a": {"S": "\\ud800"}}}')),
    "NaN": (_get, raw(b'{"Item": {"a": {"N": NaN}}}')),
    "list": (_get, raw(b"[]")),
    "null": (_get, raw(b"null")),
    "number": (_get, raw(b"5")),
    "null member": (_get, raw(b'{"Item": null}')),
    "null attribute": (_get, raw(b'{"Item": {"a": null}}')),
    "null value": (_get, raw(b'{"Item": {"a": {"S": null}}}')),
    "number for a string": (_get, raw(b'{"Item": {"a": {"S": 5}}}')),
    "number as a number": (_get, raw(b'{"Item": {"a": {"N": 12345678901234567890123}}}')),
    "no attribute": (_get, raw(b'{"Item": {"a": 5}}')),
    "no item": (_get, raw(b'{"Item": 5}')),
    "unknown type": (_get, raw(b'{"Item": {"a": {"X": "1"}}}')),
    "two types": (_get, raw(b'{"Item": {"a": {"S": "1", "N": "1"}}}')),
    "no type": (_get, raw(b'{"Item": {"a": {}}}')),
    "set that is text": (_get, raw(b'{"Item": {"a": {"SS": "ab"}}}')),
    "set of numbers": (_get, raw(b'{"Item": {"a": {"NS": [1, null]}}}')),
    "list that is a map": (_get, raw(b'{"Item": {"a": {"L": {"b": 1}}}}')),
    "map that is a list": (_get, raw(b'{"Item": {"a": {"M": []}}}')),
    "true that is text": (_get, raw(b'{"Item": {"a": {"BOOL": "true"}}}')),
    "broken Base64": (_get, raw(b'{"Item": {"a": {"B": "x"}}}')),
    "count as text": (_query, _answer({"Items": [], "Count": "0"})),
    "huge count": (_query, raw(b'{"Items": [], "Count": 123456789012345678901234567890}')),
    "items as a map": (_query, _answer({"Items": {"a": ITEM}})),
    "responses as a list": (_batch, _answer({"Responses": [ITEM]})),
    "unknown member": (_get, _answer({"Item": ITEM, "Weather": "fine"})),
    "unknown member of nothing": (_transact, _answer({"Item": ITEM})),
    "nested too deep": (_get, raw(b'{"Item":{"a":' + b'{"L":[' * 60 + b"]}" * 60 + b"}}")),
    "201": (_get, raw(FOUND, 201)),
    "204": (_get, raw(b"", 204)),
    "300": (_get, raw(b"{}", 300)),
    "304": (_get, raw(b"", 304)),
    "redirect": (_get, _with(b"", 307, Location="/elsewhere")),
    "condition failed": (
        _update,
        refusal("ConditionalCheckFailedException", message="no", Item=BINARY),
    ),
    "transaction cancelled": (_transact, CANCELLED),
    "in progress": (_transact, refusal("TransactionInProgressException", Message="wait")),
    "conflict": (_update, refusal("TransactionConflictException")),
    "invalid": (_get, refusal("com.amazon.coral.validate#ValidationException", message="no")),
    "no table": (_get, refusal("ResourceNotFoundException", message="no")),
    "denied": (_get, refusal("AccessDeniedException", Message="no")),
    "clock": (_get, refusal("InvalidSignatureException", message="Signature expired")),
    "skewed": (_get, refusal("RequestTimeTooSkewed", 403, message="now")),
    "expired": (_get, refusal("ExpiredTokenException", message="old")),
    "throughput": (_get, refusal("ProvisionedThroughputExceededException", message="more")),
    "throttled": (_get, THROTTLED),
    "limit": (_get, refusal("RequestLimitExceeded")),
    "slow down": (_get, refusal("SlowDown", 503)),
    "timeout by name": (_get, refusal("RequestTimeout")),
    "checksum by name": (_get, refusal("CRC32CheckFailed")),
    "namespace at the end": (_get, refusal("NewException:http://internal/", 418)),
    "by its query name": (
        _get,
        _answer({"__type": "a#B"}, 400, X_Amzn_Query_Error="Old.Name;Sender"),
    ),
    "name that is a number": (_get, refusal(5)),  # type: ignore[arg-type]  # on purpose
    "400 without a name": (_get, _answer({"message": "no"}, 400)),
    "400 without JSON": (_get, raw(b"<html>no</html>", 400)),
    "400 with a list": (_get, raw(b"[]", 400)),
    "403 not UTF-8": (_get, raw(b"\xff", 403)),
    "500": (_get, DOWN),
    "500 with a checksum": (_get, _answer({"__type": "X"}, 500, X_Amz_Crc32="1")),
    "502": (_get, raw(b"<html>bad</html>", 502)),
    "503": (_get, raw(b"", 503)),
    "504": (_get, raw(b" ", 504)),
    "501": (_get, raw(b"{}", 501)),
    "checksum": (_get, _with(FOUND, X_Amz_Crc32="1")),
    "checksum with zeros": (_get, _with(FOUND, X_Amz_Crc32="000" + _crc(FOUND))),
    "checksum that is none": (_get, _with(FOUND, X_Amz_Crc32="none")),
    "checksum of an error": (_get, _answer({"__type": "AccessDenied"}, 400, X_Amz_Crc32="1")),
    "closed": (_get, HANG_UP),
    "cut short": (_get, raw(b"{", length=9)),
    "not HTTP": (_get, b"SSH-2.0-OpenSSH\r\n\r\n"),
    "no length": (_get, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + FOUND),
    "header too long": (_get, _answer({}, X_Long="x" * 9_000)),
    "header not UTF-8": (_get, _answer({}, X_A="Y").replace(b"Y", b"\xff")),
    "compressed in name only": (_get, _with(FOUND, Content_Encoding="gzip")),
}  # fmt: skip

# Responses to the attempts of one call, in turn.
IN_TURN: dict[str, tuple[bytes | None, ...]] = {
    "closed, then found": (HANG_UP, raw(FOUND)),
    "timeout, then found": (HANG, raw(FOUND)),
    "twice down, then found": (DOWN, raw(b"", 503), raw(FOUND)),
    "throttled, then found": (THROTTLED, raw(FOUND)),
    "throttled, then refused": (THROTTLED, refusal("AccessDeniedException")),
    "checksum, then found": (_with(FOUND, X_Amz_Crc32="1"), raw(FOUND)),
    "all different": (HANG_UP, THROTTLED, DOWN),
    "always timeout": (HANG,),
    "dated, then found": (
        _answer({}, 503, Date="Mon, 23 Nov 2026 12:00:00 GMT"),
        raw(FOUND),
    ),
    "dated, closed, then found": (
        _answer({}, 503, Date="Mon, 23 Nov 2026 12:00:00 GMT"),
        HANG_UP,
        raw(FOUND),
    ),
    "an hour ahead": (_answer({}, 503, Date="Tue, 01 Jan 2041 12:00:00 GMT"), raw(FOUND)),
    "years behind": (_answer({}, 503, Date="Thu, 01 Jan 1970 00:00:01 GMT"), raw(FOUND)),
    "end of time": (_answer({}, 503, Date="Fri, 31 Dec 9999 23:59:59 GMT"), raw(FOUND)),
    "date of another form": (_answer({}, 503, Date="2026-11-23T12:00:00Z"), raw(FOUND)),
    "empty date": (_answer({}, 503, Date=""), raw(FOUND)),
}


@pytest.fixture(autouse=True)
def _restored_random_state() -> Iterator[None]:
    """Restore the state of `random`, which `outcome` seeds for equal, short pauses."""
    state = random.getstate()
    yield
    random.setstate(state)


@pytest.fixture(name="opened", scope="module")
def _opened() -> aioboto3.Session:
    """Return one session, which caches what botocore reads from disk."""
    return session(CREDENTIALS)


@pytest_asyncio.fixture(name="server")
async def _server() -> AsyncIterator[ScriptedAws]:
    async with scripted_server(HANG_UP) as server:
        yield server


async def _same(
    clients: dict[str, Client], server: ScriptedAws, call: Call, *answers: bytes | None
) -> Seen:
    """Return what is seen of a call; fails unless it is the same for each client."""
    plain, *others = [await seen(call, clients[name], server, *answers) for name in NAMES]
    for name, one in zip(NAMES[1:], others, strict=True):
        assert one == plain, name
    return plain


async def _same_of_new_clients(
    opened: aioboto3.Session,
    server: ScriptedAws,
    call: Call,
    *answers: bytes | None,
    url: str | None = None,
) -> Seen:
    """Return what is seen of the first call of each client; fails unless the second one is the same."""
    patience = {"read-timeout-s": "0.1"} if HANG in answers else {}
    async with three_clients(opened, settings(url or server.url, **patience)) as clients:
        first = await _same(clients, server, call, *answers)
        assert await _same(clients, server, call, *answers) == first
        return first


@pytest_asyncio.fixture(name="lasting", scope="module", loop_scope="module")
async def _lasting(
    opened: aioboto3.Session,
) -> AsyncIterator[tuple[dict[str, Client], ScriptedAws]]:
    """Open the clients once: that takes longer than a call."""
    async with (
        scripted_server(HANG_UP) as server,
        three_clients(opened, settings(server.url)) as clients,
    ):
        yield clients, server


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", ANSWERED)
async def test_response_is_botocores(
    name: str, lasting: tuple[dict[str, Client], ScriptedAws]
) -> None:
    """Requests, attempts, and results or errors are the same for each response."""
    call, answer = ANSWERED[name]

    same = await _same(*lasting, call, answer)

    assert same.attempts


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", ANSWERED)
async def test_response_has_the_same_error_of_the_domain(
    name: str, lasting: tuple[dict[str, Client], ScriptedAws]
) -> None:
    """A failure is the same error of the domain with each transport."""
    call, answer = ANSWERED[name]

    async def translating(client: Client) -> None:
        with translated(DYNAMODB_ERRORS):
            await call(client)

    await _same(*lasting, translating, answer)


@pytest.mark.parametrize("name", IN_TURN)
async def test_attempts_are_botocores(
    name: str, server: ScriptedAws, opened: aioboto3.Session
) -> None:
    """Retries and their headers are the same."""
    same = await _same_of_new_clients(opened, server, _get, *IN_TURN[name])

    assert len(same.attempts) > 1


async def test_refused_connection_is_the_same(opened: aioboto3.Session) -> None:
    """A refused connection has the same attempts and the same error."""
    async with scripted_server(HANG_UP) as server:
        url = server.url
    await _same_of_new_clients(opened, server, _get, HANG_UP, url=url)


async def test_unknown_host_name_is_the_same(opened: aioboto3.Session, server: ScriptedAws) -> None:
    """A host name that does not resolve raises the same error."""
    same = await _same_of_new_clients(opened, server, _get, HANG_UP, url="http://nowhere.invalid/")

    assert "EndpointConnectionError" in str(same.outcome)


async def test_server_without_tls_is_the_same(
    opened: aioboto3.Session, server: ScriptedAws
) -> None:
    """A failed TLS handshake raises the same error."""

    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw(b"{}", 400))
        writer.close()

    async with await asyncio.start_server(speak_plainly, "127.0.0.1", 0) as plain:
        url = "https://{}:{}".format(*plain.sockets[0].getsockname())
        same = await _same_of_new_clients(opened, server, _get, HANG_UP, url=url)

    assert "SSLError" in str(same.outcome)


async def test_connection_that_takes_too_long_is_the_same(
    opened: aioboto3.Session, server: ScriptedAws
) -> None:
    """A server that accepts no connection raises the same timeout error."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        for _ in range(3):  # more than the backlog: the next connection gets no response
            caller = waiting.enter_context(socket.socket())
            caller.settimeout(0)
            caller.connect_ex(full.getsockname())
        url = "http://{}:{}".format(*full.getsockname())
        config = settings(url, **{"connect-timeout-s": "0.05"})
        async with three_clients(opened, config) as clients:
            same = await _same(clients, server, _get, HANG_UP)

    assert "ConnectTimeoutError" in str(same.outcome)


@pytest.mark.parametrize("token", [None, TOKEN], ids=["permanent", "temporary"])
@pytest.mark.parametrize("path", ["", "/", "/base/", "/a%20b/"])
async def test_request_is_signed_as_botocore_signs_it(
    token: str | None, path: str, server: ScriptedAws
) -> None:
    """The signature is that of botocore's signer for the request as received."""
    credentials = ReadOnlyCredentials("test", "test", token)
    url = server.url + path
    async with three_clients(session(CREDENTIALS, token), settings(url)) as clients:
        for name, call in itertools.product(NAMES, CALLS):
            server.plan(DOWN, raw(b"{}"))
            await outcome(call, clients[name])

            assert len(server.heads) == 2
            for head, body in zip(server.heads, server.bodies, strict=True):
                expected = botocores_authorization(
                    url if path else url + "/", head, body, credentials
                )
                assert head["authorization"] == expected, name
                assert re.fullmatch(r"\d{8}T\d{6}Z", head["x-amz-date"])
                assert head.get("x-amz-security-token") == token
            one, other = (head["amz-sdk-invocation-id"] for head in server.heads)
            assert one == other


async def test_calls_have_distinct_invocation_ids(
    server: ScriptedAws, opened: aioboto3.Session
) -> None:
    """No two calls send the same invocation id."""
    async with three_clients(opened, settings(server.url)) as clients:
        server.plan(raw(b"{}"))
        for name in NAMES:
            await clients[name].get_item(TableName="t", Key=KEY)
            await clients[name].get_item(TableName="t", Key=KEY)

    assert len({head["amz-sdk-invocation-id"] for head in server.heads}) == 6


async def test_transaction_without_a_token_gets_one(
    server: ScriptedAws, opened: aioboto3.Session
) -> None:
    """Each transaction without a token gets a new one from botocore."""
    puts = [{"Put": {"TableName": "t", "Item": KEY}}]
    async with three_clients(opened, settings(server.url)) as clients:
        server.plan(raw(b"{}"))
        for name in NAMES:
            await clients[name].transact_write_items(TransactItems=puts)
            await clients[name].transact_write_items(TransactItems=puts)

    assert all(body["TransactItems"] == puts for _, body in server.requests)
    assert len({body["ClientRequestToken"] for _, body in server.requests}) == 6


async def test_call_on_another_table_is_the_same(
    server: ScriptedAws, opened: aioboto3.Session
) -> None:
    """A call on another table than the first, also by its ARN, is the same."""
    async with three_clients(opened, settings(server.url)) as clients:
        for table in ("t", "u", "arn:aws:dynamodb:us-east-1:123456789012:table/t", "t"):

            async def get(client: Client, table: str = table) -> object:
                return await client.get_item(TableName=table, Key=KEY)

            same = await _same(clients, server, get, raw(FOUND))
            assert [body["TableName"] for _, body in same.attempts] == [table]


async def test_quota_of_retries_is_used_alike(
    server: ScriptedAws, opened: aioboto3.Session
) -> None:
    """The quota of retries is spent and refilled by the same calls."""
    counts: dict[str, list[int]] = {}
    async with three_clients(opened, settings(server.url)) as clients:
        for name in NAMES:
            counts[name] = []
            for answers in [(DOWN,)] * 55 + [(raw(b"{}"),)] * 12 + [(DOWN,)] * 3:
                await seen(_get, clients[name], server, *answers)
                counts[name].append(len(server.requests))

    plain = counts[NAMES[0]]
    assert {3, 1, 2} >= {*plain} >= {3, 1}
    assert counts == dict.fromkeys(NAMES, plain)


async def test_cancelled_call_leaves_a_client_that_works(
    server: ScriptedAws, opened: aioboto3.Session
) -> None:
    """A call can be cancelled, and the next one gets its response."""
    async with three_clients(opened, settings(server.url, **{"read-timeout-s": "20"})) as clients:
        for name in NAMES:
            server.plan(HANG)
            hanging = asyncio.create_task(_get(clients[name]))
            async with asyncio.timeout(30), server.news:
                await server.news.wait_for(lambda: len(server.requests) == 1)
            hanging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hanging

            server.plan(raw(FOUND))
            assert (await _get(clients[name]))["Item"] == ITEM, name


@pytest.fixture(name="no_credentials")
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Hide the credentials of the machine from botocore."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.mark.usefixtures("no_credentials")
async def test_without_credentials_nothing_is_sent(server: ScriptedAws) -> None:
    """Without credentials nothing is sent, and the same error is raised."""
    same = await _same_of_new_clients(session(None), server, _get, raw(FOUND))

    assert same.attempts == []
    assert "NoCredentialsError" in str(same.outcome)


@asynccontextmanager
async def _credentials_endpoint(until: datetime) -> AsyncIterator[str]:
    """Serve new credentials for each request; all expire at *until*."""
    numbers = itertools.count(1)

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        key = f"key{next(numbers)}"
        return web.json_response(
            {
                "AccessKeyId": key,
                "SecretAccessKey": f"secret of {key}",
                "Token": f"token of {key}",
                "Expiration": until.isoformat(),
            }
        )

    async with listening(web.ServerRunner(web.Server(answer))) as url:
        yield f"{url}/"


@pytest.mark.parametrize(
    ("lasting", "kinds"), [(timedelta(minutes=5), 4), (timedelta(hours=1), 1)], ids=str
)
async def test_credentials_are_refreshed_as_botocore_refreshes_them(
    no_credentials: pytest.MonkeyPatch, server: ScriptedAws, lasting: timedelta, kinds: int
) -> None:
    """
    Credentials that expire soon are refreshed before each attempt; others are kept.

    botocore also refreshes them to resolve the endpoint of a call, which the fast transport keeps.
    """
    used: dict[str, list[int]] = {}
    for name in NAMES:
        now = datetime.now(UTC)  # noqa: TID251 -- botocore reads the machine's clock
        async with _credentials_endpoint(now + lasting) as url:
            no_credentials.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
            async with three_clients(session(None), settings(server.url)) as clients:
                server.plan(DOWN, raw(FOUND))
                for _ in range(3):
                    await outcome(_get, clients[name])
        keys = []
        for head, body in zip(server.heads, server.bodies, strict=True):
            (key,) = re.findall("Credential=([^/]+)/", head["authorization"])
            secrets = ReadOnlyCredentials(key, f"secret of {key}", f"token of {key}")
            expected = botocores_authorization(server.url + "/", head, body, secrets)
            assert head["authorization"] == expected
            keys.append(key)
        used[name] = [keys.index(key) for key in keys]

    assert used == dict.fromkeys(NAMES, used[NAMES[0]])
    assert len({*used[NAMES[0]]}) == kinds


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_AUTH_SCHEME_PREFERENCE": "sigv4"},
        {"AWS_AUTH_SCHEME_PREFERENCE": "noauth"},
        {"AWS_ENABLE_ENDPOINT_DISCOVERY": "true"},
        {"AWS_LAMBDA_FUNCTION_NAME": "f", "_X_AMZN_TRACE_ID": "Root=1-2;Sampled=1"},
        {"AWS_SDK_UA_APP_ID": "an-app"},
        {"AWS_MAX_ATTEMPTS": "7", "AWS_RETRY_MODE": "legacy"},
    ],
    ids=str,
)
async def test_environment_has_the_same_effect(
    no_credentials: pytest.MonkeyPatch, server: ScriptedAws, environ: dict[str, str]
) -> None:
    """Variables of the environment that botocore reads have the same effect."""
    for name, value in environ.items():
        no_credentials.setenv(name, value)

    for call in (_get, _batch):
        await _same_of_new_clients(session(CREDENTIALS), server, call, DOWN, raw(FOUND))


async def test_proxy_is_used(no_credentials: pytest.MonkeyPatch, server: ScriptedAws) -> None:
    """Requests go through the proxy that the environment names."""
    no_credentials.setenv("HTTP_PROXY", server.url)

    same = await _same_of_new_clients(
        session(CREDENTIALS), server, _get, raw(FOUND), url="http://dynamodb.example:8000"
    )

    assert [head["host"] for head in same.heads] == ["dynamodb.example:8000"]
