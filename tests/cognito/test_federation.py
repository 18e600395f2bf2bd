"""The port of the user pool's domain, in front of a scripted token endpoint."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from service.cognito.federation import CognitoFederation
from service.config.loader import Settings
from service.domain.errors import (
    AuthorizationCodeInvalid,
    Blocked,
    InvalidParameter,
    Misconfigured,
    ServiceError,
    Throttled,
    UpstreamFault,
    UpstreamUnavailable,
)
from service.domain.federation import AuthorizationCode, AuthorizationRequest
from service.observability.metrics.catalogue import Metrics
from tests.support.access_token_signer import AccessTokenSigner
from tests.support.alb_token_signer import CLIENT, SUB
from tests.support.clock import NOW
from tests.support.raw_jwt import ABSENT
from tests.support.scripted_domain import (
    CALLBACK,
    ScriptedDomain,
    domain_settings,
    federated,
    federation_port,
    id_token,
    scripted_domain,
    token_response,
)

CODE = AuthorizationCode("the-code", CALLBACK, "v" * 43)
POOL = AccessTokenSigner()
OTHER_POOL = AccessTokenSigner()
SECRET: Settings = {"aws.cognito": {"client-secret": "s3cret"}}


@pytest.fixture
async def domain() -> AsyncIterator[ScriptedDomain]:
    """Serve a token endpoint that issues valid tokens."""
    async with scripted_domain() as serving:
        serving.body = json.dumps(token_response(POOL)).encode()
        yield serving


@pytest.fixture
async def port(domain: ScriptedDomain) -> AsyncIterator[CognitoFederation]:
    """Open the port for a public app client."""
    async with federation_port(federated(domain), POOL) as opened:
        yield opened


def _query(url: str) -> Mapping[str, list[str]]:
    return parse_qs(urlsplit(url).query, strict_parsing=True)


async def test_sign_in_url_has_the_request(port: CognitoFederation, domain: ScriptedDomain) -> None:
    """The URL has the challenge by S256, the configured scopes and the state, percent-encoded."""
    request = AuthorizationRequest(CALLBACK, "c" * 43, "a&b=#%", "Google", "n+1")

    url = port.sign_in_url(request)

    assert url.startswith(f"{domain.url}/oauth2/authorize?")
    assert " " not in url
    assert "+" not in url
    assert _query(url) == {
        "response_type": ["code"],
        "client_id": [CLIENT],
        "redirect_uri": [CALLBACK],
        "scope": ["openid email profile aws.cognito.signin.user.admin"],
        "state": ["a&b=#%"],
        "code_challenge": ["c" * 43],
        "code_challenge_method": ["S256"],
        "identity_provider": ["Google"],
        "nonce": ["n+1"],
    }
    assert domain.received == []


async def test_optional_parameters_are_left_out(port: CognitoFederation) -> None:
    """Without a provider and a nonce the URL has neither."""
    url = port.sign_in_url(AuthorizationRequest(CALLBACK, "c" * 43, "state"))

    assert not {"identity_provider", "nonce"} & _query(url).keys()


async def test_sign_out_url_names_client_and_redirect_uri(
    port: CognitoFederation, domain: ScriptedDomain
) -> None:
    """The sign-out URL has Cognito's two parameters."""
    url = port.sign_out_url(CALLBACK)

    assert url.startswith(f"{domain.url}/logout?")
    assert _query(url) == {"client_id": [CLIENT], "logout_uri": [CALLBACK]}


async def test_code_is_exchanged_with_its_verifier(
    port: CognitoFederation, domain: ScriptedDomain
) -> None:
    """The token endpoint gets code, verifier and redirect URI, and its tokens are returned."""
    tokens = await port.exchange(CODE)

    ((path, headers, form),) = domain.received
    assert path == "/oauth2/token"
    assert "Authorization" not in headers
    assert form == {
        "grant_type": "authorization_code",
        "client_id": CLIENT,
        "code": "the-code",
        "redirect_uri": CALLBACK,
        "code_verifier": "v" * 43,
    }
    assert (tokens.user_id, tokens.refresh_token, tokens.expires_in_s) == (SUB, "refresh", 3_600)


async def test_token_endpoint_may_be_reached_elsewhere(domain: ScriptedDomain) -> None:
    """With endpoint-url, browsers open the domain, and the service calls that URL."""
    elsewhere: Settings = {
        "federation": {
            **domain_settings(domain)["federation"],
            "domain": "https://login.example.com",
            "endpoint-url": domain.url,
        }
    }
    async with federation_port(federated(domain, elsewhere), POOL) as port:
        url = port.sign_out_url(CALLBACK)
        await port.exchange(CODE)

    assert url.startswith("https://login.example.com/logout?")
    assert len(domain.received) == 1


async def test_confidential_client_sends_its_secret(domain: ScriptedDomain) -> None:
    """A client secret is sent by HTTP Basic, never in the form."""
    async with federation_port(federated(domain, SECRET), POOL) as port:
        await port.exchange(CODE)

    ((_, headers, form),) = domain.received
    scheme, _, credentials = headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(credentials).decode()) == ("Basic", f"{CLIENT}:s3cret")
    assert "s3cret" not in form.values()


async def test_refresh_token_is_optional(port: CognitoFederation, domain: ScriptedDomain) -> None:
    """An app client may issue no refresh token."""
    content = token_response(POOL)
    del content["refresh_token"]
    domain.body = json.dumps(content).encode()

    assert (await port.exchange(CODE)).refresh_token is None


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (400, {"error": "invalid_grant"}, AuthorizationCodeInvalid),
        (400, {"error": "invalid_request"}, InvalidParameter),
        (400, {"error": "invalid_client"}, Misconfigured),
        (401, {"error": "invalid_client"}, Misconfigured),
        (400, {"error": "unauthorized_client"}, Misconfigured),
        (400, {"error": "unsupported_grant_type"}, Misconfigured),
        (400, {"error": "invalid_scope"}, Misconfigured),
        (400, {"error": ["invalid_grant"]}, UpstreamFault),
        (400, ["invalid_grant"], UpstreamFault),
        (403, {"error": "invalid_grant"}, Blocked),
        (404, {"error": "invalid_grant"}, UpstreamFault),
        (429, {}, Throttled),
        (500, {"error": "invalid_grant"}, UpstreamUnavailable),
        (503, {}, UpstreamUnavailable),
        (204, {}, UpstreamFault),
    ],
)
async def test_refusal_is_translated_and_not_repeated(
    port: CognitoFederation,
    domain: ScriptedDomain,
    status: int,
    content: object,
    error: type[ServiceError],
) -> None:
    """Each response has one meaning, and the code is sent once."""
    domain.status, domain.body = status, json.dumps(content).encode()

    with pytest.raises(error):
        await port.exchange(CODE)

    assert len(domain.forms) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(
    port: CognitoFederation, domain: ScriptedDomain, status: int
) -> None:
    """A code and a secret are sent to no other address than the token endpoint."""
    domain.status, domain.headers = status, {"Location": f"{domain.url}/elsewhere"}

    with pytest.raises(UpstreamFault):
        await port.exchange(CODE)

    assert [path for path, _, _ in domain.received] == ["/oauth2/token"]


async def test_proxy_is_used_and_its_redirect_not_followed(
    domain: ScriptedDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a proxy, a code is sent once as well, and to no other address."""
    elsewhere = "http://user-pool.example"
    monkeypatch.setenv("HTTP_PROXY", domain.url)
    monkeypatch.setenv("http_proxy", domain.url)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    config = federated(domain, {"federation": {"domain": elsewhere}})
    async with federation_port(config, POOL) as port:
        await port.exchange(CODE)
        domain.status, domain.headers = 307, {"Location": f"{elsewhere}/elsewhere"}
        with pytest.raises(UpstreamFault):
            await port.exchange(CODE)

    assert [path for path, _, _ in domain.received] == ["/oauth2/token"] * 2
    assert {headers["Host"] for _, headers, _ in domain.received} == {"user-pool.example"}


async def test_lost_response_is_not_repeated(
    port: CognitoFederation, domain: ScriptedDomain
) -> None:
    """A code whose response was lost may be used up, so it is not sent again."""
    domain.close = True

    with pytest.raises(UpstreamUnavailable):
        await port.exchange(CODE)

    assert len(domain.forms) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"id_token": None},
        {"id_token": 7},
        {"access_token": ""},
        {"refresh_token": []},
        {"token_type": "mac"},
        {"expires_in": None},
        {"expires_in": "3600"},
        {"expires_in": True},
        {"x": "y" * 131_072},
    ],
)
async def test_malformed_response_is_a_fault(
    port: CognitoFederation, domain: ScriptedDomain, change: Mapping[str, Any]
) -> None:
    """A response without the tokens, with members of another type, or too large is not used."""
    domain.body = json.dumps(token_response(POOL, **change)).encode()

    with pytest.raises((UpstreamFault, UpstreamUnavailable)):
        await port.exchange(CODE)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"[]", b"\xff"])
async def test_response_that_is_no_object_is_a_fault(
    port: CognitoFederation, domain: ScriptedDomain, body: bytes
) -> None:
    """A web page, such as a proxy's, is no response of the token endpoint."""
    domain.body = body

    with pytest.raises(UpstreamFault):
        await port.exchange(CODE)


FOREIGN = [
    {"id_token": id_token(POOL, aud="another-client")},
    {"id_token": id_token(POOL, aud=[CLIENT, "another-client"])},
    {"id_token": id_token(POOL, aud=ABSENT)},
    {"id_token": id_token(POOL, iss="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other")},
    {"id_token": id_token(POOL, exp=NOW - 1)},
    {"id_token": id_token(POOL, exp=ABSENT)},
    {"id_token": id_token(POOL, sub=ABSENT)},
    {"id_token": id_token(POOL, sub="someone-else")},
    {"id_token": id_token(POOL, token_use="access")},  # noqa: S106 -- a use
    {"id_token": POOL.mint()},
    {"id_token": id_token(OTHER_POOL)},
    {"id_token": id_token(POOL) + "="},
    {"id_token": "not.a.token"},
    {"access_token": POOL.mint({"client_id": "another-client"})},
    {"access_token": POOL.mint({"exp": NOW - 1})},
    {"access_token": POOL.mint({"sub": "someone-else"})},
    {"access_token": OTHER_POOL.mint()},
    {"access_token": id_token(POOL)},
]


@pytest.mark.parametrize("change", FOREIGN)
async def test_token_of_another_client_pool_or_user_is_refused(
    port: CognitoFederation, domain: ScriptedDomain, change: Mapping[str, str]
) -> None:
    """Both tokens must be signed by the pool, for the app client, for one user, and not expired."""
    domain.body = json.dumps(token_response(POOL, **change)).encode()

    with capture_logs() as logs, pytest.raises(UpstreamFault):
        await port.exchange(CODE)

    assert [line["event"] for line in logs] == ["federated_tokens_not_valid"]


@pytest.mark.parametrize(
    ("sent", "found", "accepted"),
    [
        ("n1", "n1", True),
        ("n1", "n2", False),
        ("n1", ABSENT, False),
        ("n1", 1, False),
        (None, "n1", True),
        (None, ABSENT, True),
    ],
)
async def test_nonce_that_is_sent_must_be_that_of_the_token(
    port: CognitoFederation,
    domain: ScriptedDomain,
    sent: str | None,
    found: object,
    accepted: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """A code of another sign-in than the caller's is refused by its nonce."""
    content = token_response(POOL, id_token=id_token(POOL, nonce=found))
    domain.body = json.dumps(content).encode()
    code = AuthorizationCode("the-code", CALLBACK, "v" * 43, sent)

    if accepted:
        assert (await port.exchange(code)).user_id == SUB
    else:
        with pytest.raises(AuthorizationCodeInvalid):
            await port.exchange(code)


async def test_breaker_opens_when_the_domain_fails(domain: ScriptedDomain) -> None:
    """After failures in a row, codes are refused without being sent; the outcomes are counted."""
    metrics = Metrics()
    settings = federated(domain, {"upstreams": {"breaker-failures": "2", "breaker-open-s": "60"}})
    domain.status = 500
    async with federation_port(settings, POOL, metrics) as port:
        for _ in range(3):
            with pytest.raises(UpstreamUnavailable):
                await port.exchange(CODE)

    assert len(domain.forms) == 2
    counted = metrics.registry.get_sample_value
    call = {"upstream": "cognito_domain", "operation": "token"}
    assert counted("upstream_calls_total", {**call, "outcome": "fault"}) == 2
    assert counted("upstream_calls_total", {**call, "outcome": "not_sent"}) == 1
    state = {"upstream": "cognito_domain", "state": "open"}
    assert counted("upstream_breaker_state", state) == 1
