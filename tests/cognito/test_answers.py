"""Cognito's responses become values of the domain; invalid responses are faults."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ParamValidationError
from structlog.testing import capture_logs
from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

from service.aws.clients import Clients
from service.cognito.adapters import identity_provider
from service.cognito.user_pool_client import UserPoolClient
from service.config.settings import CognitoConfig
from service.domain.accounts import Account, Delivery, NewAccount, SignedUp
from service.domain.errors import (
    CodeMismatch,
    FeatureUnavailable,
    InvalidFields,
    UpstreamFault,
)
from service.domain.identity_provider import IdentityProvider
from service.domain.mfa import EMAIL, SMS, TOTP, MfaPreferences
from service.domain.mfa import PASSKEY as PASSKEY_MFA
from service.domain.passkeys import Passkey
from service.domain.sessions import Challenge, Tokens
from tests.cognito.calls import ACCOUNT, CALLS, CLIENT, CODE, PASSWORD, TOKEN
from tests.support.cognito_answers import (
    CURRENT,
    PASSKEY,
    SESSION,
    TOTP_SECRET,
    USER_ID,
    id_token,
    tokens,
)
from tests.support.scripted_cognito import ScriptedCognito, raw, success

pytestmark = pytest.mark.asyncio(loop_scope="module")

POOL = "ap-south-1_AbCdEfGhI"
OTHER_ISSUER = "https://cognito-idp.ap-south-1.amazonaws.com/ap-south-1_other"
DELIVERED = Delivery("EMAIL", "a***@e***", "email")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {
                "UserConfirmed": False,
                "UserSub": USER_ID,
                "CodeDeliveryDetails": {
                    "DeliveryMedium": "EMAIL",
                    "Destination": "a***@e***",
                    "AttributeName": "email",
                },
            },
            SignedUp(USER_ID, confirmed=False, delivery=DELIVERED),
        ),
        (
            {"UserConfirmed": True, "UserSub": USER_ID},
            SignedUp(USER_ID, confirmed=True, delivery=None),
        ),
        (
            {"UserConfirmed": False, "UserSub": USER_ID, "CodeDeliveryDetails": {}},
            SignedUp(USER_ID, confirmed=False, delivery=Delivery("", "", "")),
        ),
    ],
    ids=["with a code", "confirmed at once", "with no details"],
)
async def test_new_account(
    answer: dict[str, Any],
    expected: SignedUp,
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """A sign-up returns the user id and the delivery of the code."""
    cognito.answers("SignUp", success(answer))

    assert await provider.registrations.sign_up(ACCOUNT, CLIENT) == expected


async def test_tokens(provider: IdentityProvider, cognito: ScriptedCognito) -> None:
    """Tokens are handed on; the user's id is their `sub`."""
    told = {**tokens()["AuthenticationResult"], "AccessToken": "another"}
    cognito.answers("InitiateAuth", success({"AuthenticationResult": told}))

    assert await CALLS["InitiateAuth"](provider) == Tokens(
        user_id=USER_ID,
        id_token=told["IdToken"],
        access_token="another",  # noqa: S106 -- of nobody
        refresh_token="a-refresh-token",  # noqa: S106 -- of nobody
        expires_in_s=3_600,
    )


async def test_missing_lifetime_is_that_of_the_access_token(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Without ExpiresIn the lifetime is computed from the claims of the access token."""
    told = {"IdToken": id_token(sub=USER_ID), "AccessToken": id_token(iat=1_000, exp=1_300)}
    cognito.answers("InitiateAuth", success({"AuthenticationResult": told}))

    signed_in = await CALLS["InitiateAuth"](provider)

    assert isinstance(signed_in, Tokens)
    assert signed_in.expires_in_s == 300


@pytest.mark.parametrize(
    ("issuers", "issuer"),
    [
        ((), f"https://cognito-idp.ap-south-1.amazonaws.com/{POOL}"),
        ((), OTHER_ISSUER),
        (("https://id.example.com",), "https://id.example.com"),
        (("https://id.example.com",), OTHER_ISSUER),
    ],
)
async def test_app_client_of_another_pool_is_logged_once(
    issuers: tuple[str, ...],
    issuer: str,
    client: Clients,
    app_client: CognitoConfig,
    cognito: ScriptedCognito,
) -> None:
    """Tokens of another pool are refused by all calls, so the first sign-in names the settings."""
    config = replace(app_client, user_pool_id=POOL, issuers=issuers)
    provider = identity_provider(client.cognito, config=config)
    result = {**tokens()["AuthenticationResult"], "IdToken": id_token(sub=USER_ID, iss=issuer)}
    cognito.answers("InitiateAuth", success({"AuthenticationResult": result}))

    with capture_logs() as lines:
        await CALLS["InitiateAuth"](provider)
        await CALLS["InitiateAuth"](provider)

    events = ["tokens_of_another_pool"] if issuer == OTHER_ISSUER else []
    assert [line["event"] for line in lines] == events
    assert all("AWS_COGNITO_USER_POOL_ID" in line["advice"] for line in lines)


@pytest.mark.parametrize("refresh_token", [None, "the-next-one"], ids=["kept", "rotated"])
async def test_refresh_token_is_new_only_where_it_rotates(
    refresh_token: str | None, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Where the pool rotates the caller gets the next refresh token, else none."""
    told = {"IdToken": id_token(sub=USER_ID), "AccessToken": "a", "ExpiresIn": 300}
    rotated = {} if refresh_token is None else {"RefreshToken": refresh_token}
    cognito.answers(
        "GetTokensFromRefreshToken", success({"AuthenticationResult": {**told, **rotated}})
    )

    refreshed = await provider.sessions.refresh("the-old-one")

    assert refreshed.refresh_token == refresh_token


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {
                "ChallengeName": "SELECT_CHALLENGE",
                "Session": SESSION,
                "ChallengeParameters": {"USERNAME": "alice"},
                "AvailableChallenges": ["PASSWORD_SRP", "PASSWORD", "WEB_AUTHN"],
            },
            Challenge(
                "SELECT_CHALLENGE", SESSION, {"USERNAME": "alice"}, ("PASSWORD", "WEB_AUTHN")
            ),
        ),
        ({"ChallengeName": "SMS_MFA"}, Challenge("SMS_MFA", None, {})),
    ],
    ids=["all there is", "the name alone"],
)
async def test_challenge_is_returned(
    answer: dict[str, Any],
    expected: Challenge,
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """A challenge is returned in Cognito's names, without choices that no answer here can follow."""
    cognito.answers("InitiateAuth", success(answer))

    assert await CALLS["InitiateAuth/begin"](provider) == expected


async def test_own_account(provider: IdentityProvider, cognito: ScriptedCognito) -> None:
    """An account has its attributes by name; one without a value is empty."""
    attributes = [{"Name": "sub", "Value": USER_ID}, {"Name": "nickname"}]
    cognito.answers("GetUser", success({"Username": "alice", "UserAttributes": attributes}))

    account = await provider.own_account.describe(TOKEN)

    assert account == Account(USER_ID, "alice", {"sub": USER_ID, "nickname": ""})


async def test_verification_returns_the_delivery(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Requesting a verification code returns its delivery."""
    assert await provider.own_account.send_verification(TOKEN, "email") == DELIVERED
    assert cognito.operations == ["GetUserAttributeVerificationCode"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, MfaPreferences((), None)),
        (
            {"UserMFASettingList": ["EMAIL_OTP", "SMS_MFA"], "PreferredMfaSetting": "EMAIL_OTP"},
            MfaPreferences((SMS, EMAIL), EMAIL),
        ),
        (
            {
                "UserMFASettingList": ["NEW_MFA", "SOFTWARE_TOKEN_MFA"],
                "PreferredMfaSetting": "NEW_MFA",
            },
            MfaPreferences((TOTP,), None),
        ),
        (
            {
                "UserMFASettingList": ["WEB_AUTHN_MFA", "SOFTWARE_TOKEN_MFA"],
                "PreferredMfaSetting": "SOFTWARE_TOKEN_MFA",
            },
            MfaPreferences((TOTP, PASSKEY_MFA), TOTP),
        ),
    ],
    ids=["none", "two", "one that is unknown", "passkey"],
)
async def test_factors(
    answer: dict[str, Any],
    expected: MfaPreferences,
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """Factors are returned in a fixed order; unknown ones are omitted."""
    cognito.answers("GetUserAuthFactors", success({"Username": "alice", **answer}))

    assert await provider.factors.preferences(TOKEN) == expected


async def test_secret_of_an_app(provider: IdentityProvider, cognito: ScriptedCognito) -> None:
    """An authenticator app's secret is handed on."""
    assert await provider.factors.associate_totp(TOKEN) == TOTP_SECRET
    assert cognito.operations == ["AssociateSoftwareToken"]


async def test_unsuccessful_app_is_a_wrong_code(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A status that is not SUCCESS does not set an app up."""
    cognito.answers("VerifySoftwareToken", success({"Status": "ERROR"}))

    with pytest.raises(CodeMismatch):
        await provider.factors.verify_totp(TOKEN, CODE, None)


async def test_passkeys_come_from_all_pages(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Passkeys are read page by page, up to the one that names no next."""
    second = {**PASSKEY, "CredentialId": "another", "AuthenticatorAttachment": "platform"}
    cognito.answers(
        "ListWebAuthnCredentials",
        success({"Credentials": [PASSKEY], "NextToken": "page-2"}),
        success({"Credentials": [], "NextToken": "page-3"}),
        success({"Credentials": [second]}),
    )

    found = await provider.passkeys.registered(TOKEN)

    created_at = datetime.fromtimestamp(PASSKEY["CreatedAt"], UTC)
    phone = ("A phone", "example.com")
    assert found == (
        Passkey("a-credential", *phone, None, ("internal",), created_at),
        Passkey("another", *phone, "platform", ("internal",), created_at),
    )
    assert [request.arguments.get("NextToken") for request in cognito.received] == [
        None,
        "page-2",
        "page-3",
    ]


async def test_passkey_options_are_handed_on(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A browser's options are Cognito's, whatever is in them."""
    options = {"challenge": "abc", "rp": {"id": "example.com"}, "timeout": 60_000}
    cognito.answers("StartWebAuthnRegistration", success({"CredentialCreationOptions": options}))

    assert await provider.passkeys.registration_options(TOKEN) == options


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("SignUp", {}),
        ("SignUp", {"UserConfirmed": True}),
        ("SignUp", {"UserSub": USER_ID}),
        ("InitiateAuth", {}),
        ("InitiateAuth", {"AuthenticationResult": {}}),
        ("InitiateAuth", {"AuthenticationResult": {"AccessToken": "a", "ExpiresIn": 300}}),
        ("InitiateAuth", {"AuthenticationResult": {"IdToken": "none", "AccessToken": "a"}}),
        (
            "InitiateAuth",
            {"AuthenticationResult": {"IdToken": id_token(sub=USER_ID), "AccessToken": "a"}},
        ),
        (
            "InitiateAuth",
            {"AuthenticationResult": dict.fromkeys(("IdToken", "AccessToken"), id_token(sub="a"))},
        ),
        (
            "InitiateAuth",
            {"AuthenticationResult": {"IdToken": id_token(), "AccessToken": "a", "ExpiresIn": 300}},
        ),
        (
            "InitiateAuth",
            {
                "AuthenticationResult": dict.fromkeys(
                    ("IdToken", "AccessToken"), id_token(sub=USER_ID, iat=1_000, exp="soon")
                )
            },
        ),
        ("InitiateAuth", {"AuthenticationResult": []}),
        ("InitiateAuth", {"ChallengeName": "SMS_MFA", "ChallengeParameters": []}),
        ("GetTokensFromRefreshToken", {}),
        ("GetUser", {}),
        ("GetUser", {"Username": "alice", "UserAttributes": []}),
        ("GetUser", {"Username": "alice", "UserAttributes": [{"Value": "a"}]}),
        ("GetUser", {"Username": "alice", "UserAttributes": ["sub"]}),
        ("GetUser", {"UserAttributes": [{"Name": "sub", "Value": USER_ID}]}),
        ("GetUser", {"Username": "alice", "UserAttributes": [None]}),
        ("GetUser", {"Username": {}, "UserAttributes": [{"Name": "sub", "Value": USER_ID}]}),
        ("GetUser", {"Username": "alice", "UserAttributes": [{"Name": [], "Value": USER_ID}]}),
        ("SignUp", {"UserConfirmed": 1, "UserSub": USER_ID}),
        ("GetUserAttributeVerificationCode", {}),
        ("AssociateSoftwareToken", {}),
        ("VerifySoftwareToken", {}),
        ("StartWebAuthnRegistration", {}),
        ("ListWebAuthnCredentials", {}),
        ("ListWebAuthnCredentials", {"Credentials": [{}]}),
        ("ListWebAuthnCredentials", {"Credentials": [None]}),
        ("ListUserSessions", {"Sessions": [{**CURRENT, "SessionType": 5}]}),
        ("ListUserSessions", {"Sessions": [{**CURRENT, "LastLocation": {"City": []}}]}),
        ("ListWebAuthnCredentials", {"Credentials": [{**PASSKEY, "CreatedAt": "soon"}]}),
    ],
)
async def test_answer_without_what_it_must_hold_is_a_fault(
    call: str, body: dict[str, Any], provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """An answer that is not as documented is the upstream's fault, not a defect of ours."""
    cognito.answers(call, raw(json.dumps(body).encode()))

    with pytest.raises(UpstreamFault):
        await CALLS[call](provider)


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"<html>a proxy</html>", b"", b"\xff"])
@pytest.mark.parametrize(
    "call",
    ["SignUp", "InitiateAuth", "GetTokensFromRefreshToken", "GetUser", "AssociateSoftwareToken"],
)
async def test_page_in_place_of_a_response_is_a_fault(
    call: str, body: bytes, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A proxy's page is not a valid response, even with status 200."""
    cognito.answers(call, raw(body))

    with pytest.raises(UpstreamFault):
        await CALLS[call](provider)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda to: to.registrations.sign_up(NewAccount("", PASSWORD), CLIENT), "username"),
        (lambda to: to.registrations.confirm("", CODE, CLIENT), "username"),
        (lambda to: to.own_account.verify(TOKEN, "", CODE), "attribute"),
    ],
    ids=["user name", "user name of a confirmation", "attribute"],
)
async def test_value_that_botocore_rejects_is_a_wrong_field(
    call: Callable[[IdentityProvider], Awaitable[object]],
    field: str,
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """A value outside Cognito's service model is InvalidFields; nothing is sent."""
    with pytest.raises(InvalidFields) as raised:
        await call(provider)

    assert [problem.field for problem in raised.value.problems] == [field]
    assert isinstance(raised.value.__cause__, ParamValidationError)
    assert cognito.operations == []


class OlderClient:
    """A client of a botocore without the operations."""


@pytest.mark.parametrize("call", CALLS)
async def test_operation_that_botocore_lacks_is_unavailable(
    call: str, app_client: CognitoConfig
) -> None:
    """An operation that the installed botocore lacks is FeatureUnavailable."""
    older = cast("CognitoIdentityProviderClient", OlderClient())

    with pytest.raises(FeatureUnavailable):
        await CALLS[call](identity_provider(older, config=app_client))


@pytest.mark.parametrize("operation", ["ListUserSessions", "RevokeUserSession"])
async def test_newer_operation_is_unavailable(operation: str, app_client: CognitoConfig) -> None:
    """So is one that the adapter has no use of yet."""
    older = cast("CognitoIdentityProviderClient", OlderClient())

    with pytest.raises(FeatureUnavailable):
        await UserPoolClient(older, config=app_client).call(operation, AccessToken=TOKEN)
