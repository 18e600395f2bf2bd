"""A token endpoint on loopback that answers as a test says, and the port in front of it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web

from service.authentication.jwks import Jwks
from service.authentication.pool_tokens import PoolTokens, TokenPairs
from service.aws.domain_session import DomainSession, TokenResponse
from service.circuit_breaker import Breaker
from service.cognito.federation import CognitoFederation
from service.config.loader import Settings
from service.config.settings import Config
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import COGNITO_DOMAIN, UpstreamTelemetry
from tests.authentication.trusting import ISSUERS, KeysInMemory, json_key_set
from tests.support.access_token_signer import AccessTokenSigner
from tests.support.alb_token_signer import CLIENT
from tests.support.clock import Clock
from tests.support.configs import configured
from tests.support.raw_jwt import ABSENT
from tests.support.serving import listening

CALLBACK: Final = "https://app.example.com/signed-in"
OTHER_CALLBACK: Final = "http://localhost:3000/"
KEYS_URL: Final = "memory:keys"


@dataclass
class ScriptedDomain:
    """Its URL, the response of the token endpoint, and the paths, headers and forms that it received."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    received: list[tuple[str, Mapping[str, str], dict[str, str]]] = field(default_factory=list)
    close: bool = False
    """Whether the connection is closed without a response."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer any request."""
        form = dict(parse_qsl(await request.text(), keep_blank_values=True))
        self.received.append((request.path, request.headers.copy(), form))
        if self.close and request.transport is not None:
            request.transport.abort()
        return web.Response(status=self.status, body=self.body, headers=self.headers)

    @property
    def forms(self) -> list[dict[str, str]]:
        """The forms that were received."""
        return [form for _, _, form in self.received]


@asynccontextmanager
async def scripted_domain() -> AsyncIterator[ScriptedDomain]:
    """Serve on loopback."""
    domain = ScriptedDomain()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", domain.serve)
    async with listening(web.AppRunner(app)) as domain.url:
        yield domain


def id_token(pool: AccessTokenSigner, **changes: object) -> str:
    """Return an id token that is valid but for the changes."""
    own = {"client_id": ABSENT, "scope": ABSENT, "aud": CLIENT, "token_use": "id"}
    return pool.mint({**own, **changes})


def token_response(pool: AccessTokenSigner, **changes: object) -> dict[str, Any]:
    """Return the content of a successful response, with changes."""
    tokens = {"id_token": id_token(pool), "access_token": pool.mint(), "refresh_token": "refresh"}
    return {**tokens, "token_type": "Bearer", "expires_in": 3_600, **changes}


def domain_settings(domain: ScriptedDomain) -> Settings:
    """Return the settings of a deployment with the domain."""
    return {
        "aws.cognito": {"client-id": CLIENT},
        "federation": {
            "domain": domain.url,
            "providers": "Google COGNITO",
            "redirect-uris": f"{CALLBACK} {OTHER_CALLBACK}",
        },
    }


def federated(domain: ScriptedDomain, *settings: Settings) -> Config:
    """Return the configuration of such a deployment."""
    return configured(domain_settings(domain), *settings)


@asynccontextmanager
async def federation_port(
    config: Config,
    pool: AccessTokenSigner,
    metrics: Metrics | None = None,
) -> AsyncIterator[CognitoFederation]:
    """Open the port for *config*, which trusts the tokens of *pool*."""
    calls = UpstreamTelemetry(metrics or Metrics())
    keys = Jwks(KeysInMemory({KEYS_URL: json_key_set(pool.jwk)}), url=KEYS_URL, clock=Clock())
    pairs = TokenPairs(PoolTokens(ISSUERS, keys, Clock(), 5.0), CLIENT)
    origin = config.federation.token_endpoint_origin
    assert origin is not None
    async with DomainSession(
        origin,
        breaker=Breaker(COGNITO_DOMAIN, config.upstreams, calls.metrics.breaker_state),
        response_class=TokenResponse,
        timeout=(5.0, 5.0),
        verify=False,  # loopback needs no certificates, which take long to load
    ) as session:
        yield CognitoFederation(session, config=config, token_pairs=pairs, calls=calls)
    await keys.close()
