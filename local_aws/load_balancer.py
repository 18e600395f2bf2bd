"""
A local load balancer that authenticates users and signs their identity, as an ALB of AWS does.

It is for `make run` and for tests. Users sign in on a page of Cognito's and return with a cookie, as on
AWS, or send user name and password with HTTP Basic, which browsers prompt for. Unlike the rest of
local_aws, these modules need aiohttp and cryptography, and are not in the image.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Final, TypeAlias

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from local_aws.http_server import reachable
from local_aws.load_balancer_domain import CALLBACK_PATH, LOGIN_PATH, AppClient, DomainSignIns
from local_aws.load_balancer_sign_ins import NotSignedIn, SignIns, UserPool
from local_aws.load_balancer_signer import ARN, Signer

KEYS_PATH: Final = "/local-alb-keys/"
MAX_BODY_BYTES: Final = 16_777_216  # more than the service's largest limit
MAX_FIELD_BYTES: Final = 20_480
TARGET_S: Final = 60.0  # the idle timeout of an ALB

IDENTITY_PREFIX: Final = "x-amzn-oidc-"
CHALLENGE: Final = 'Basic realm="local user pool", charset="UTF-8"'
_OF_ONE_HOP: Final = frozenset(  # RFC 9110, section 7.6.1, and fields that the proxy sets itself
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


class LocalLoadBalancer:
    """Forwards to *target* with the signed identity of the user; without a target it responds 503."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        pool: UserPool,
        clock: Callable[[], float],
        signer: Signer,
    ) -> None:
        self._session = session
        self._signer = signer
        self._sign_ins = SignIns(session, pool, clock)
        self._browsers = DomainSignIns(session, pool.endpoint_url, clock)
        self.target: str | None = None
        self.url = ""
        self.port = 0

    def sign_browsers_in(self, client: AppClient) -> None:
        """Sign browsers in on the pages of the pool's domain, as *client*."""
        self._browsers.client = client
        self._signer.client_id = client.client_id

    @property
    def callback_urls(self) -> tuple[str, ...]:
        """The callback URLs that the app client for browsers needs."""
        hosts = dict.fromkeys((self.url, f"http://localhost:{self.port}"))
        return tuple(host + CALLBACK_PATH for host in hosts)

    @property
    def key_url(self) -> str:
        """The URL of its public key, without the key id at the end."""
        return self.url + KEYS_PATH

    async def key(self, request: web.Request) -> web.Response:
        """Return the public key with the id in the path, as a region's key server does."""
        if request.match_info["kid"] != self._signer.key_id:
            raise web.HTTPNotFound
        return web.Response(body=self._signer.public_key, content_type="application/x-pem-file")

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Forward the request, with a signed identity if it has credentials, and return the response."""
        if self.target is None:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        client = self._browsers.client
        if client is not None and request.path == LOGIN_PATH:
            return self._browsers.begin(request, client)
        if client is not None and request.path == CALLBACK_PATH:
            return await self._browsers.complete(request, client)
        try:
            headers = await self._headers(request)
            return await self._answer(request, self.target, headers)
        except NotSignedIn:
            return web.Response(
                status=HTTPStatus.UNAUTHORIZED,
                text="Wrong user name or password.\n",
                headers={hdrs.WWW_AUTHENTICATE: CHALLENGE},
            )
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return web.Response(status=HTTPStatus.BAD_GATEWAY)

    async def _headers(self, request: web.Request) -> Fields:
        """Return the headers to forward; raises NotSignedIn."""
        headers = CIMultiDict(
            (name.lower(), value)  # of two spellings of a name, aiohttp would send only the last
            for name, value in _end_to_end(request.headers)
            if not name.lower().startswith(IDENTITY_PREFIX)
        )
        peers = [*headers.popall(hdrs.X_FORWARDED_FOR, ()), request.remote or ""]
        headers[hdrs.X_FORWARDED_FOR] = ", ".join(peers)
        headers[hdrs.X_FORWARDED_PROTO] = "http"
        scheme, _, credentials = headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        person = self._browsers.person(request)
        if scheme.lower() == "basic":
            person = await self._sign_ins.person(credentials.strip())
            del headers[hdrs.AUTHORIZATION]
        if person is not None:
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
        ):  # a browser prompts for user name and password then
            response.headers.add(hdrs.WWW_AUTHENTICATE, CHALLENGE)
        return response


@asynccontextmanager
async def local_load_balancer(  # noqa: PLR0913 -- all named, and one without a default
    *,
    pool: UserPool,
    host: str = "127.0.0.1",
    ports: Sequence[int] = (0,),
    api_url: str | None = None,
    clock: Callable[[], float] = time.time,
    arn: str = ARN,
    client_id: str | None = None,
) -> AsyncIterator[LocalLoadBalancer]:
    """
    Serve until the block ends, on the first of *ports* that is free; 0 binds any free port.

    Raises OSError where none is free.

    Its `target` may be set later than *api_url*: the API needs to know the keys' address first. What it
    signs names the load balancer *arn* and the client *client_id*, by default the pool's.
    """
    async with aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=TARGET_S),
    ) as session:
        signer = Signer(pool, clock, arn=arn, client_id=client_id)
        balancer = LocalLoadBalancer(session, pool, clock, signer)
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
        with suppress(OSError):  # try the next one
            await web.TCPSite(runner, host, port).start()
            return
    await web.TCPSite(runner, host, ports[-1]).start()


def _end_to_end(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the end-to-end fields: not hop-by-hop, and not named by Connection."""
    named = {name.strip().lower() for name in headers.get(hdrs.CONNECTION, "").split(",")}
    for name, value in headers.items():
        if name.lower() not in _OF_ONE_HOP | named:
            yield name, value
