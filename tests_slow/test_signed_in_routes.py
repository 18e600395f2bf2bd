"""Access tokens on the routes of signed-in users, with a pool and an upstream that record every call."""

import hmac
import io
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import aiohttp
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.api.routes import SIGNED_IN
from service.app import Adapters, aws_adapters, create_app
from service.config.loader import Settings
from service.config.settings import Config
from service.observability.upstream_calls import UpstreamTelemetry
from service.server.readiness import no_start_checks
from tests.api.raw_http import logged, serving
from tests.authentication.trusting import json_key_set
from tests.support.access_token_signer import AccessTokenSigner
from tests.support.alb_token_signer import ARN, CLIENT, ISSUER, SUB
from tests.support.configs import CREDENTIALS, configured
from tests.support.raw_jwt import ABSENT, Changes, encoded
from tests.support.scripted_aws import ScriptedAws, answer, refusal, scripted_server
from tests.support.scripted_key_server import ScriptedKeyServer, key_endpoint, ok, resetting

BALANCERS_CLIENT: Final = "the-balancers"
AUTHORIZATION: Final = "Authorization"
HANDED_ON: Final = "x-amzn-oidc-accesstoken"
ACCOUNT: Final = {"Username": "alice", "UserAttributes": [{"Name": "sub", "Value": SUB}]}
CALLS: Final[Mapping[tuple[str, str], Mapping[str, object] | None]] = {
    **{(route.method, route.path.replace("{id}", "a")): None for route in SIGNED_IN},
    ("POST", "/api/auth/password/change"): {"currentPassword": "a", "newPassword": "b"},
    ("PATCH", "/api/auth/me"): {"attributes": {"name": "Mallory"}},
    ("POST", "/api/auth/me/verification"): {"attribute": "email"},
    ("POST", "/api/auth/me/verification/confirm"): {"attribute": "email", "code": "123456"},
    ("PUT", "/api/auth/mfa"): {"enabled": []},
    ("POST", "/api/auth/mfa/totp/verify"): {"code": "123456"},
    ("POST", "/api/auth/passkeys"): {"credential": {"id": "x"}},
    ("POST", "/api/auth/logout"): {"everywhere": True},
}


@dataclass(frozen=True, slots=True)
class Stage:
    """The service as a session, its pool, and the upstreams behind it."""

    service: aiohttp.ClientSession
    pool: AccessTokenSigner
    attacker: AccessTokenSigner
    keys: ScriptedKeyServer
    cognito: ScriptedAws
    dynamodb: ScriptedAws
    log: io.StringIO

    async def call(self, method: str, path: str, header: str, token: str) -> tuple[int, str | None]:
        """Call with a token in *header*; return the status, and the code of a refusal."""
        value = f"Bearer {token}" if header == AUTHORIZATION else token
        async with self.service.request(
            method, path, json=CALLS[method, path], headers={header: value}
        ) as answered:
            text = await answered.read()
            return answered.status, json.loads(text).get("code") if text else None

    def good(self, changes: Mapping[str, Any] | None = None) -> str:
        """Return a token that is valid now, except for the changes."""
        now = int(time.time())  # noqa: TID251 -- the service reads the machine's clock
        return self.pool.mint({"iat": now, "exp": now + 600, **(changes or {})})


class Pools(NamedTuple):
    """The service's pool and an attacker's; making their keys takes a second each."""

    own: AccessTokenSigner
    attackers: AccessTokenSigner


@pytest.fixture(scope="module")
def pools() -> Pools:
    """Return the pools."""
    return Pools(AccessTokenSigner(), AccessTokenSigner())


@asynccontextmanager
async def _without_start_checks(
    config: Config, calls: UpstreamTelemetry
) -> AsyncIterator[Adapters]:
    """Open the adapters; the checks at the start would fetch the keys once more."""
    async with aws_adapters(config, calls, credentials=CREDENTIALS) as adapters:
        yield replace(adapters, start_checks=no_start_checks)


@asynccontextmanager
async def _started(pools: Pools, settings: Settings | None = None) -> AsyncIterator[Stage]:
    async with (
        key_endpoint() as keys,
        scripted_server(answer(ACCOUNT)) as cognito,
        scripted_server(refusal("ResourceNotFoundException")) as dynamodb,
    ):
        keys.answers["jwks.json"] = ok(json_key_set(pools.own.jwk))
        config = configured(
            {
                "aws.cognito": {
                    "user-pool-id": ISSUER.rpartition("/")[2],
                    "client-id": CLIENT,
                    "jwks-url": f"{keys.url}jwks.json",
                    "endpoint-url": cognito.url,
                },
                "aws.dynamodb": {"endpoint-url": dynamodb.url},
                "auth": {"answer-floor-ms": "0"},
            },
            settings or {},
        )
        app = create_app(config, _without_start_checks)
        with logged() as log:
            async with (
                serving(app) as port,
                aiohttp.ClientSession(f"http://127.0.0.1:{port}") as service,
            ):
                dynamodb.plan(refusal("ResourceNotFoundException"))  # forget the readiness check's
                yield Stage(service, *pools, keys, cognito, dynamodb, log)


@pytest.fixture
async def stage(pools: Pools) -> AsyncIterator[Stage]:
    """Start the service with its defaults."""
    async with _started(pools) as started:
        yield started


def _unsigned(stage: Stage) -> str:
    payload = stage.good().split(".")[1]
    header = encoded(b'{"alg":"none"}')
    return f"{header}.{payload}."


def _by_secret(stage: Stage) -> str:
    """Sign by HMAC with the public key."""
    key = stage.pool.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    now = int(time.time())  # noqa: TID251 -- likewise
    return stage.pool.mint(
        {"iat": now, "exp": now + 600},
        {"alg": "HS256"},
        sign=lambda message: hmac.digest(key, message, "sha256"),
    )


def _forged(stage: Stage) -> str:
    """Sign with an attacker's key under the pool's key id."""
    now = int(time.time())  # noqa: TID251 -- likewise
    return stage.attacker.mint({"iat": now, "exp": now + 600}, {"kid": stage.pool.kid})


def _of_unknown_key(stage: Stage) -> str:
    now = int(time.time())  # noqa: TID251 -- likewise
    return stage.attacker.mint({"iat": now, "exp": now + 600})


def _with(changes: Changes) -> Callable[[Stage], str]:
    assert not isinstance(changes, bytes)
    return lambda stage: stage.good(changes)


# The service's pool signs the first ones itself: an AWS account's clients share a pool, and a local
# AWS signs with one key for all pools.
BAD: Final[Mapping[str, Callable[[Stage], str]]] = {
    "another client": _with({"client_id": "attackers"}),
    "another pool": _with({"iss": ISSUER + "X"}),
    "another pool of another region": _with({"iss": ISSUER.replace("us-east-1", "eu-west-1")}),
    "an ID token": _with({"token_use": "id", "aud": CLIENT}),
    "no use": _with({"token_use": None}),
    "no client": _with({"client_id": None}),
    "clients": _with({"client_id": [CLIENT]}),
    "expired": _with({"exp": 1_500_000_000}),
    "of a subject that is none": _with({"sub": ""}),
    "of a program": _with({"sub": CLIENT, "username": ABSENT}),
    "of a program with a user name": _with({"sub": CLIENT}),
    "without a user name": _with({"username": ABSENT}),
    "of another key": _forged,
    "of a key that is unknown": _of_unknown_key,
    "unsigned": _unsigned,
    "signed with the public key": _by_secret,
    "garbage": lambda _: "garbage",
    "garbage in three parts": lambda _: "a.b.c",
    "padded": lambda stage: stage.good() + "=",
}


@pytest.mark.parametrize("name", BAD)
async def test_invalid_token_is_refused_before_any_upstream(stage: Stage, name: str) -> None:
    """A token of another pool or client is 401 on every route: no call, no write, no audit event."""
    token = BAD[name](stage)
    asked = len(stage.dynamodb.requests)

    for method, path in CALLS:
        for header in (AUTHORIZATION, HANDED_ON):
            answered = await stage.call(method, path, header, token)
            assert answered == (401, "token_invalid"), (method, path, header)

    assert stage.cognito.requests == []
    assert {operation for operation, _ in stage.dynamodb.requests[asked:]} <= {"Query", "GetItem"}
    lines = [json.loads(line) for line in stage.log.getvalue().splitlines()]
    assert [line["code"] for line in lines if line["event"] == "request_finished"] == [
        "token_invalid"
    ] * (2 * len(CALLS))
    assert not [line for line in lines if SUB in json.dumps(line)]


@pytest.mark.parametrize("header", [AUTHORIZATION, HANDED_ON])
async def test_valid_token_is_passed_to_cognito(stage: Stage, header: str) -> None:
    """GetUser still decides whether a valid token was revoked."""
    served = await stage.call("GET", "/api/auth/me", header, stage.good())
    stage.cognito.plan(refusal("NotAuthorizedException", message="Access Token has been revoked"))
    revoked = await stage.call("GET", "/api/auth/me", header, stage.good())

    assert (served, revoked) == ((200, None), (401, "token_invalid"))
    assert stage.cognito.operations == ["GetUser"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/auth/me"), ("DELETE", "/api/auth/me"), ("POST", "/api/auth/mfa/totp")],
)
async def test_account_of_another_user_is_refused(stage: Stage, method: str, path: str) -> None:
    """Where GetUser names another sub than the token, nothing is shown, written or deleted."""
    other = {"Username": "bob", "UserAttributes": [{"Name": "sub", "Value": "bob"}]}
    stage.cognito.plan(answer(other))

    refused = await stage.call(method, path, AUTHORIZATION, stage.good())

    assert refused == (401, "token_invalid")
    assert stage.cognito.operations == ["GetUser"]
    assert "PutItem" not in stage.dynamodb.operations
    assert "UpdateItem" not in stage.dynamodb.operations


async def test_unreachable_key_set_is_unavailable(stage: Stage) -> None:
    """While the keys are unavailable, tokens are 503 and cause no call."""
    stage.keys.answers["jwks.json"] = resetting
    token = stage.good()

    for method, path in CALLS:
        answered = await stage.call(method, path, AUTHORIZATION, token)
        assert answered == (503, "upstream_unavailable"), (method, path)

    assert stage.cognito.requests == []


async def test_verified_token_is_cached(stage: Stage) -> None:
    """The key set is fetched once, whatever number of calls carry tokens."""
    for _ in range(3):
        await stage.call("GET", "/api/auth/me", AUTHORIZATION, stage.good())

    assert stage.keys.asked == ["jwks.json"]


async def test_load_balancers_own_client_is_accepted_in_its_header(pools: Pools) -> None:
    """A token of the load balancer's app client is accepted in the load balancer's header only."""
    alb: Settings = {
        "identity": {
            "sources": "alb bearer",
            "alb-arn": ARN,
            "alb-client-id": BALANCERS_CLIENT,
        }
    }
    async with _started(pools, alb) as stage:
        token = stage.good({"client_id": BALANCERS_CLIENT})

        assert await stage.call("GET", "/api/auth/me", HANDED_ON, token) == (200, None)
        assert await stage.call("GET", "/api/auth/me", HANDED_ON, stage.good()) == (200, None)
        refused = await stage.call("GET", "/api/auth/me", AUTHORIZATION, token)
        assert refused == (401, "token_invalid")


async def test_load_balancers_client_is_no_client_without_that_source(pools: Pools) -> None:
    """Without a load balancer as a source, the setting of its client has no effect."""
    async with _started(pools, {"identity": {"alb-client-id": BALANCERS_CLIENT}}) as stage:
        token = stage.good({"client_id": BALANCERS_CLIENT})

        refused = await stage.call("GET", "/api/auth/me", HANDED_ON, token)
        assert refused == (401, "token_invalid")


CLIENTS: Final[Settings] = {"identity": {"bearer-client-ids": f"web ios {CLIENT}"}}
PROFILE: Final = "/v1/user/profile"


async def _profile(stage: Stage, headers: Mapping[str, str]) -> tuple[int, str]:
    """Read the profile; return the status and the code."""
    async with stage.service.get(PROFILE, headers=headers) as answered:
        return answered.status, (await answered.json())["code"]


async def test_listed_clients_are_accepted_on_every_route(pools: Pools) -> None:
    """Tokens of each listed app client prove a user to account and profile routes."""
    async with _started(pools, CLIENTS) as stage:
        for client_id in ("web", "ios", CLIENT):
            token = stage.good({"client_id": client_id})
            found = [
                await stage.call("GET", "/api/auth/me", header, token)
                for header in (AUTHORIZATION, HANDED_ON)
            ]
            status, _ = await _profile(stage, {AUTHORIZATION: f"Bearer {token}"})

            assert found == [(200, None)] * 2
            assert status == 500  # past authentication: the scripted table is missing


@pytest.mark.parametrize(
    ("listed", "client_id"),
    [
        ("web ios", CLIENT),
        ("web ios", "we"),
        ("web ios", "WEB"),
        ("web ios", "web ios"),
        ("", "web"),
    ],
)
async def test_other_clients_are_refused(pools: Pools, listed: str, client_id: str) -> None:
    """The list replaces `client-id`, and ids are compared exactly."""
    async with _started(pools, {"identity": {"bearer-client-ids": listed}}) as stage:
        token = stage.good({"client_id": client_id})
        account = await stage.call("GET", "/api/auth/me", AUTHORIZATION, token)
        profile = await _profile(stage, {AUTHORIZATION: f"Bearer {token}"})

    assert account == profile == (401, "token_invalid")


@pytest.mark.parametrize("sub", ["web", "ios", CLIENT, BALANCERS_CLIENT])
async def test_app_client_is_no_user(pools: Pools, sub: str) -> None:
    """A sub that is an app client's id is refused, in a token and in a trusted header."""
    settings: Settings = {"identity": {**CLIENTS["identity"], "alb-client-id": BALANCERS_CLIENT}}
    async with _started(pools, settings) as stage:
        header = await _profile(stage, {"x-amzn-oidc-identity": sub})
        token = stage.good({"client_id": "web", "sub": sub, "username": ABSENT})
        bearer = await _profile(stage, {AUTHORIZATION: f"Bearer {token}"})

    assert header == (401, "not_authenticated")
    assert bearer == (401, "token_invalid")
    assert stage.dynamodb.operations == []


ODD: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "tilde": lambda _: ["Bearer abc~def"],
    "plus and slash": lambda _: ["Bearer ab/c+d=="],
    "no token": lambda _: ["Bearer"],
    "no token after the space": lambda _: ["Bearer "],
    "two spaces": lambda token: [f"Bearer  {token}"],
    "a tab": lambda token: [f"Bearer\t{token}"],
    "two tokens": lambda token: [f"Bearer {token} {token}"],
    "a comma": lambda token: [f"Bearer {token}, Bearer {token}"],
    "quoted": lambda token: [f'Bearer "{token}"'],
    "too long": lambda _: ["Bearer " + "a" * 16_400],
    "too long in three parts": lambda _: ["Bearer " + ".".join(["a" * 6_000] * 3)],
    "not ASCII": lambda _: ["Bearer \N{LATIN SMALL LETTER E WITH ACUTE}"],
    "not ASCII behind": lambda token: [f"Bearer {token}\N{NO-BREAK SPACE}"],
    "twice": lambda token: [f"Bearer {token}"] * 2,
    "two schemes": lambda token: [f"Bearer {token}", "Basic eDp5"],
    "Basic": lambda _: ["Basic eDp5"],
    "Basic with a token": lambda token: [f"Basic {token}"],
    "DPoP": lambda token: [f"DPoP {token}"],
    "no scheme": lambda token: [token],
    "empty": lambda _: [""],
}
REALM: Final = 'Bearer realm="user-profile-service"'


async def test_malformed_authorization_is_401(stage: Stage) -> None:
    """An Authorization that is not exactly one bearer token is 401 on every route, without a call."""
    for name, path in itertools.product(ODD, ("/api/auth/me", PROFILE)):
        headers = [(AUTHORIZATION, value) for value in ODD[name](stage.good())]
        async with stage.service.get(path, headers=headers) as answered:
            status, code = answered.status, (await answered.json())["code"]
            challenge = answered.headers["WWW-Authenticate"]

        assert (status, code) in {(401, "token_invalid"), (401, "not_authenticated")}, name
        with_error = code == "token_invalid" and headers[0][1].startswith("Bearer")
        assert challenge == (f'{REALM}, error="invalid_token"' if with_error else REALM), name
    assert (stage.cognito.requests, stage.dynamodb.operations) == ([], [])


async def test_scheme_has_no_case(stage: Stage) -> None:
    """The name of the scheme is case-insensitive (RFC 9110, section 11.1) on every route."""
    for scheme in ("bearer", "BEARER", "bEaReR"):
        headers = {AUTHORIZATION: f"{scheme} {stage.good()}"}
        async with stage.service.get("/api/auth/me", headers=headers) as answered:
            account = answered.status
        profile, _ = await _profile(stage, headers)

        assert (account, profile == 401) == (200, False)
