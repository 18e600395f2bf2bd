"""
A load balancer on this machine that logs people in and signs who they are, as AWS's does.

It is for `make run` and for tests: on AWS people sign in on a page of Cognito's and come back with a
cookie; here they bring user name and password with the request, and a browser asks for them. Unlike its
neighbours this module needs aiohttp and cryptography: it never runs inside moto's image.
"""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import aiohttp
from aiohttp import hdrs, web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from multidict import CIMultiDict
from yarl import URL

ARN: Final = (
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/local/50dc6c495c0c9188"
)
KEYS_PATH: Final = "/local-alb-keys/"
SIGNED_FOR_S: Final = 120  # about as long as AWS's tokens last
SIGNED_IN_FOR_S: Final = 180.0  # before user name and password are checked again
MAX_BODY_BYTES: Final = 16_777_216  # more than the service can be told to take
MAX_FIELD_BYTES: Final = 20_480
TARGET_S: Final = 60.0  # an ALB's idle time-out

IDENTITY_PREFIX: Final = "x-amzn-oidc-"
CHALLENGE: Final = 'Basic realm="local user pool", charset="UTF-8"'
_OF_ONE_HOP: Final = frozenset(  # RFC 9110, section 7.6.1, and what is said anew
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

Fields: TypeAlias = CIMultiDict[str]


class NotSignedIn(Exception):
    """User name and password don't sign anybody in."""


@dataclass(frozen=True, slots=True)
class UserPool:
    """Where people sign in."""

    endpoint_url: str
    region: str
    user_pool_id: str
    client_id: str

    @property
    def issuer(self) -> str:
        """The issuer that the load balancer names."""
        suffix = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return f"https://cognito-idp.{self.region}.{suffix}/{self.user_pool_id}"


@dataclass(frozen=True, slots=True)
class Person:
    """Who has signed in."""

    sub: str
    username: str
    access_token: str = field(repr=False)


class Signer:
    """The load balancer's key, and the tokens that it signs; *clock* is in seconds since 1970."""

    def __init__(self, pool: UserPool, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._clock = clock
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.key_id = str(uuid.uuid4())

    @property
    def public_key(self) -> bytes:
        """The public key in PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def data(self, person: Person) -> str:
        """Return an `x-amzn-oidc-data`; its parts are padded, as those of AWS are."""
        expires_at = int(self._clock()) + SIGNED_FOR_S
        header = {
            "typ": "JWT",
            "kid": self.key_id,
            "alg": "ES256",
            "iss": self._pool.issuer,
            "client": self._pool.client_id,
            "signer": ARN,
            "exp": expires_at,
        }
        payload = {
            "sub": person.sub,
            "username": person.username,
            "exp": expires_at,
            "iss": self._pool.issuer,
        }
        signed = ".".join(_part(json.dumps(value).encode()) for value in (header, payload))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{_part(r.to_bytes(32) + s.to_bytes(32))}"


class SignIns:
    """Signs people in at the pool, and remembers for a while whom a user name and a password name."""

    def __init__(
        self, session: aiohttp.ClientSession, pool: UserPool, clock: Callable[[], float]
    ) -> None:
        self._session = session
        self._pool = pool
        self._clock = clock
        self._known: dict[bytes, tuple[float, Person]] = {}

    async def person(self, credentials: str) -> Person:
        """Return whom the credentials of HTTP Basic name; raises NotSignedIn."""
        now = self._clock()
        self._known = {digest: known for digest, known in self._known.items() if now < known[0]}
        digest = hashlib.sha256(credentials.encode("utf-8", "surrogateescape")).digest()
        if digest not in self._known:
            person = await self._sign_in(*_user_and_password(credentials))
            self._known[digest] = (now + SIGNED_IN_FOR_S, person)
        return self._known[digest][1]

    async def _sign_in(self, username: str, password: str) -> Person:
        call = {
            "ClientId": self._pool.client_id,
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": username, "PASSWORD": password},
        }
        scope = f"local/20260101/{self._pool.region}/cognito-idp/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
            # Nobody checks it; it tells moto the region.
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        }
        async with self._session.post(
            self._pool.endpoint_url, data=json.dumps(call), headers=headers
        ) as answer:
            said: dict[str, Any] = json.loads(await answer.read())
        result = said.get("AuthenticationResult")
        if result is None:  # refused, or a challenge, which HTTP Basic can't answer
            raise NotSignedIn
        claims = _claims(result["AccessToken"])
        return Person(claims["sub"], claims["username"], result["AccessToken"])


class LocalLoadBalancer:
    """Forwards to *target*, and signs who is signed in; without a target it answers 503."""

    def __init__(
        self, session: aiohttp.ClientSession, pool: UserPool, clock: Callable[[], float]
    ) -> None:
        self._session = session
        self._signer = Signer(pool, clock)
        self._sign_ins = SignIns(session, pool, clock)
        self.target: str | None = None
        self.url = ""
        self.port = 0

    @property
    def key_url(self) -> str:
        """Where its public key is; the key's id is appended."""
        return self.url + KEYS_PATH

    async def key(self, request: web.Request) -> web.Response:
        """Answer with a public key, as the key server of a region does."""
        if request.match_info["kid"] != self._signer.key_id:
            raise web.HTTPNotFound
        return web.Response(body=self._signer.public_key, content_type="application/x-pem-file")

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Forward the request, signed where it brings credentials, and return the answer."""
        if self.target is None:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            headers = await self._headers(request)
            return await self._answer(request, self.target, headers)
        except NotSignedIn:
            return web.Response(
                status=HTTPStatus.UNAUTHORIZED,
                text="This user name and this password don't sign anybody in.\n",
                headers={hdrs.WWW_AUTHENTICATE: CHALLENGE},
            )
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return web.Response(status=HTTPStatus.BAD_GATEWAY)

    async def _headers(self, request: web.Request) -> Fields:
        """Return the headers to forward; raises NotSignedIn."""
        headers = CIMultiDict(
            (name.lower(), value)  # of two spellings of a name, aiohttp would send the last alone
            for name, value in _end_to_end(request.headers)
            if not name.lower().startswith(IDENTITY_PREFIX)
        )
        peers = [*headers.popall(hdrs.X_FORWARDED_FOR, ()), request.remote or ""]
        headers[hdrs.X_FORWARDED_FOR] = ", ".join(peers)
        headers[hdrs.X_FORWARDED_PROTO] = "http"
        scheme, _, credentials = headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() == "basic":
            person = await self._sign_ins.person(credentials.strip())
            del headers[hdrs.AUTHORIZATION]
            headers[f"{IDENTITY_PREFIX}data"] = self._signer.data(person)
            headers[f"{IDENTITY_PREFIX}identity"] = person.sub
            headers[f"{IDENTITY_PREFIX}accesstoken"] = person.access_token
        return headers

    async def _answer(self, request: web.Request, target: str, headers: Fields) -> web.Response:
        async with self._session.request(
            request.method,
            URL(target + request.rel_url.raw_path_qs, encoded=True),
            headers=headers,
            data=await request.read() if request.body_exists else None,
            allow_redirects=False,
            skip_auto_headers=(
                hdrs.ACCEPT,
                hdrs.ACCEPT_ENCODING,
                hdrs.CONTENT_TYPE,
                hdrs.USER_AGENT,
            ),
        ) as answer:
            response = web.Response(
                status=answer.status,
                headers=CIMultiDict(_end_to_end(answer.headers)),
                body=await answer.read(),
            )
        if (
            answer.status == HTTPStatus.UNAUTHORIZED
            and request.method == hdrs.METH_GET
            and hdrs.AUTHORIZATION not in request.headers
        ):  # a browser asks for user name and password then
            response.headers.add(hdrs.WWW_AUTHENTICATE, CHALLENGE)
        return response


@asynccontextmanager
async def local_load_balancer(
    *,
    pool: UserPool,
    host: str = "127.0.0.1",
    ports: Sequence[int] = (0,),
    api_url: str | None = None,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[LocalLoadBalancer]:
    """
    Listen until the block ends, on the first of *ports* that is free, 0 for any.

    Raises OSError where none is.

    Its `target` may be set later than *api_url*: the API needs to know the keys' address first.
    """
    async with aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=TARGET_S),
    ) as session:
        balancer = LocalLoadBalancer(session, pool, clock)
        balancer.target = api_url
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_get(f"{KEYS_PATH}{{kid}}", balancer.key)
        app.router.add_route("*", "/{path:.*}", balancer.forward)
        runner = web.AppRunner(
            app,
            access_log=None,
            auto_decompress=False,
            max_field_size=MAX_FIELD_BYTES,
            max_line_size=MAX_FIELD_BYTES,
            shutdown_timeout=0.5,
        )
        await runner.setup()
        try:
            await _listen(runner, host, ports)
            balancer.port = runner.addresses[0][1]
            balancer.url = f"http://{reachable(host)}:{balancer.port}"
            yield balancer
        finally:
            await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, ports: Sequence[int]) -> None:
    for port in ports[:-1]:
        with suppress(OSError):  # the next one may be free
            await web.TCPSite(runner, host, port).start()
            return
    await web.TCPSite(runner, host, ports[-1]).start()


def reachable(host: str) -> str:
    """Return how programs on this machine address what listens on *host*."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 -- compared
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"  # noqa: S104 -- compared
    return f"[{host}]" if ":" in host else host


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode()


def _claims(token: str) -> dict[str, Any]:
    """Return the claims of a token that comes from Cognito itself, and so needs no check."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


def _user_and_password(credentials: str) -> tuple[str, str]:
    """Read the credentials of HTTP Basic (RFC 7617); raises NotSignedIn."""
    try:
        username, colon, password = base64.b64decode(credentials).decode().partition(":")
    except ValueError:  # of base64, or of UTF-8
        raise NotSignedIn from None
    if not (username and colon and password):
        raise NotSignedIn
    return username, password


def _end_to_end(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the fields that are for the other end; those that Connection names are not."""
    named = {name.strip().lower() for name in headers.get(hdrs.CONNECTION, "").split(",")}
    for name, value in headers.items():
        if name.lower() not in _OF_ONE_HOP | named:
            yield name, value
