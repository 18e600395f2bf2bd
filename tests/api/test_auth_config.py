"""The sign-up and sign-in options of a deployment."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service.api import keys
from service.api.handlers import auth_config
from service.api.schemas.auth_config import OfferSchema
from service.config.loader import Settings
from tests.support.configs import configured

EVERYTHING: Settings = {
    "aws.cognito": {"client-secret": "s3cr3t-of-the-client", "send-client-address": "true"},
    "auth": {
        "uniform-signup": "true",
        "writable-attributes": "name email",
        "client-metadata": "locale app",
        "refresh-cookie": "true",
    },
    "auth-config": {
        "sign-up": "false",
        "flows": "USER_AUTH USER_PASSWORD_AUTH",
        "first-factors": "PASSWORD WEB_AUTHN",
        "mfa": "SMS_MFA EMAIL_OTP",
        "passkeys": "true",
        "passkey-relying-party-id": "example.com",
        "passkey-user-verification": "required",
        "sessions": "true",
        "password-min-length": "12",
        "password-requires": "digits",
    },
    "federation": {
        "domain": "login.example.com",
        "providers": "Google COGNITO",
        "redirect-uris": "https://app.example.com/in http://localhost:3000",
    },
}


async def _offer(*settings: Settings) -> Any:  # noqa: ANN401 -- JSON
    app = web.Application()
    app[keys.CONFIG] = configured(*settings)
    app.router.add_get("/api/auth/config", auth_config.show.call)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/api/auth/config")
        assert (answer.status, answer.content_type) == (200, "application/json")
        return await answer.json()


async def test_defaults_are_those_of_a_new_pool() -> None:
    """By default the options are a user name and a password with Cognito's default rules."""
    assert await _offer() == {
        "signUp": {
            "enabled": True,
            "uniform": False,
            "attributes": list(configured().auth.writable_attributes),
            "passwordless": False,
        },
        "flows": ["USER_PASSWORD_AUTH"],
        "firstFactors": [],
        "mfa": ["SOFTWARE_TOKEN_MFA"],
        "passkeys": False,
        "metadata": [],
        "sessions": False,
        "refreshCookie": False,
        "password": {
            "minLength": 8,
            "requires": ["lowercase", "uppercase", "digits", "symbols"],
        },
    }


async def test_options_follow_the_settings() -> None:
    """Each member of the response follows its setting, and there are no others."""
    assert await _offer(EVERYTHING) == {
        "signUp": {
            "enabled": False,
            "uniform": True,
            "attributes": ["name", "email"],
            "passwordless": False,
        },
        "flows": ["USER_AUTH", "USER_PASSWORD_AUTH"],
        "firstFactors": ["PASSWORD", "WEB_AUTHN"],
        "mfa": ["SMS_MFA", "EMAIL_OTP"],
        "passkeys": True,
        "metadata": ["locale", "app"],
        "sessions": True,
        "webAuthn": {
            "relyingPartyId": "example.com",
            "userVerification": "required",
            "secondFactor": False,
        },
        "refreshCookie": True,
        "password": {"minLength": 12, "requires": ["digits"]},
        "federation": {
            "providers": ["Google", "COGNITO"],
            "redirectUris": ["https://app.example.com/in", "http://localhost:3000"],
        },
    }


@pytest.mark.parametrize(
    ("factors", "passwordless"),
    [("EMAIL_OTP", True), ("PASSWORD SMS_OTP", True), ("PASSWORD WEB_AUTHN", False)],
)
async def test_one_time_codes_make_the_password_optional(
    factors: str, *, passwordless: bool
) -> None:
    """A sign-up needs no password where a one-time code is one of the first factors."""
    offer = await _offer({"auth-config": {"first-factors": factors}})

    assert offer["signUp"]["passwordless"] is passwordless


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"userVerification": "preferred", "secondFactor": False}),
        (
            {"mfa": "SMS_MFA WEB_AUTHN_MFA", "passkey-user-verification": "required"},
            {"userVerification": "required", "secondFactor": True},
        ),
    ],
    ids=["first factor", "both factors"],
)
async def test_passkeys_are_described(
    settings: dict[str, str], expected: dict[str, object]
) -> None:
    """Front ends learn whether a passkey verifies the user, and whether it can be both factors."""
    offer = await _offer({"auth-config": {"passkeys": "true", **settings}})

    assert offer["webAuthn"] == expected


async def test_options_are_valid_by_their_schema() -> None:
    """The response is valid by the schema of the API document."""
    assert OfferSchema().validate(await _offer(EVERYTHING)) == {}
