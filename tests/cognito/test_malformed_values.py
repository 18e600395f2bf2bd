"""Malformed tokens and sessions are the same errors as unknown ones; codes are wrong fields."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import pytest

from service.domain.errors import (
    ChallengeExpired,
    InvalidFields,
    InvalidParameter,
    Misconfigured,
    PasskeyNotFound,
    RefreshTokenInvalid,
    ServiceError,
    TokenInvalid,
)
from service.domain.identity_provider import IdentityProvider
from service.domain.mfa import TOTP
from service.domain.sessions import ChallengeAnswer
from tests.cognito.calls import (
    CALLS,
    CLIENT,
    CODE,
    NEW_PASSWORD,
    TOKEN,
    USERNAME,
    operation_of,
)
from tests.support.cognito_answers import SESSION
from tests.support.scripted_cognito import ScriptedCognito, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKENS: Final = (
    "ab/c+d",
    "a b",
    " a",
    "a\n",
    "a~b",
    "\u00e9",
    "\x00",
    "a" * 16_000 + "/",
    "\U0001f600",
)
SESSIONS: Final = ("a", "a" * 19, "a" * 2_049, "a" * 16_384, " " * 19)


CODES: Final = ("", "1 2", "1" * 2_049)
TOTP_CODES: Final = ("12345", "1234567", "abcdef", "\u0661" * 6)
# The error, the malformed values, and the call with one.
KINDS: Final[
    Mapping[
        str,
        tuple[
            type[ServiceError],
            tuple[str, ...],
            Callable[[IdentityProvider, str], Awaitable[object]],
        ],
    ]
] = {
    "refresh token": (RefreshTokenInvalid, TOKENS, lambda to, value: to.sessions.refresh(value)),
    "key of a device": (
        RefreshTokenInvalid,
        ("undefined", "us east_1", "us-east-1_XYZ", "a_" + "0" * 54, "us-east-1_0\n"),
        lambda to, value: to.sessions.refresh(TOKEN, value),
    ),
    "access token": (TokenInvalid, TOKENS, lambda to, value: to.own_account.describe(value)),
    "access token for an app": (
        TokenInvalid,
        TOKENS,
        lambda to, value: to.factors.associate_totp(value),
    ),
    "session of a code": (
        ChallengeExpired,
        SESSIONS,
        lambda to, value: _answer(to, "SMS_MFA", value, code=CODE),
    ),
    "session of an app": (
        ChallengeExpired,
        SESSIONS,
        lambda to, value: _answer(to, "MFA_SETUP", value, choice=TOTP),
    ),
    "session of an app's code": (
        ChallengeExpired,
        SESSIONS,
        lambda to, value: _answer(to, "MFA_SETUP", value, code=CODE),
    ),
    "session of a new password": (
        ChallengeExpired,
        SESSIONS,
        lambda to, value: _answer(to, "NEW_PASSWORD_REQUIRED", value, new_password=NEW_PASSWORD),
    ),
    "code of an app": (
        InvalidFields,
        TOTP_CODES,
        lambda to, value: to.factors.verify_totp(TOKEN, value, None),
    ),
    "code of an app in a sign-in": (
        InvalidFields,
        TOTP_CODES,
        lambda to, value: _answer(to, "MFA_SETUP", SESSION, code=value),
    ),
    "code of a confirmation": (
        InvalidFields,
        CODES,
        lambda to, value: to.registrations.confirm(USERNAME, value, CLIENT),
    ),
    "code of a reset": (
        InvalidFields,
        CODES,
        lambda to, value: to.passwords.reset(USERNAME, value, NEW_PASSWORD, CLIENT),
    ),
    "code of an address": (
        InvalidFields,
        CODES,
        lambda to, value: to.own_account.verify(TOKEN, "email", value),
    ),
    "id of a passkey": (
        PasskeyNotFound,
        ("a" * 131_073,),
        lambda to, value: to.passkeys.remove(TOKEN, value),
    ),
}


async def _answer(to: IdentityProvider, name: str, session: str, **answer: Any) -> object:  # noqa: ANN401 -- fields of a ChallengeAnswer
    return await to.sessions.answer(ChallengeAnswer(name, session, USERNAME, **answer), CLIENT)


@pytest.mark.parametrize("kind", KINDS)
async def test_malformed_value_is_refused_like_an_unknown_one(
    kind: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A value that Cognito cannot have issued is refused without a call."""
    expected, values, call = KINDS[kind]
    for value in values:
        with pytest.raises(expected) as raised:
            await call(provider, value)

        assert raised.value.public_detail == expected.detail
    assert cognito.operations == []


@pytest.mark.parametrize("token", TOKENS)
async def test_malformed_refresh_token_is_revoked_already(
    token: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Revoking a malformed token is no error, as for an unknown one."""
    await provider.sessions.revoke(token)

    assert cognito.operations == []


CONSTRAINT: Final = (
    "1 validation error detected: Value at '{}' failed to satisfy constraint: Member must satisfy "
    "regular expression pattern: [A-Za-z0-9-_=.]+"
)


@pytest.mark.parametrize(
    ("call", "member", "expected"),
    [
        ("GetTokensFromRefreshToken", "refreshToken", RefreshTokenInvalid),
        ("GetUser", "accessToken", TokenInvalid),
        ("GlobalSignOut", "accessToken", TokenInvalid),
        ("RespondToAuthChallenge", "session", ChallengeExpired),
        ("AssociateSoftwareToken/session", "session", ChallengeExpired),
        ("VerifySoftwareToken/session", "session", ChallengeExpired),
        ("VerifySoftwareToken", "userCode", InvalidFields),
        ("ConfirmSignUp", "confirmationCode", InvalidFields),
        ("VerifyUserAttribute", "code", InvalidFields),
        ("DeleteWebAuthnCredential", "credentialId", PasskeyNotFound),
        ("InitiateAuth", "clientId", Misconfigured),
        ("RespondToAuthChallenge", "challengeResponses", InvalidFields),
        ("GetUser", "", InvalidParameter),
    ],
)
async def test_value_that_cognito_finds_malformed_is_named_by_its_message(
    call: str,
    member: str,
    expected: type[ServiceError],
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """Where Cognito has stricter limits than the installed model, its message selects the error."""
    message = CONSTRAINT.format(member)
    cognito.answers(operation_of(call), refusal("InvalidParameterException", message))

    with pytest.raises(expected) as raised:
        await CALLS[call](provider)

    assert type(raised.value) is expected


async def test_revocation_ignores_what_cognito_finds_malformed(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """RevokeToken with a malformed token is no error, whoever finds out."""
    refused = refusal("InvalidParameterException", CONSTRAINT.format("token"))
    cognito.answers("RevokeToken", refused)

    await CALLS["RevokeToken"](provider)


@pytest.mark.parametrize(
    "call",
    ["RespondToAuthChallenge", "AssociateSoftwareToken/session", "VerifySoftwareToken/session"],
)
async def test_session_that_moto_does_not_know_has_expired(
    call: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Moto answers with ResourceNotFoundException and the session as the message."""
    cognito.answers(operation_of(call), refusal("ResourceNotFoundException", SESSION))

    with pytest.raises(ChallengeExpired):
        await CALLS[call](provider)
