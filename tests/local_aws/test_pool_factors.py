"""A pool offers only the factors that Amazon Cognito lets it offer together."""

from typing import Any

import pytest

from tests.local_aws.conftest import CODES, LAMBDA, ROLE, SES, TOTP
from tests.local_aws.support import Harness, refusal, refusal_type

SMS: dict[str, Any] = {"SmsMfaConfiguration": CODES["SmsMfaConfiguration"]}
PASSKEYS: dict[str, Any] = {"WebAuthnConfiguration": {"RelyingPartyId": "example.com"}}


def _first(*factors: str) -> dict[str, Any]:
    return {"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": list(factors)}}}


async def _pool(harness: Harness, **settings: Any) -> str:  # noqa: ANN401 -- botocore's
    created = await harness.cognito.create_user_pool(PoolName="factors", **settings)
    return created["UserPool"]["Id"]


async def _set(harness: Harness, pool_id: str, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 -- botocore's
    answer = dict(await harness.cognito.set_user_pool_mfa_config(UserPoolId=pool_id, **settings))
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


async def test_pool_has_the_defaults_of_aws(harness: Harness) -> None:
    """A pool that says nothing has the Essentials plan and signs in with passwords."""
    pool_id = await _pool(harness)
    pool = (await harness.cognito.describe_user_pool(UserPoolId=pool_id))["UserPool"]
    assert pool["UserPoolTier"] == "ESSENTIALS"
    assert pool["Policies"]["SignInPolicy"] == {"AllowedFirstAuthFactors": ["PASSWORD"]}
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 8
    factors = await harness.cognito.get_user_pool_mfa_config(UserPoolId=pool_id)
    assert factors["MfaConfiguration"] == "OFF"


async def test_sign_in_policy_leaves_the_password_policy(harness: Harness) -> None:
    """One policy does not replace the other."""
    pool_id = await _pool(harness, **_first("PASSWORD", "EMAIL_OTP"))
    pool = (await harness.cognito.describe_user_pool(UserPoolId=pool_id))["UserPool"]
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 8
    factors = pool["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"]
    assert factors == ["PASSWORD", "EMAIL_OTP"]


async def test_settings_are_kept(harness: Harness) -> None:
    """What was set is told, and the passkeys' part can be set alone."""
    pool_id = await _pool(harness, EmailConfiguration=SES)
    second = {"MfaConfiguration": "OPTIONAL", **TOTP, **CODES}
    assert await _set(harness, pool_id, **second) == second
    kept = await _set(harness, pool_id, **PASSKEYS)
    passkeys = {"RelyingPartyId": "example.com", "UserVerification": "preferred"}
    assert kept == second | {"WebAuthnConfiguration": passkeys}
    told = dict(await harness.cognito.get_user_pool_mfa_config(UserPoolId=pool_id))
    assert {name: told[name] for name in kept} == kept
    off = await _set(harness, pool_id, MfaConfiguration="OFF")
    assert off == {"MfaConfiguration": "OFF", "WebAuthnConfiguration": passkeys}


@pytest.mark.parametrize(
    ("pool", "settings", "words"),
    [
        ({}, {"MfaConfiguration": "OFF", **TOTP}, "can't turn off MFA and configure an MFA"),
        ({}, TOTP, "can't turn off MFA and configure an MFA together"),
        ({}, {"MfaConfiguration": "ON"}, "can't disable all MFAs with a required or optional"),
        (
            {},
            {"MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": {"Enabled": False}},
            "can't disable all MFAs",
        ),
        (
            {},
            {"MfaConfiguration": "OPTIONAL", "SmsMfaConfiguration": {}},
            "SMS configuration is required",
        ),
        (
            {},
            {"MfaConfiguration": "OPTIONAL", "EmailMfaConfiguration": {}},
            "EmailSendingAccount of COGNITO_DEFAULT",
        ),
        (
            _first("PASSWORD", "SMS_OTP"),
            {"MfaConfiguration": "ON", **TOTP},
            "Only PASSWORD and WEB_AUTHN (if configured)",
        ),
        (
            _first("PASSWORD", "WEB_AUTHN"),
            {"MfaConfiguration": "ON", **SMS, **PASSKEYS},
            "Cannot set WebAuthn factor configuration to SINGLE_FACTOR",
        ),
    ],
)
async def test_settings_that_exclude_each_other_are_refused(
    harness: Harness, pool: dict[str, Any], settings: dict[str, Any], words: str
) -> None:
    """The refusal says what excludes what, and nothing has changed."""
    pool_id = await _pool(harness, **pool)
    error, message = await refusal(_set(harness, pool_id, **settings))
    assert error == "InvalidParameterException"
    assert words in message
    told = await harness.cognito.get_user_pool_mfa_config(UserPoolId=pool_id)
    assert told["MfaConfiguration"] == "OFF"
    assert "WebAuthnConfiguration" not in told


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        ("EMAIL_OTP", "Only PASSWORD and WEB_AUTHN (if configured)"),
        ("WEB_AUTHN", "WEB_AUTHN cannot be used as an auth factor when MFA is enabled"),
    ],
)
async def test_pool_that_insists_takes_passwords_alone(
    harness: Harness, factor: str, words: str
) -> None:
    """Where MFA is a must, neither codes nor passkeys can be added as first factors."""
    pool_id = await _pool(harness)
    await _set(harness, pool_id, MfaConfiguration="ON", **TOTP)
    changed = harness.cognito.update_user_pool(UserPoolId=pool_id, **_first("PASSWORD", factor))
    assert words in (await refusal(changed))[1]
    await harness.cognito.update_user_pool(UserPoolId=pool_id, **_first("PASSWORD"))
    await _set(harness, pool_id, MfaConfiguration="OPTIONAL", **TOTP)
    await harness.cognito.update_user_pool(UserPoolId=pool_id, **_first("PASSWORD", factor))


async def test_pool_is_created_with_sms_as_only_second_factor(harness: Harness) -> None:
    """SetUserPoolMfaConfig adds others; CreateUserPool insists on a sender of SMS."""
    words = "SMS configuration and Auto verification for phone_number are required"
    assert words in (await refusal(_pool(harness, MfaConfiguration="ON")))[1]
    sender = {"SmsConfiguration": {"SnsCallerArn": ROLE}}
    pool_id = await _pool(harness, MfaConfiguration="OPTIONAL", **sender)
    factors = await harness.cognito.get_user_pool_mfa_config(UserPoolId=pool_id)
    assert (factors["MfaConfiguration"], factors["SmsMfaConfiguration"]) == ("OPTIONAL", sender)
    assert await _pool(harness, MfaConfiguration="OFF", LambdaConfig={"PreSignUp": LAMBDA})


async def test_lite_plan_has_passwords_alone(harness: Harness) -> None:
    """Choice-based sign-in, its factors and codes by e-mail need the Essentials plan."""
    refused = _pool(harness, UserPoolTier="LITE", **_first("PASSWORD"))
    assert await refusal_type(refused) == "FeatureUnavailableInTierException"
    pool_id = await _pool(harness, UserPoolTier="LITE", EmailConfiguration=SES)
    client = harness.cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="c", ExplicitAuthFlows=["ALLOW_USER_AUTH"]
    )
    assert await refusal_type(client) == "FeatureUnavailableInTierException"
    mail = _set(harness, pool_id, MfaConfiguration="OPTIONAL", EmailMfaConfiguration={})
    assert await refusal_type(mail) == "FeatureUnavailableInTierException"
