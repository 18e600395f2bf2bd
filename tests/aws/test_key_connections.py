"""Public keys are fetched wherever, and only where, Cognito's own calls succeed."""

import os
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from botocore.exceptions import BotoCoreError, InvalidConfigError
from structlog.testing import capture_logs

from service.authentication.sources import identity_adapters
from service.aws.clients import open_clients
from service.domain.errors import UpstreamUnavailable
from service.domain.identity import Identity
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from tests.authentication.trusting import json_key_set
from tests.support.access_token_signer import AccessTokenSigner, bearing
from tests.support.alb_token_signer import CLIENT, SUB
from tests.support.configs import BREAKER_OFF, CREDENTIALS, configured
from tests.support.forward_proxy import ForwardProxy, forward_proxy
from tests.support.private_authority import PrivateAuthority

REGION: Final = "us-east-1"
AWS_HOST: Final = "cognito-idp.us-east-1.amazonaws.com"
HOSTS: Final = (
    AWS_HOST,
    "cognito-idp-fips.us-east-1.amazonaws.com",
    "cognito-idp-fips.ca-central-1.api.aws",
    "cognito-idp.us-gov-west-1.api.aws",
    "cognito-idp.cn-north-1.api.amazonwebservices.com.cn",
    "localhost",
    "cognito.internal",
)
POOL: Final = AccessTokenSigner()


@dataclass(frozen=True, slots=True)
class Reached:
    """Whether a call to Cognito and a token's verification succeeded, and the log's events."""

    call: bool
    token: bool
    events: list[str]


@dataclass(frozen=True, slots=True)
class Network:
    """
    A Cognito over TLS on *port*, whose certificate a private authority has signed.

    *direct* are the hosts that its own requests named, *proxy* forwards everything to it.
    """

    port: int
    proxy: ForwardProxy
    direct: list[str]

    def filled(self, text: str) -> str:
        """Return *text* with the ports in it."""
        return text.replace("{port}", str(self.port)).replace("{proxy}", str(self.proxy.port))


@pytest.fixture(name="clean", autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Remove from the environment whatever botocore reads."""
    for name in [*os.environ]:
        if name.upper().startswith(("AWS_", "SSL_CERT")) or name.upper().endswith(
            ("_PROXY", "_CA_BUNDLE")
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    return monkeypatch


@pytest.fixture(name="authority")
def _authority(tmp_path: Path) -> PrivateAuthority:
    return PrivateAuthority(tmp_path, "private")


@asynccontextmanager
async def _network(
    authority: PrivateAuthority, *, user: str | None = None, proxy_tls: bool = False
) -> AsyncIterator[Network]:
    hosts: list[str] = []

    async def sign_in(request: web.Request) -> web.Response:
        hosts.append(request.url.host or "")
        return web.json_response({"ChallengeName": "CUSTOM_CHALLENGE"})

    async def keys(request: web.Request) -> web.Response:
        hosts.append(request.url.host or "")
        return web.Response(body=json_key_set(POOL.jwk))

    app = web.Application()
    app.router.add_post("/", sign_in)
    app.router.add_get("/{pool}/.well-known/jwks.json", keys)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    async with AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        context = authority.server_context(*HOSTS)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        port = runner.addresses[0][1]
        tls: ssl.SSLContext | None = authority.server_context("localhost") if proxy_tls else None
        proxy = await stack.enter_async_context(
            forward_proxy(("127.0.0.1", port), user=user, tls=tls)
        )
        yield Network(port, proxy, hosts)


async def _reached(region: str = REGION, **cognito: str) -> Reached:
    """Call Cognito, and verify a token; the service has been started in this environment."""
    pool_id = f"{region}_Example01"
    config = configured(
        {
            "aws": {"region": region},
            "identity": {"sources": "bearer"},
            "aws.cognito": {
                "user-pool-id": pool_id,
                "client-id": CLIENT,
                "connect-timeout-s": "2",
                "read-timeout-s": "2",
                **cognito,
            },
        },
        BREAKER_OFF,
    )
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    issuer = f"https://cognito-idp.{region}.{suffix}/{pool_id}"
    now = int(time.time())  # noqa: TID251 -- the sources read the machine's clock
    token = POOL.mint({"iss": issuer, "iat": now, "auth_time": now, "exp": now + 60})
    telemetry = UpstreamTelemetry(Metrics())
    called = verified = True
    with capture_logs() as events:
        async with (
            open_clients(config, CREDENTIALS, telemetry) as clients,
            identity_adapters(config, telemetry, clients.keys) as identity,
        ):
            try:
                await clients.cognito.initiate_auth(
                    ClientId=CLIENT,
                    AuthFlow="USER_PASSWORD_AUTH",
                    AuthParameters={"USERNAME": "alice", "PASSWORD": "x"},
                )
            except BotoCoreError:
                called = False
            try:
                found = await identity.sources[0].identify(bearing(token))
            except UpstreamUnavailable:
                verified = False
            else:
                assert found == Identity(SUB, "bearer")
    return Reached(called, verified, [event["event"] for event in events])


def _set(clean: pytest.MonkeyPatch, network: Network, environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        clean.setenv(name, network.filled(value))


@pytest.mark.parametrize(
    ("region", "environ", "host"),
    [
        (REGION, {"HTTPS_PROXY": "http://127.0.0.1:{proxy}"}, AWS_HOST),
        (REGION, {"https_proxy": "http://127.0.0.1:{proxy}"}, AWS_HOST),
        (
            REGION,
            {"https_proxy": "127.0.0.1:{proxy}", "HTTPS_PROXY": "http://none.invalid"},
            AWS_HOST,
        ),
        (REGION, {"HTTPS_PROXY": "//127.0.0.1:{proxy}", "NO_PROXY": "example.com"}, AWS_HOST),
        (
            REGION,
            {"HTTPS_PROXY": "http://127.0.0.1:{proxy}", "AWS_USE_FIPS_ENDPOINT": "true"},
            "cognito-idp-fips.us-east-1.amazonaws.com",
        ),
        (
            "ca-central-1",
            {
                "HTTPS_PROXY": "http://127.0.0.1:{proxy}",
                "AWS_USE_FIPS_ENDPOINT": "true",
                "AWS_USE_DUALSTACK_ENDPOINT": "true",
            },
            "cognito-idp-fips.ca-central-1.api.aws",
        ),
        (
            "us-gov-west-1",
            {"HTTPS_PROXY": "http://127.0.0.1:{proxy}", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
            "cognito-idp.us-gov-west-1.api.aws",
        ),
        (
            "cn-north-1",
            {"HTTPS_PROXY": "http://127.0.0.1:{proxy}", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
            "cognito-idp.cn-north-1.api.amazonwebservices.com.cn",
        ),
        (
            REGION,
            {
                "HTTPS_PROXY": "http://127.0.0.1:{proxy}",
                "AWS_ENDPOINT_URL": "https://cognito.internal:8443/",
            },
            "cognito.internal",
        ),
    ],
)
async def test_keys_come_through_the_proxy_from_the_host_of_the_calls(
    clean: pytest.MonkeyPatch,
    authority: PrivateAuthority,
    region: str,
    environ: Mapping[str, str],
    host: str,
) -> None:
    """The proxy connects calls and keys to the same host, which FIPS, dual-stack and URLs decide."""
    async with _network(authority) as network:
        clean.setenv("AWS_CA_BUNDLE", str(authority.bundle))
        _set(clean, network, environ)
        reached = await _reached(region)

    assert reached == Reached(call=True, token=True, events=[])
    assert network.proxy.hosts == [host] * 2
    assert network.direct == [host] * 2


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTPS_PROXY": "http://127.0.0.1:{proxy}", "NO_PROXY": "localhost"},
        {"HTTPS_PROXY": "http://127.0.0.1:{proxy}", "no_proxy": "a.example,.localhost,localhost"},
        {"HTTPS_PROXY": "http://127.0.0.1:{proxy}", "NO_PROXY": "*"},
        {"HTTP_PROXY": "http://127.0.0.1:{proxy}"},
        {"ALL_PROXY": "http://127.0.0.1:{proxy}"},
    ],
)
async def test_keys_come_directly_where_calls_do(
    clean: pytest.MonkeyPatch, authority: PrivateAuthority, environ: Mapping[str, str]
) -> None:
    """NO_PROXY holds for both; HTTP_PROXY is of HTTP alone, and botocore has no ALL_PROXY."""
    async with _network(authority) as network:
        clean.setenv("AWS_CA_BUNDLE", str(authority.bundle))
        _set(clean, network, environ)
        clean.setenv("AWS_ENDPOINT_URL", f"https://localhost:{network.port}")
        reached = await _reached()

    assert reached == Reached(call=True, token=True, events=[])
    assert network.proxy.hosts == []


@pytest.mark.parametrize(
    ("environ", "profile"),
    [
        ({"AWS_ENDPOINT_URL": "https://localhost:{port}"}, ""),
        (
            {
                "AWS_ENDPOINT_URL": "https://localhost:{port}",
                "AWS_USE_FIPS_ENDPOINT": "true",
                "AWS_USE_DUALSTACK_ENDPOINT": "true",
            },
            "",
        ),
        ({"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": "https://localhost:{port}/"}, ""),
        (
            {
                "AWS_ENDPOINT_URL": "https://wrong.invalid",
                "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": "https://localhost:{port}",
            },
            "",
        ),
        ({}, "[default]\nendpoint_url = https://localhost:{port}\n"),
        (
            {"AWS_PROFILE": "proxied"},
            (
                "[profile proxied]\nservices = own\n[services own]\ncognito_identity_provider =\n"
                "  endpoint_url = https://localhost:{port}\n"
            ),
        ),
    ],
)
async def test_endpoint_url_of_the_sdk_holds_for_keys(
    clean: pytest.MonkeyPatch,
    authority: PrivateAuthority,
    tmp_path: Path,
    environ: Mapping[str, str],
    profile: str,
) -> None:
    """Endpoint URLs in the environment or the AWS profile are those of the keys, too."""
    async with _network(authority) as network:
        clean.setenv("AWS_CA_BUNDLE", str(authority.bundle))
        (tmp_path / "config").write_text(network.filled(profile), encoding="utf-8")
        _set(clean, network, environ)
        reached = await _reached()

    assert reached == Reached(call=True, token=True, events=[])
    assert network.direct == ["localhost"] * 2


async def test_ignored_endpoint_urls_are_ignored_for_keys(
    clean: pytest.MonkeyPatch, authority: PrivateAuthority
) -> None:
    """AWS_IGNORE_CONFIGURED_ENDPOINT_URLS leads calls and keys to AWS's own host."""
    async with _network(authority) as network:
        clean.setenv("AWS_CA_BUNDLE", str(authority.bundle))
        clean.setenv("AWS_ENDPOINT_URL", "https://wrong.invalid")
        clean.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        clean.setenv("HTTPS_PROXY", f"http://127.0.0.1:{network.proxy.port}")
        reached = await _reached()

    assert reached == Reached(call=True, token=True, events=[])
    assert network.proxy.hosts == [AWS_HOST] * 2


@pytest.mark.parametrize(
    ("variables", "profile", "succeed"),
    [
        (("AWS_CA_BUNDLE",), "", True),
        (("REQUESTS_CA_BUNDLE",), "", True),
        ((), "[default]\nca_bundle = {bundle}\n", True),
        (("SSL_CERT_FILE",), "", False),
        (("CURL_CA_BUNDLE",), "", False),
        ((), "", False),
    ],
)
async def test_private_authority_is_trusted_for_both_or_none(  # noqa: PLR0913, PLR0917 -- cases
    clean: pytest.MonkeyPatch,
    authority: PrivateAuthority,
    tmp_path: Path,
    variables: tuple[str, ...],
    profile: str,
    succeed: bool,  # noqa: FBT001 -- a case
) -> None:
    """What botocore trusts is trusted for keys: SSL_CERT_FILE is not among it."""
    for name in variables:
        clean.setenv(name, str(authority.bundle))
    (tmp_path / "config").write_text(
        profile.replace("{bundle}", str(authority.bundle)), encoding="utf-8"
    )
    async with _network(authority) as network:
        reached = await _reached(**{"endpoint-url": f"https://localhost:{network.port}"})

    events = [] if succeed else ["keys_unavailable"]
    assert reached == Reached(call=succeed, token=succeed, events=events)


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
async def test_empty_bundle_does_not_turn_verification_off(
    clean: pytest.MonkeyPatch, authority: PrivateAuthority, name: str
) -> None:
    """An empty variable, as compose files set it, counts as none: unknown certificates are refused."""
    clean.setenv(name, "")
    async with _network(authority) as network:
        reached = await _reached(**{"endpoint-url": f"https://localhost:{network.port}"})

    assert reached == Reached(call=False, token=False, events=["keys_unavailable"])


@pytest.mark.parametrize(
    ("user", "given", "succeed"),
    [
        ("proxy-user:p@ss:word", "proxy-user:p%40ss%3Aword@", True),
        ("proxy-user:secret", "", False),
        ("proxy-user:secret", "proxy-user:wrong@", False),
    ],
)
async def test_proxy_gets_its_credentials_from_both(
    clean: pytest.MonkeyPatch,
    authority: PrivateAuthority,
    user: str,
    given: str,
    succeed: bool,  # noqa: FBT001 -- a case
) -> None:
    """User name and password in the URL of the proxy are sent; without them it refuses both."""
    clean.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    async with _network(authority, user=user) as network:
        clean.setenv("HTTPS_PROXY", f"http://{given}127.0.0.1:{network.proxy.port}")
        reached = await _reached()

    events = [] if succeed else ["keys_unavailable"]
    assert reached == Reached(call=succeed, token=succeed, events=events)


async def test_proxy_may_be_reached_over_tls(
    clean: pytest.MonkeyPatch, authority: PrivateAuthority
) -> None:
    """The connection to the proxy may be encrypted, with a certificate of the same authority."""
    clean.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    async with _network(authority, proxy_tls=True) as network:
        clean.setenv("HTTPS_PROXY", f"https://localhost:{network.proxy.port}")
        reached = await _reached()

    assert reached == Reached(call=True, token=True, events=[])
    assert network.proxy.hosts == [AWS_HOST] * 2


async def test_keys_of_a_url_of_their_own_come_by_its_own_proxy(
    clean: pytest.MonkeyPatch, authority: PrivateAuthority
) -> None:
    """A configured JWKS URL is fetched directly if NO_PROXY names its host and not Cognito's."""
    clean.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    clean.setenv("NO_PROXY", "localhost")
    async with _network(authority) as network:
        clean.setenv("HTTPS_PROXY", f"http://127.0.0.1:{network.proxy.port}")
        url = f"https://localhost:{network.port}/own/.well-known/jwks.json"
        reached = await _reached(**{"jwks-url": url})

    assert reached == Reached(call=True, token=True, events=[])
    assert network.proxy.hosts == [AWS_HOST]
    assert network.direct == [AWS_HOST, "localhost"]


BROKEN: Final = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("text", [None, "", "no certificate", BROKEN])
async def test_bundle_without_certificates_ends_the_start(
    clean: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    """A file that is missing, empty or of another kind is named, instead of failing each call."""
    bundle = tmp_path / "bundle.pem"
    if text is not None:
        bundle.write_text(text, encoding="utf-8")
    clean.setenv("AWS_CA_BUNDLE", str(bundle))

    with pytest.raises(InvalidConfigError, match=r"bundle\.pem"):
        await _reached()


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("AWS_ENDPOINT_URL", "no url"),
        ("AWS_ENDPOINT_URL", "localhost:4566"),
        ("AWS_ENDPOINT_URL", "https://[::1"),
        ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", "https://localhost:port"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "https://localhost:99999"),
        ("", ":::"),
    ],
)
async def test_endpoint_url_that_is_none_ends_the_start(
    clean: pytest.MonkeyPatch, tmp_path: Path, name: str, url: str
) -> None:
    """What is no URL is refused with the names of the settings, in the environment and the profile."""
    profile = "[default]\n" if name else f"[default]\nendpoint_url = {url}\n"
    (tmp_path / "config").write_text(profile, encoding="utf-8")
    if name:
        clean.setenv(name, url)

    with pytest.raises(InvalidConfigError, match="AWS_ENDPOINT_URL"):
        await _reached()
