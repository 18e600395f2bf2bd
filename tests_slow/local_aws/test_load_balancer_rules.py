"""The local load balancer authenticates users, and the API trusts its signature only."""

import base64
import functools
import gzip
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from local_aws.http_server import reachable
from local_aws.load_balancer import LocalLoadBalancer, local_load_balancer
from local_aws.load_balancer_sign_ins import UserPool
from local_aws.load_balancer_signer import ARN
from service.app import aws_adapters, create_app
from service.aws.clients import Clients
from service.commands import local
from service.config.settings import Config
from service.startup_errors import AddressUnavailable
from tests.api.raw_http import exchange, serving
from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests.support.configs import CREDENTIALS
from tests.support.process_state import restored
from tests.support.serving import listening

PROFILE = "/v1/user/profile"
FORGED = {
    "x-amzn-oidc-identity": "mallory",
    "X-Amzn-Oidc-Data": "e30=.e30=.AA==",
    "x-amzn-oidc-accesstoken": "of-mallory",
    "x-amzn-oidc-of-tomorrow": "mallory",
}
IDENTITY = ("x-amzn-oidc-identity", "x-amzn-oidc-data", "x-amzn-oidc-accesstoken")


@dataclass(frozen=True, slots=True)
class User:
    """A user with an account."""

    id: str
    name: str

    def basic(self, password: str = PASSWORD) -> dict[str, str]:
        """Return the headers of HTTP Basic for the user."""
        return _basic(self.name, password)


def _basic(username: str, password: str) -> dict[str, str]:
    credentials = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


@dataclass(frozen=True, slots=True)
class Scene:
    """An API that trusts only the load balancer, reachable directly and through it."""

    api: str
    balancer: LocalLoadBalancer
    session: aiohttp.ClientSession
    mailbox: Mailbox

    async def user(self) -> User:
        """Sign up and confirm a user, through the load balancer."""
        username = new_user()
        account = {"username": username, "password": PASSWORD, "attributes": {"email": username}}
        auth = self.balancer.url + "/api/auth"
        async with self.session.post(f"{auth}/signup", json=account) as answer:
            user_id: str = (await answer.json())["userId"]
        code = {"username": username, "code": await self.mailbox.code(username)}
        async with self.session.post(f"{auth}/confirm", json=code) as answer:
            assert answer.status == 200
        return User(user_id, username)

    async def get(self, path: str, **options: Any) -> aiohttp.ClientResponse:  # noqa: ANN401 -- aiohttp's
        """Send a GET through the load balancer."""
        async with self.session.get(self.balancer.url + path, **options) as answer:
            await answer.read()
            return answer

    async def direct(self, headers: dict[str, str]) -> int:
        """Read the profile without the load balancer; return the status."""
        async with self.session.get(self.api + PROFILE, headers=headers) as answer:
            return answer.status


class Clock:
    """A clock that is set by hand, from now on."""

    def __init__(self) -> None:
        self.now = time.time()  # noqa: TID251 -- the API reads the machine's clock

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def _pool(config: Config) -> UserPool:
    assert config.cognito.endpoint_url is not None
    return UserPool(
        endpoint_url=config.cognito.endpoint_url,
        region=config.aws.region,
        user_pool_id=config.cognito.user_pool_id,
        client_id=config.cognito.client_id,
    )


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="scene")
async def _scene(config: Config, mailbox: Mailbox, clock: Clock) -> AsyncIterator[Scene]:
    """Serve the API and the load balancer."""
    async with (
        local_load_balancer(pool=_pool(config), clock=clock) as balancer,
        aiohttp.ClientSession() as session,
    ):
        identity = replace(
            config.identity, sources=("alb",), alb_arn=(ARN,), alb_key_url=balancer.key_url
        )
        app = create_app(
            replace(config, identity=identity),
            functools.partial(aws_adapters, credentials=CREDENTIALS),
        )
        async with serving(app) as port:
            balancer.target = f"http://127.0.0.1:{port}"
            yield Scene(balancer.target, balancer, session, mailbox)


@asynccontextmanager
async def _echo(answer: web.Response | None = None) -> AsyncIterator[str]:
    """Serve a copy of each request, or *answer*; yields the URL."""

    async def echo(request: web.Request) -> web.Response:
        body = base64.b64encode(await request.read()).decode()
        target = request.raw_path
        return web.json_response(
            {"target": target, "headers": [*map(list, request.headers.items())], "body": body}
        )

    async def fixed(_: web.Request) -> web.Response:
        assert answer is not None
        return answer

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo if answer is None else fixed)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False)
    async with listening(runner) as url:
        yield url


def _values(said: dict[str, Any], name: str) -> list[str]:
    return [value for key, value in said["headers"] if key.lower() == name]


async def _signed(scene: Scene, user: User) -> dict[str, str]:
    """Return the identity headers that the load balancer sends for a user."""
    before = scene.balancer.target
    async with _echo() as scene.balancer.target:
        said = await (await scene.get("/", headers=user.basic())).json()
    scene.balancer.target = before
    return {name: value for name in IDENTITY for value in _values(said, name)}


async def test_signed_path_from_sign_up_to_profile(scene: Scene) -> None:
    """A user who signs up through the load balancer reads and writes a profile with HTTP Basic alone."""
    user = await scene.user()

    assert (await scene.get(PROFILE)).status == 401
    async with scene.session.post(
        scene.balancer.url + PROFILE, json={"city": "Mumbai"}, headers=user.basic()
    ) as answer:
        assert answer.status == 201
        created = await answer.json()
    shown = await scene.get(PROFILE, headers=user.basic())

    assert created["userId"] == user.id
    assert (shown.status, await shown.json()) == (200, created)
    assert shown.headers["ETag"]


async def test_public_paths_work_through_it(scene: Scene) -> None:
    """Requests without credentials are forwarded unchanged."""
    for path in ("/health/ready", "/openapi.json", "/docs"):
        assert (await scene.get(path)).status == 200
    assert (await scene.get("/nothing/here")).status == 404


async def test_forged_headers_do_not_help(scene: Scene) -> None:
    """Identity headers of the client are removed, with and without credentials."""
    user = await scene.user()
    signed = await _signed(scene, user)

    assert (await scene.get(PROFILE, headers=FORGED)).status == 401
    assert (await scene.get(PROFILE, headers=signed)).status == 401
    async with scene.session.post(
        scene.balancer.url + PROFILE, json={}, headers={**FORGED, **user.basic()}
    ) as answer:
        assert (answer.status, (await answer.json())["userId"]) == (201, user.id)
    underscored = {name.replace("-", "_"): value for name, value in FORGED.items()}
    assert (await scene.get(PROFILE, headers=underscored)).status == 400
    async with _echo() as scene.balancer.target:
        said = await (await scene.get("/", headers={**FORGED, **user.basic()})).json()
    assert "mallory" not in json.dumps(said)


async def test_token_is_as_a_real_one(scene: Scene, config: Config, clock: Clock) -> None:
    """The token's parts are padded base64url; header and payload have AWS's members."""
    user = await scene.user()
    signed = await _signed(scene, user)
    parts = signed["x-amzn-oidc-data"].split(".")
    header, payload = (json.loads(base64.urlsafe_b64decode(part)) for part in parts[:2])

    assert len(base64.urlsafe_b64decode(parts[2])) == 64
    assert all(len(part) % 4 == 0 for part in parts)
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{config.cognito.user_pool_id}"
    expiry = int(clock.now) + 120
    kid = header.pop("kid")
    assert header == {
        "typ": "JWT",
        "alg": "ES256",
        "signer": ARN,
        "iss": issuer,
        "client": config.cognito.client_id,
        "exp": expiry,
    }
    assert payload.pop("username")
    assert payload == {"sub": user.id, "exp": expiry, "iss": issuer}
    assert signed["x-amzn-oidc-identity"] == user.id
    async with scene.session.get(scene.balancer.key_url + kid) as answer:
        assert (await answer.text()).startswith("-----BEGIN PUBLIC KEY-----")
    async with scene.session.get(scene.balancer.key_url + "another") as answer:
        assert answer.status == 404


def _part_changed(number: int, change: Callable[[dict[str, Any]], None]) -> Callable[[str], str]:
    def changed(token: str) -> str:
        parts = token.split(".")
        value = json.loads(base64.urlsafe_b64decode(parts[number]))
        change(value)
        parts[number] = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
        return ".".join(parts)

    return changed


def _signature_changed(token: str) -> str:
    head, _, signature = token.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(signature))
    raw[40] ^= 1
    return f"{head}.{base64.urlsafe_b64encode(raw).decode()}"


TAMPERING: dict[str, Callable[[str], str]] = {
    "expiry": _part_changed(1, lambda payload: payload.update(exp=payload["exp"] + 1)),
    "expiry of the header": _part_changed(0, lambda header: header.update(exp=header["exp"] + 1)),
    "signer": _part_changed(0, lambda header: header.update(signer=ARN.replace("local", "evil"))),
    "algorithm": _part_changed(0, lambda header: header.update(alg="none")),
    "signature": _signature_changed,
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "padding": lambda token: token + "=",
}


async def test_tampered_token_is_refused(scene: Scene) -> None:
    """The token authenticates alice at the API, and any change of it makes it invalid."""
    signed = await _signed(scene, await scene.user())
    data = signed["x-amzn-oidc-data"]

    assert await scene.direct(signed) == 404
    for name, tamper in TAMPERING.items():
        assert await scene.direct({**signed, "x-amzn-oidc-data": tamper(data)}) == 401, name


async def test_token_is_for_its_own_identity_alone(scene: Scene) -> None:
    """A token needs the plain identity header with the same sub; that header alone is not enough."""
    alice, bob = await scene.user(), await scene.user()
    signed = await _signed(scene, alice)
    data, identity = signed["x-amzn-oidc-data"], signed["x-amzn-oidc-identity"]

    assert await scene.direct({"x-amzn-oidc-data": data}) == 401
    assert await scene.direct({"x-amzn-oidc-identity": identity}) == 401
    assert await scene.direct({**signed, "x-amzn-oidc-identity": bob.id}) == 401


async def test_old_token_is_refused(scene: Scene, clock: Clock) -> None:
    """A token that was signed more than two minutes ago has expired."""
    user = await scene.user()
    clock.now -= 121

    assert await scene.direct(await _signed(scene, user)) == 401


WRONG = (
    "",
    "%",
    "YQ=",
    "\N{LATIN SMALL LETTER E WITH ACUTE}",
    *(
        base64.b64encode(credentials).decode()
        for credentials in (b"nobody:x", b"without-colon", b":x", b"alice:", b"alice:\xff")
    ),
)


async def test_wrong_credentials_ask_for_others(scene: Scene) -> None:
    """The response is a 401 that makes a browser prompt again, on public paths too."""
    for credentials in WRONG:
        headers = {"Authorization": f"Basic {credentials}"}
        answer = await scene.get("/health/live", headers=headers)

        assert answer.status == 401, credentials
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge == 'Basic realm="local user pool", charset="UTF-8"'


async def test_wrong_password_is_refused(scene: Scene) -> None:
    """A user name with a wrong password does not sign in."""
    user = await scene.user()

    assert (await scene.get(PROFILE, headers=user.basic("Wrong!1234"))).status == 401


async def test_browser_asks_where_an_identity_is_missing(scene: Scene) -> None:
    """Only a GET without credentials makes the browser prompt for them."""
    read = await scene.get(PROFILE)
    bearer = await scene.get(PROFILE, headers={"Authorization": "Bearer a"})
    login = {"username": "nobody", "password": "x"}
    async with scene.session.post(scene.balancer.url + "/api/auth/login", json=login) as answer:
        assert (answer.status, len(answer.headers.getall("WWW-Authenticate"))) == (401, 1)

    assert [value[:6] for value in read.headers.getall("WWW-Authenticate")] == ["Bearer", "Basic "]
    assert [value[:6] for value in bearer.headers.getall("WWW-Authenticate")] == ["Bearer"]


async def test_sign_in_is_remembered_for_minutes(
    scene: Scene, clock: Clock, clients: Clients, config: Config
) -> None:
    """The sign-in is cached for three minutes, and then repeated."""
    user = await scene.user()
    assert (await scene.get(PROFILE, headers=user.basic())).status == 404
    await clients.cognito.admin_set_user_password(
        UserPoolId=config.cognito.user_pool_id,
        Username=user.name,
        Password="OtherPass123!",  # noqa: S106 -- of a test user
        Permanent=True,
    )

    assert (await scene.get(PROFILE, headers=user.basic())).status == 404
    clock.now += 181
    assert (await scene.get(PROFILE, headers=user.basic())).status == 401
    assert (await scene.get(PROFILE, headers=user.basic("OtherPass123!"))).status == 404


async def test_request_is_forwarded_as_it_is(scene: Scene) -> None:
    """Target, Host, repeated fields and the bytes of the body arrive; hop-by-hop fields do not."""
    body = gzip.compress(b"{}")
    head = (
        b"POST /a%2Fb//c?d=%20&d=+ HTTP/1.1\r\nHost: api.example\r\nX-A: 1\r\nx-a: 2\r\n"
        b"Authorization: Bearer a\r\nContent-Encoding: gzip\r\nConnection: close, x-hop\r\n"
        b"X-Hop: 1\r\nTE: trailers\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n"
        b"X-Forwarded-Proto: https\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    )
    async with _echo() as scene.balancer.target:
        (answer,) = (await exchange(scene.balancer.port, head + body)).answers
    said = json.loads(answer.body)

    assert said["target"] == "/a%2Fb//c?d=%20&d=+"
    assert base64.b64decode(said["body"]) == body
    assert sorted((name.lower(), value) for name, value in said["headers"]) == [
        ("authorization", "Bearer a"),
        ("content-encoding", "gzip"),
        ("content-length", str(len(body))),
        ("host", "api.example"),
        ("x-a", "1"),
        ("x-a", "2"),
        ("x-forwarded-for", "192.0.2.1, 192.0.2.2, 127.0.0.1"),
        ("x-forwarded-proto", "http"),
    ]


async def test_answer_is_returned_as_it_is(scene: Scene) -> None:
    """Status, repeated fields and compressed bytes are returned; a redirect is not followed."""
    body = gzip.compress(b"moved")
    moved = web.Response(status=307, body=body, headers={"Location": "/b"})
    moved.headers["Content-Encoding"] = "gzip"
    moved.headers.add("Set-Cookie", "a=1")
    moved.headers.add("Set-Cookie", "b=2")
    async with _echo(moved) as scene.balancer.target:
        (answer,) = (
            await exchange(scene.balancer.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        ).answers

    assert (answer.status, answer.body) == (307, body)
    assert (answer.headers["location"], answer.headers["set-cookie"]) == ("/b", "b=2")


async def test_without_a_target_it_is_unavailable(config: Config) -> None:
    """Without a target the response is 503; if the target does not listen, 502."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        async with (
            local_load_balancer(pool=_pool(config)) as balancer,
            aiohttp.ClientSession(balancer.url) as session,
        ):
            for target, status in ((None, 503), (dead, 502)):
                balancer.target = target
                async with session.get("/health/live") as answer:
                    assert answer.status == status
        away = replace(_pool(config), endpoint_url=dead)
        async with (
            local_load_balancer(pool=away, api_url=dead) as balancer,
            aiohttp.ClientSession(balancer.url) as session,
            session.get("/", headers=_basic("alice", "x")) as answer,
        ):
            assert answer.status == 502


async def test_first_free_port_is_taken(config: Config) -> None:
    """A port that is taken is skipped; if all are, OSError is raised."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with local_load_balancer(pool=_pool(config), ports=(port, 0)) as balancer:
            assert balancer.port not in (0, port)
        with pytest.raises(OSError, match="in use"):
            async with local_load_balancer(pool=_pool(config), ports=(port,)):
                pytest.fail("listens where another does")
    async with local_load_balancer(pool=_pool(config), ports=(port, 0)) as balancer:
        assert balancer.url == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 -- compared
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("api.example", "api.example"),
    ],
)
def test_listener_is_addressed_so_that_it_can_be_reached(host: str, address: str) -> None:
    """A wildcard address is reached on loopback; an IPv6 address has brackets."""
    assert reachable(host) == address


@pytest.mark.parametrize(
    ("region", "issuer"),
    [
        ("ap-south-1", "https://cognito-idp.ap-south-1.amazonaws.com/pool"),
        ("cn-north-1", "https://cognito-idp.cn-north-1.amazonaws.com.cn/pool"),
    ],
)
def test_issuer_is_the_pools(region: str, issuer: str) -> None:
    """The issuer is named as Cognito names it in that region."""
    assert UserPool("http://127.0.0.1", region, "pool", "client").issuer == issuer


def test_host_that_is_not_ours_is_told(tmp_path: Path) -> None:
    """Where neither the load balancer nor the API could listen, `local` says so and how to change it."""
    environ = {"SERVER_HOST": "192.0.2.1", "SERVER_PORT": "0"}
    with (
        restored(),
        pytest.raises(AddressUnavailable, match=r"Cannot listen on 192\.0\.2\.1: .* SERVER_HOST"),
    ):
        local.run(None, environ, local.Options(tmp_path))
