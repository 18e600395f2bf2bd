"""Answers of Cognito and DynamoDB in which one value is of another kind, at each call of a request."""

import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final, NamedTuple

import aiohttp
import pytest
from aiohttp import web

from service.app import aws_adapters, create_app
from service.config.settings import Config
from service.domain import profiles
from service.domain.values.timestamps import (
    timestamp,
    utc_now,  # noqa: TID251 -- the service reads the machine's clock
)
from service.profile_store import claimed_profiles, items, past_states, tombstones
from service.profile_store.attribute_values import to_attribute
from tests.api.raw_http import logged, serving
from tests.authentication.trusting import json_key_set
from tests.support.access_token_signer import OF_SERVICE, SERVICE, AccessTokenSigner
from tests.support.alb_token_signer import CLIENT, ISSUER, SUB
from tests.support.cognito_answers import CURRENT, DEVICE, PASSKEY
from tests.support.configs import BREAKER_OFF, CREDENTIALS, configured
from tests.support.scripted_key_server import key_endpoint, ok

TABLE: Final = "user-profiles"
# The service reads the machine's clock, and keeps past versions for 30 days.
UPDATED_AT, AS_OF, CREATED_AT = (timestamp(utc_now() - timedelta(days)) for days in (1, 100, 200))
LATER: Final = {"N": "99999999999"}
PROFILE: Final[Mapping[str, Any]] = {
    **items.key(SUB, CREATED_AT),
    "updatedAt": {"S": UPDATED_AT},
    "version": {"N": "2"},
    "writeId": {"S": "q1w2e3r4t5y6"},
    "city": {"S": "Mumbai"},
    "preferences": to_attribute({"sizes": [1.5, None], "theme": "dark", "on": True}),
    "tags": {"NS": ["1", "2.5"]},
    "photo": {"B": "AP8="},
}
CLAIM: Final = tombstones.active_claim(SUB, "q1w2e3r4t5y6", CREATED_AT)
PAST: Final[Mapping[str, Any]] = {
    **items.key(f"{SUB}~history", past_states.sort_key(1, "abcdefgh")),
    "profileCreatedAt": {"S": CREATED_AT},
    "from": {"S": CREATED_AT},
    "until": {"S": UPDATED_AT},
    "changed": {"L": [{"S": "city"}]},
    "fields": {"M": {"city": {"S": "Pune"}}},
    "expiresAt": LATER,
}
EVENT: Final[Mapping[str, Any]] = {
    **items.key(f"{SUB}~activity", f"{UPDATED_AT}#abcdefgh"),
    "event": {"S": "signed_in"},
    "device": {"S": "curl"},
    "expiresAt": LATER,
}
COGNITO: Final[Mapping[str, Any]] = {
    "GetUser": {"Username": "alice", "UserAttributes": [{"Name": "sub", "Value": SUB}]},
    "GetUserAuthFactors": {
        "Username": "alice",
        "UserMFASettingList": ["SMS_MFA"],
        "PreferredMfaSetting": "SMS_MFA",
    },
    "ListWebAuthnCredentials": {"Credentials": [PASSKEY]},
    "ListDevices": {"Devices": [DEVICE]},
    "ListUserSessions": {"Sessions": [CURRENT]},
}
WRONG: Final[Sequence[object]] = (None, 5, "x", [], {}, [None], [[]], {"x": {}}, True)
STEP: Final = 37  # of the answers with one other value; all of them take minutes
BODIES: Final = (b"", b"null", b"[]", b"{", b"<html>a proxy</html>", b"\xff", b'{"__type":5}')


REFUSALS: Final = (
    (302, b""),
    (400, b"[]"),
    (400, b'{"__type":"ValidationException","message":{}}'),
    (400, b'{"__type":"TransactionCanceledException","CancellationReasons":[null]}'),
    (429, b""),
    (500, b""),
)
WHOLE: Final = frozenset({200, 401, 503})  # 401: the account is another user's
# Some values have another meaning: no profile, another version, a condition that failed.
EXPECTED: Final = frozenset({200, 204, 404, 409, 410, 412, 422, 502, 503})


class Call(NamedTuple):
    """A request to the service; one of another service if *by_service*."""

    method: str
    path: str
    body: object = None
    by_service: bool = False


EXPORT: Final = "/v1/user/export"
ACTIVITY: Final = "/v1/user/activity"
OWN: Final = "/v1/user/profile"
CALLS: Final = (
    Call("GET", EXPORT),
    Call("GET", ACTIVITY),
    Call("GET", OWN),
    Call("GET", f"{OWN}/history"),
    Call("GET", f"{OWN}/history/1"),
    Call("GET", f"{OWN}?asOf={AS_OF}"),
    Call("POST", f"{OWN}/revert", {"version": 1}),
    Call("PATCH", OWN, {"city": "Nagpur"}),
    Call("DELETE", OWN),
    Call("POST", "/v1/users/profiles/batch", {"userIds": [SUB, "other"]}, by_service=True),
    Call("GET", f"/v1/users/{SUB}/profile", by_service=True),
    Call("PATCH", f"/v1/users/{SUB}/profile", {"city": "Nagpur"}, by_service=True),
    Call("DELETE", f"/v1/users/{SUB}/profile", by_service=True),
)


@dataclass(slots=True)
class Upstream:
    """Cognito and DynamoDB; the answer to the call number *odd* is *body*, if that is not None."""

    odd: int = -1
    body: bytes | None = None
    status: int = 200
    answers: list[Any] = field(default_factory=list)

    async def serve(self, request: web.BaseRequest) -> web.Response:
        """Answer a call."""
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        answer = _answer(operation, json.loads(await request.read()))
        self.answers.append(answer)
        if len(self.answers) - 1 == self.odd:
            return web.Response(body=self.body, status=self.status)
        return web.json_response(answer)

    def begin(self, odd: int = -1, body: bytes = b"", status: int = 200) -> None:
        """Forget the calls; answer one of those to come with *body*."""
        self.odd, self.body, self.status = odd, body, status
        self.answers = []


def _answer(operation: str, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- JSON
    """Return the right answer to a call."""
    if operation == "Query":
        ((partition,),) = (
            [value["S"] for value in request["ExpressionAttributeValues"].values() if SUB in value["S"]]
            or ["other"],
        )  # fmt: skip
        found = {SUB: [PROFILE, CLAIM], f"{SUB}~history": [PAST], f"{SUB}~activity": [EVENT]}
        return {"Items": found.get(partition, []), "Count": 1, "ScannedCount": 1}
    if operation == "BatchGetItem":
        sort_keys = [key["createdAt"]["S"] for key in request["RequestItems"][TABLE]["Keys"]]
        item = CLAIM if items.CLAIM_SORT_KEY in sort_keys else PROFILE
        return {"Responses": {TABLE: [item]}, "UnprocessedKeys": {}}
    if operation == "GetItem":
        return {"Item": CLAIM if request["Key"]["createdAt"]["S"] == "~claim" else PROFILE}
    if operation == "UpdateItem":
        return {"Attributes": PROFILE}
    return COGNITO.get(operation, {})


def _odd(value: Any) -> Iterator[Any]:  # noqa: ANN401 -- JSON
    """Yield copies of a JSON value in which one value is replaced by one of another kind."""
    yield from (wrong for wrong in WRONG if wrong != value)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {other: each for other, each in value.items() if other != name}
            yield from ({**value, name: wrong} for wrong in _odd(inner))
    if isinstance(value, list):
        for position, inner in enumerate(value):
            for wrong in _odd(inner):
                yield [*value[:position], wrong, *value[position + 1 :]]


class Stage(NamedTuple):
    """The service, its upstream, and the headers of a user and of a service."""

    service: aiohttp.ClientSession
    upstream: Upstream
    user: Mapping[str, str]
    caller: Mapping[str, str]

    async def call(self, call: Call) -> tuple[int, Any]:
        """Return the status and the JSON of a response."""
        headers = self.caller if call.by_service else self.user
        async with self.service.request(
            call.method, call.path, json=call.body, headers=headers
        ) as answer:
            return answer.status, json.loads(await answer.read() or b"null")


@asynccontextmanager
async def _started(upstream_url: str, jwks_url: str, *, days: int) -> AsyncIterator[int]:
    config: Config = configured(
        {
            "aws.cognito": {
                "user-pool-id": ISSUER.rpartition("/")[2],
                "client-id": CLIENT,
                "jwks-url": jwks_url,
                "endpoint-url": upstream_url,
            },
            "aws.dynamodb": {"endpoint-url": upstream_url},
            "auth": {"answer-floor-ms": "0"},
            "activity": {"days": str(days)},
            "profile": {"history-days": "30"},
            "services": {"clients": SERVICE, "client-burst": "0"},
            "limits": dict.fromkeys(
                ("export-per-h", "read-per-s", "address-burst", "update-per-s"), "0"
            ),
        },
        BREAKER_OFF,
    )
    app = create_app(config, partial(aws_adapters, credentials=CREDENTIALS))
    with logged():
        async with serving(app) as port:
            yield port


@pytest.fixture
async def stage(call: Call) -> AsyncIterator[Stage]:
    """Start the service; other calls than that of the activity would be recorded meanwhile."""
    pool, upstream = AccessTokenSigner(), Upstream()
    now = int(time.time())  # noqa: TID251 -- the service reads the machine's clock
    times = {"iat": now, "exp": now + 600}
    scopes = " ".join(f"profiles/profiles.{name}" for name in ("read", "write", "erase"))
    user = pool.mint(times)
    caller = pool.mint({**OF_SERVICE, **times, "scope": scopes})
    runner = web.ServerRunner(web.Server(upstream.serve), shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with key_endpoint() as keys:
            keys.answers["jwks.json"] = ok(json_key_set(pool.jwk))
            host, port = runner.addresses[0][:2]
            async with (
                _started(
                    f"http://{host}:{port}",
                    f"{keys.url}jwks.json",
                    days=30 * (call.path == ACTIVITY),
                ) as own,
                aiohttp.ClientSession(f"http://127.0.0.1:{own}") as service,
            ):
                yield Stage(
                    service,
                    upstream,
                    {"Authorization": f"Bearer {user}"},
                    {"Authorization": f"Bearer {caller}"},
                )
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "call", CALLS, ids=lambda call: f"{call.method} {call.path.partition('=')[0]}"
)
@pytest.mark.usefixtures("short_pauses")
async def test_odd_answer_is_the_upstreams_fault(
    stage: Stage, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever one value of one answer becomes, the service never blames itself; an export is whole."""
    monkeypatch.setattr(profiles, "LONGEST_PAUSE_S", 0.001)
    monkeypatch.setattr(claimed_profiles, "LONGEST_PAUSE_S", 0.001)
    stage.upstream.begin()
    status, body = await stage.call(call)
    answers = [*stage.upstream.answers]
    assert status < 300, body
    assert answers

    failed = []
    for number, answer in enumerate(answers):
        others = [json.dumps(each).encode() for each in _odd(answer)]
        odd_answers = [(200, odd) for odd in (*others[number::STEP], *BODIES)]
        for status_sent, odd in (*odd_answers, *REFUSALS):
            stage.upstream.begin(number, odd, status_sent)
            status, body = await stage.call(call)
            if status not in (WHOLE if call.path == EXPORT else EXPECTED):
                failed.append((number, status_sent, odd, status))
    assert not failed
