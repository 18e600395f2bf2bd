"""Federated sign-in over HTTP, with a scripted domain."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from service.app import Adapters
from tests.api.conftest import Api, Start
from tests.support.access_token_signer import AccessTokenSigner
from tests.support.alb_token_signer import CLIENT, SUB
from tests.support.scripted_domain import (
    CALLBACK,
    OTHER_CALLBACK,
    ScriptedDomain,
    domain_settings,
    federated,
    federation_port,
    scripted_domain,
    token_response,
)

POOL = AccessTokenSigner()
BEGIN: Mapping[str, str] = {"redirectUri": CALLBACK, "codeChallenge": "c" * 43, "state": "xyz"}
COMPLETE: Mapping[str, str] = {
    "code": "the-code",
    "redirectUri": CALLBACK,
    "codeVerifier": "v" * 43,
}
PATHS = {
    "/api/auth/federated": BEGIN,
    "/api/auth/federated/tokens": COMPLETE,
    "/api/auth/federated/logout": {"redirectUri": CALLBACK},
}


@dataclass(frozen=True)
class Federated:
    """A service with a domain."""

    api: Api
    domain: ScriptedDomain


@pytest.fixture(name="federated_service")
async def _federated_service(start: Start, memory: Adapters) -> AsyncIterator[Federated]:
    async with AsyncExitStack() as stack:
        domain = await stack.enter_async_context(scripted_domain())
        domain.body = json.dumps(token_response(POOL)).encode()
        config = federated(domain)
        port = await stack.enter_async_context(federation_port(config, POOL))
        provider = replace(memory.identity_provider, federation=port)
        api = await start(
            domain_settings(domain), adapters=replace(memory, identity_provider=provider)
        )
        yield Federated(api, domain)


async def _wrong_fields(api: Api, path: str, body: Mapping[str, Any]) -> tuple[int, set[str]]:
    answer = await api.post(path, json=body)
    return answer.status, {entry["field"] for entry in (await answer.json()).get("errors", ())}


@pytest.mark.parametrize(("path", "body"), PATHS.items())
async def test_without_a_domain_the_feature_is_unavailable(
    api: Api, path: str, body: Mapping[str, str]
) -> None:
    """Every call of a deployment without a domain is 501, whatever it sends."""
    for sent in (body, {}):
        answer = await api.post(path, json=sent)
        assert (answer.status, (await answer.json())["code"]) == (501, "feature_unavailable")


async def test_sign_in_begins_with_a_url(federated_service: Federated) -> None:
    """The response has the URL for the chosen provider, and the domain is not called."""
    body = {**BEGIN, "provider": "Google", "nonce": "n1"}

    answer = await federated_service.api.post("/api/auth/federated", json=body)

    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    (url,) = (await answer.json()).values()
    query = parse_qs(urlsplit(url).query)
    assert (query["identity_provider"], query["nonce"]) == (["Google"], ["n1"])
    assert query["state"] == ["xyz"]
    assert federated_service.domain.received == []


async def test_refresh_token_of_a_federated_sign_in_is_in_the_cookie(
    start: Start, memory: Adapters
) -> None:
    """A page has the same cookie as after a log-in, and no refresh token in the body."""
    async with scripted_domain() as domain:
        domain.body = json.dumps(token_response(POOL)).encode()
        async with federation_port(federated(domain), POOL) as port:
            provider = replace(memory.identity_provider, federation=port)
            adapters = replace(memory, identity_provider=provider)
            cookie = {"auth": {"refresh-cookie": "browsers"}}
            api = await start(domain_settings(domain), cookie, adapters=adapters)
            answer = await api.post(
                "/api/auth/federated/tokens",
                json=COMPLETE,
                headers={"Sec-Fetch-Site": "same-origin"},
            )

    assert answer.status == 200
    assert "refreshToken" not in await answer.json()
    assert answer.headers["Set-Cookie"].startswith("__Secure-refresh=")


async def test_sign_out_begins_with_a_url(federated_service: Federated) -> None:
    """The response has the URL that ends the session of the domain."""
    answer = await federated_service.api.post(
        "/api/auth/federated/logout", json={"redirectUri": OTHER_CALLBACK}
    )

    assert answer.status == 200
    query = parse_qs(urlsplit((await answer.json())["url"]).query)
    assert query == {"client_id": [CLIENT], "logout_uri": [OTHER_CALLBACK]}


FOREIGN_URIS = (
    "https://evil.example/signed-in",
    f"{CALLBACK}/",
    f"{CALLBACK}?x=1",
    f"{CALLBACK}#x",
    CALLBACK.upper(),
    f" {CALLBACK}",
    f"{CALLBACK} {OTHER_CALLBACK}",
    "https://app.example.com@evil.example/signed-in",
    "",
    "\u0000",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("uri", [*FOREIGN_URIS, None, 7, [CALLBACK]])
async def test_foreign_redirect_uri_is_refused(
    federated_service: Federated, path: str, uri: object
) -> None:
    """A redirect URI is exactly one of the configured ones."""
    body = {**PATHS[path], "redirectUri": uri}

    assert await _wrong_fields(federated_service.api, path, body) == (422, {"redirectUri"})
    assert federated_service.domain.received == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("codeChallenge", "c" * 42),
        ("codeChallenge", "c" * 44),
        ("codeChallenge", "c" * 42 + "="),
        ("codeChallenge", "c" * 42 + "\n"),
        ("codeChallenge", "c" * 43 + "\n"),
        ("codeChallenge", None),
        ("state", ""),
        ("state", "a b"),
        ("state", "a\r\nb"),
        ("state", "é"),
        ("state", "x" * 1_025),
        ("provider", "Facebook"),
        ("provider", "google"),
        ("provider", ""),
        ("nonce", "a b"),
        ("nonce", "x" * 513),
        ("codeChallengeMethod", "plain"),
    ],
)
async def test_wrong_member_of_a_beginning_is_refused(
    federated_service: Federated, name: str, value: object
) -> None:
    """Challenge, state, provider and nonce are bounded, and there is no other member."""
    body = {**BEGIN, name: value}

    assert await _wrong_fields(federated_service.api, "/api/auth/federated", body) == (422, {name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("code", ""),
        ("code", "a b"),
        ("code", "x" * 2_049),
        ("codeVerifier", "v" * 42),
        ("codeVerifier", "v" * 129),
        ("codeVerifier", "v" * 42 + "+"),
        ("codeVerifier", "v" * 43 + "\n"),
        ("nonce", ""),
        ("clientId", "another"),
    ],
)
async def test_wrong_member_of_a_completion_is_refused(
    federated_service: Federated, name: str, value: object
) -> None:
    """Code, verifier and nonce are bounded, and there is no other member."""
    path, body = "/api/auth/federated/tokens", {**COMPLETE, name: value}

    assert await _wrong_fields(federated_service.api, path, body) == (422, {name})
    assert federated_service.domain.received == []


async def test_code_is_exchanged_for_tokens(federated_service: Federated) -> None:
    """The tokens have the form of a login's, and the security event has the sub."""
    with capture_logs() as logs:
        answer = await federated_service.api.post("/api/auth/federated/tokens", json=COMPLETE)

    content = token_response(POOL)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert await answer.json() == {
        "userId": SUB,
        "idToken": content["id_token"],
        "accessToken": content["access_token"],
        "refreshToken": "refresh",
        "tokenType": "Bearer",
        "expiresIn": 3_600,
    }
    (event,) = (line for line in logs if line["event"] == "signed_in")
    assert event["sub"] == SUB
    assert "the-code" not in str(logs)


async def test_refused_code_is_not_sent_again(federated_service: Federated) -> None:
    """A code that the domain refuses is 400, with the security event of a refused sign-in."""
    domain = federated_service.domain
    domain.status, domain.body = 400, b'{"error":"invalid_grant"}'

    with capture_logs() as logs:
        answer = await federated_service.api.post("/api/auth/federated/tokens", json=COMPLETE)

    assert (answer.status, (await answer.json())["code"]) == (400, "authorization_code_invalid")
    assert len(domain.forms) == 1
    (event,) = (line for line in logs if line["event"] == "sign_in_refused")
    assert event["code"] == "authorization_code_invalid"
