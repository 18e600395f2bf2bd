"""
No secret is ever printed: every secret field holds a canary, in all calls and with all faults.

Responses to the callers are not checked here, except that refusals do not echo secrets.
"""

import functools
import io
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, Literal

import aiohttp
import jwt
import pytest

from service.api.middlewares.refresh_cookie import NAME
from service.app import aws_adapters, create_app
from service.config.loader import Settings
from service.config.settings import Config, LogConfig
from service.observability import logs
from tests.authentication.trusting import json_key_set
from tests.support.access_token_signer import AccessTokenSigner
from tests.support.alb_token_signer import CLIENT, ISSUER
from tests.support.cognito_answers import USER_ID, default_answer
from tests.support.cognito_shapes import service_model
from tests.support.configs import CREDENTIALS, configured
from tests.support.process_state import restored
from tests.support.scripted_cognito import (
    CLOSED,
    CUT_SHORT,
    GARBAGE,
    ScriptedCognito,
    Step,
    echoing,
    raw,
    resetting,
    scripted_cognito,
    success,
)
from tests.support.scripted_domain import (
    CALLBACK,
    domain_settings,
    id_token,
    scripted_domain,
    token_response,
)
from tests.support.scripted_key_server import key_endpoint, ok
from tests.support.serving import served

pytestmark = pytest.mark.usefixtures("short_pauses")

CANARY: Final = "c4n4ry"
ID_TOKEN: Final = jwt.encode({"sub": "the-sub", "x": CANARY}, CANARY * 8, algorithm="HS256")
# Base64 hides a canary; the tokens' own texts are looked for beside it.
HIDDEN: Final = (CANARY, ID_TOKEN.rpartition(".")[0])


@dataclass(frozen=True)
class Call:
    """A call of the service whose every secret is a canary, and the calls of Cognito that it makes."""

    method: str
    path: str
    operations: tuple[str, ...]
    body: Mapping[str, object] | None = None
    signed_in: bool = False
    by_page: bool = False  # with the refresh token in a cookie


def _challenge(name: str, **answer: object) -> Call:
    body = {"name": name, "session": _secret("session"), "username": "alice", "answer": answer}
    return Call("POST", "/api/auth/challenge", ("RespondToAuthChallenge",), body)


def _secret(name: str) -> str:
    return f"{CANARY}{name}{'x' * 20}"


PASSWORD = _secret("password")
CODE = _secret("code")
METADATA = {"locale": _secret("metadata")}
DEVICE_KEY = f"{CANARY}_0-1"
CREDENTIAL = {"id": _secret("id"), "response": {"signature": _secret("signature")}}
CALLS: Final = (
    Call(
        "POST",
        "/api/auth/signup",
        ("SignUp",),
        {"username": "alice", "password": PASSWORD, "metadata": METADATA},
    ),
    Call(
        "POST",
        "/api/auth/confirm",
        ("ConfirmSignUp", "InitiateAuth", "ConfirmDevice"),
        {"username": "alice", "code": CODE, "session": _secret("session"), "metadata": METADATA},
    ),
    Call("POST", "/api/auth/resend", ("ResendConfirmationCode",), {"username": "alice"}),
    Call(
        "POST",
        "/api/auth/login",
        ("InitiateAuth", "ConfirmDevice"),
        {"username": "alice", "password": PASSWORD},
    ),
    Call("POST", "/api/auth/login", ("InitiateAuth",), {"username": "alice"}),
    _challenge("CUSTOM_CHALLENGE", code=CODE),
    _challenge("EMAIL_OTP", code=CODE),
    _challenge("NEW_PASSWORD_REQUIRED", newPassword=PASSWORD),
    _challenge("PASSWORD", password=PASSWORD),
    _challenge("SELECT_CHALLENGE", choice="PASSWORD", password=PASSWORD),
    _challenge("WEB_AUTHN", credential=CREDENTIAL),
    Call(
        "POST",
        "/api/auth/challenge",
        ("AssociateSoftwareToken",),
        {
            "name": "MFA_SETUP",
            "session": _secret("session"),
            "username": "alice",
            "answer": {"choice": "SOFTWARE_TOKEN_MFA"},
        },
    ),
    Call(
        "POST",
        "/api/auth/challenge",
        ("VerifySoftwareToken", "RespondToAuthChallenge"),
        {
            "name": "MFA_SETUP",
            "session": _secret("session"),
            "username": "alice",
            "answer": {"code": "123456"},
        },
    ),
    Call(
        "POST",
        "/api/auth/refresh",
        ("GetTokensFromRefreshToken",),
        {"refreshToken": _secret("refresh"), "deviceKey": DEVICE_KEY},
    ),
    Call("POST", "/api/auth/logout", ("RevokeToken",), {"refreshToken": _secret("refresh")}),
    Call(
        "POST",
        "/api/auth/login",
        ("InitiateAuth",),
        {"username": "alice", "password": PASSWORD},
        by_page=True,
    ),
    Call("POST", "/api/auth/refresh", ("GetTokensFromRefreshToken",), by_page=True),
    Call("POST", "/api/auth/logout", ("RevokeToken",), by_page=True),
    Call("POST", "/api/auth/logout", ("GlobalSignOut",), {"everywhere": True}, signed_in=True),
    Call("POST", "/api/auth/password/forgot", ("ForgotPassword",), {"username": "alice"}),
    Call(
        "POST",
        "/api/auth/password/reset",
        ("ConfirmForgotPassword",),
        {"username": "alice", "code": CODE, "password": PASSWORD},
    ),
    Call(
        "POST",
        "/api/auth/password/change",
        ("ChangePassword",),
        {"currentPassword": PASSWORD, "newPassword": _secret("new")},
        signed_in=True,
    ),
    Call(
        "POST",
        "/api/auth/password/change",
        ("ListUserSessions", "ChangePassword"),
        {"currentPassword": PASSWORD, "newPassword": _secret("new"), "signOutOthers": True},
        signed_in=True,
    ),
    Call("GET", "/api/auth/me", ("GetUser",), signed_in=True),
    Call(
        "PATCH",
        "/api/auth/me",
        ("UpdateUserAttributes", "DeleteUserAttributes"),
        {"attributes": {"name": "x", "nickname": None}},
        signed_in=True,
    ),
    Call("DELETE", "/api/auth/me", ("GetUser", "DeleteUser"), signed_in=True),
    Call(
        "POST",
        "/api/auth/me/verification",
        ("GetUserAttributeVerificationCode",),
        {"attribute": "email"},
        signed_in=True,
    ),
    Call(
        "POST",
        "/api/auth/me/verification/confirm",
        ("VerifyUserAttribute",),
        {"attribute": "email", "code": CODE},
        signed_in=True,
    ),
    Call("GET", "/api/auth/mfa", ("GetUserAuthFactors",), signed_in=True),
    Call(
        "PUT",
        "/api/auth/mfa",
        ("GetUserAuthFactors", "SetUserMFAPreference"),
        {"enabled": []},
        signed_in=True,
    ),
    Call("POST", "/api/auth/mfa/totp", ("GetUser", "AssociateSoftwareToken"), signed_in=True),
    Call(
        "POST",
        "/api/auth/mfa/totp/verify",
        ("VerifySoftwareToken",),
        {"code": "123456"},
        signed_in=True,
    ),
    Call("GET", "/api/auth/passkeys", ("ListWebAuthnCredentials",), signed_in=True),
    Call("POST", "/api/auth/passkeys/options", ("StartWebAuthnRegistration",), {}, signed_in=True),
    Call(
        "POST",
        "/api/auth/passkeys",
        ("CompleteWebAuthnRegistration",),
        {"credential": CREDENTIAL},
        signed_in=True,
    ),
    Call("DELETE", "/api/auth/passkeys/some-id", ("DeleteWebAuthnCredential",), signed_in=True),
    Call("GET", "/api/auth/sessions", ("ListUserSessions",), signed_in=True),
    Call("DELETE", "/api/auth/sessions", ("ListUserSessions",), signed_in=True),
    Call(
        "DELETE",
        "/api/auth/sessions/tkn0000000000000000000000002",
        ("RevokeUserSession",),
        signed_in=True,
    ),
)
ECHO: Final = raw(f"<html>{CANARY}</html>".encode(), status=500, content_type="text/html")
LIE: Final = raw(json.dumps({"Session": CANARY, "x": CANARY}).encode())
FAULTS: Final[tuple[Step, ...]] = (CLOSED, CUT_SHORT, GARBAGE, resetting, ECHO, LIE)


def _steps(operation: str) -> Iterator[Step]:
    """Yield every documented exception, whose message echoes the request, and every fault."""
    for shape in service_model().operation_model(operation).error_shapes:
        yield echoing(shape.name)
    yield from FAULTS


@pytest.fixture(params=["json", "console"])
def printed(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Collect all output, with the log at level debug."""
    form: Literal["json", "console"] = request.param
    stream = io.StringIO()
    with restored(), pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        patched.setattr(sys, "stderr", stream)
        logs.configure(LogConfig("debug", form), stream)
        yield stream


async def test_no_secret_is_printed(config: Config, printed: io.StringIO) -> None:
    """Every call, with success and with each exception and fault of each of its calls of Cognito."""
    made = 0
    async with AsyncExitStack() as stack:
        cognito = await stack.enter_async_context(scripted_cognito())
        pool = AccessTokenSigner()
        service = await _service(stack, config, cognito, pool)
        now = int(time.time())  # noqa: TID251 -- the service reads the machine's clock
        token = pool.mint({"sub": USER_ID, "x": CANARY, "iat": now, "exp": now + 3_600})
        for call in CALLS:
            _answer_with_canaries(cognito)
            statuses = [await _made(service, call, token)]
            for operation in call.operations:
                for step in _steps(operation):
                    _answer_with_canaries(cognito)
                    cognito.answers(operation, step)
                    statuses.append(await _made(service, call, token))
            assert statuses[0] < 300, (call, statuses[0])
            made += len(statuses)
            cognito.check()
    text = printed.getvalue()
    assert text.count("request_finished") == made > 600
    assert [secret for secret in (*HIDDEN, token.rpartition(".")[0]) if secret in text] == []


async def test_no_secret_of_a_federated_sign_in_is_printed(
    config: Config, printed: io.StringIO
) -> None:
    """The code, the verifier, the nonce and the tokens, with each answer of the token endpoint."""
    exchange = {
        "code": _secret("code"),
        "redirectUri": CALLBACK,
        "codeVerifier": _secret("verifier") + "v" * 20,
        "nonce": _secret("nonce"),
    }
    begin = {"redirectUri": CALLBACK, "codeChallenge": "c" * 43, "state": _secret("state")}
    async with AsyncExitStack() as stack:
        cognito = await stack.enter_async_context(scripted_cognito())
        domain = await stack.enter_async_context(scripted_domain())
        pool = AccessTokenSigner()
        now = int(time.time())  # noqa: TID251 -- the service reads the machine's clock
        times = {"iat": now, "exp": now + 3_600, "x": CANARY}
        issued = token_response(
            pool,
            id_token=id_token(pool, nonce=exchange["nonce"], **times),
            access_token=pool.mint(times),
            refresh_token=_secret("refresh"),
        )
        foreign = {**issued, "id_token": id_token(pool, aud="another", **times)}
        refusals = [
            (status, {"error": error, "error_description": CANARY})
            for status in (400, 401, 403, 429, 500)
            for error in ("invalid_grant", "invalid_client", CANARY)
        ]
        service = await _service(stack, config, cognito, pool, domain_settings(domain))
        statuses = [await _made(service, Call("POST", "/api/auth/federated", (), begin), "")]
        for status, content in [(200, issued), (200, foreign), (200, {"x": CANARY}), *refusals]:
            domain.status, domain.body = status, json.dumps(content).encode()
            call = Call("POST", "/api/auth/federated/tokens", (), exchange)
            statuses.append(await _made(service, call, ""))
        domain.close = True
        statuses.append(await _made(service, call, ""))
    text = printed.getvalue()
    assert statuses[:2] == [200, 200]
    assert all(status >= 400 for status in statuses[2:])
    tokens = (issued["id_token"], issued["access_token"], foreign["id_token"])
    hidden = (CANARY, *(token.rpartition(".")[0] for token in tokens))
    assert text.count("request_finished") == len(statuses)
    assert [secret for secret in hidden if secret in text] == []


async def _service(
    stack: AsyncExitStack,
    config: Config,
    cognito: ScriptedCognito,
    pool: AccessTokenSigner,
    *more: Settings,
) -> aiohttp.ClientSession:
    """Start the service in front of *cognito*, with a client secret that is a canary as well."""
    keys = await stack.enter_async_context(key_endpoint())
    keys.answers["jwks.json"] = ok(json_key_set(pool.jwk))
    settings = configured(
        {
            "aws.cognito": {
                "endpoint-url": cognito.url,
                "client-secret": CANARY,
                "user-pool-id": config.cognito.user_pool_id,
                "client-id": CLIENT,
                "issuers": ISSUER,
                "jwks-url": f"{keys.url}jwks.json",
            },
            "aws.dynamodb": {
                "endpoint-url": config.dynamodb.endpoint_url or "",
                "user-profile-table": config.dynamodb.user_profile_table,
            },
            "auth": {
                "answer-floor-ms": "0",
                "client-metadata": "locale",
                "refresh-cookie": "browsers",
            },
            "limits": dict.fromkeys(OFF, "0"),
            "log": {"hash-key": _secret("hashkey")},
        },
        *more,
    )
    app = create_app(settings, functools.partial(aws_adapters, credentials=CREDENTIALS))
    url = await stack.enter_async_context(served(app, settings.server))
    return await stack.enter_async_context(aiohttp.ClientSession(url))


def _answer_with_canaries(cognito: ScriptedCognito) -> None:
    """Let every call succeed, with canaries for the secrets that Cognito gives, and new devices."""
    for operation in service_model().operation_names:
        answer = default_answer(operation)
        if answer is not None:
            cognito.answers(operation, success(_with_canaries(answer)))


def _with_canaries(value: Any) -> Any:  # noqa: ANN401 -- any part of an answer
    if not isinstance(value, Mapping):
        return value
    device = {"NewDeviceMetadata": {"DeviceKey": DEVICE_KEY}} if "IdToken" in value else {}
    changed = {name: SECRETS.get(name, _with_canaries(entry)) for name, entry in value.items()}
    return changed | device


SECRETS: Final = {
    "AccessToken": _secret("access"),
    "IdToken": ID_TOKEN,
    "RefreshToken": _secret("refresh"),
    "SecretCode": _secret("totp"),
    "Session": _secret("session"),
}
OFF: Final = (
    "sign-in-per-s",
    "sign-up-per-s",
    "recovery-per-s",
    "token-per-s",
    "read-per-s",
    "update-per-s",
    "address-burst",
    "account-burst",
    "confirm-per-h",
    "resend-per-h",
    "forgot-per-h",
    "reset-per-h",
    "lockout-after",
)


async def _made(service: aiohttp.ClientSession, call: Call, token: str) -> int:
    """Make a call; no refusal has a secret, and no body for a page has a refresh token."""
    headers = {"Authorization": f"Bearer {token}"} if call.signed_in else {}
    if call.by_page:
        headers |= {"Sec-Fetch-Site": "same-origin"}
        if call.body is None:
            headers |= {"Cookie": f"{NAME}={_secret('refresh')}:{DEVICE_KEY}"}
    async with service.request(call.method, call.path, json=call.body, headers=headers) as answer:
        text = await answer.text()
        assert not call.by_page or _secret("refresh") not in text
        if answer.status >= 400:
            assert [secret for secret in HIDDEN if secret in text] == [], (call, text)
        return answer.status
