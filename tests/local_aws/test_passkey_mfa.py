"""Passkeys are both factors of a sign-in where pool and user say so, as in AWS."""

import json
from typing import Any

import pytest

from tests.local_aws.passkey_support import complete, options, requested
from tests.local_aws.support import Harness, refusal
from tests.support.webauthn_authenticator import Authenticator

APP = "both_factors"
ON = {"Enabled": True}
OFF = {"Enabled": False}
ALONE = ("InvalidParameterException", "WebAuthn MFA requires enabling an additional MFA setting.")


@pytest.fixture(name="member")
async def _member(harness: Harness) -> tuple[str, str, Authenticator]:
    """Return a user with an app and a passkey: name, access token and authenticator."""
    username, access, _ = await harness.enrolled(APP)
    authenticator = Authenticator()
    await complete(harness, access, authenticator.register(await options(harness, access)))
    return username, access, authenticator


async def _prefer(harness: Harness, access: str, **settings: Any) -> None:  # noqa: ANN401 -- botocore's
    await harness.cognito.set_user_mfa_preference(AccessToken=access, **settings)


async def _enabled(harness: Harness, access: str) -> list[str]:
    shown = await harness.cognito.get_user(AccessToken=access)
    return shown.get("UserMFASettingList", [])


async def test_passkey_signs_in_alone(
    harness: Harness, member: tuple[str, str, Authenticator]
) -> None:
    """Once it is enabled beside the app; before, a user of the app begins with the password."""
    username, access, authenticator = member
    await _prefer(harness, access, SoftwareTokenMfaSettings=ON)
    before = await harness.begin(username, APP)
    await _prefer(harness, access, SoftwareTokenMfaSettings=ON, WebAuthnMfaSettings=ON)
    asked = await harness.begin(username, APP, PREFERRED_CHALLENGE="WEB_AUTHN")
    wanted = requested(asked)

    answer = await harness.respond(
        asked, username, APP, CREDENTIAL=json.dumps(authenticator.sign_in(wanted))
    )
    by_password = await harness.log_in(username, APP)

    assert before["AvailableChallenges"] == ["PASSWORD_SRP", "PASSWORD"]
    assert wanted["userVerification"] == "required"
    assert "AuthenticationResult" in answer
    assert by_password["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert await _enabled(harness, access) == ["SOFTWARE_TOKEN_MFA", "WEB_AUTHN_MFA"]


async def test_another_factor_is_enabled_in_the_same_call(
    harness: Harness, member: tuple[str, str, Authenticator]
) -> None:
    """AWS refuses the passkey alone even if another factor is enabled already."""
    _, access, *_ = member
    await _prefer(harness, access, SoftwareTokenMfaSettings=ON)
    assert await refusal(_prefer(harness, access, WebAuthnMfaSettings=ON)) == ALONE
    await _prefer(harness, access, SoftwareTokenMfaSettings=ON, WebAuthnMfaSettings=ON)

    assert await refusal(_prefer(harness, access, SoftwareTokenMfaSettings=OFF)) == ALONE
    await _prefer(harness, access, SoftwareTokenMfaSettings=ON)  # which leaves the passkey on
    await _prefer(harness, access, SoftwareTokenMfaSettings=OFF, WebAuthnMfaSettings=OFF)

    assert await _enabled(harness, access) == []


async def test_passkey_is_needed(harness: Harness) -> None:
    """A user without a passkey cannot enable it."""
    _, access, _ = await harness.enrolled(APP)

    name, message = await refusal(
        _prefer(harness, access, SoftwareTokenMfaSettings=ON, WebAuthnMfaSettings=ON)
    )

    assert name == "InvalidParameterException"
    assert "applicable WebAuthn credentials" in message


async def test_required_mfa_allows_passkeys_that_are_both_factors(harness: Harness) -> None:
    """WEB_AUTHN stays a first factor of a pool that requires MFA if passkeys are both factors."""
    made = await harness.cognito.create_user_pool(
        PoolName="required",
        Policies={"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}},
    )
    both: Any = {
        "RelyingPartyId": "localhost",
        "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
    }
    pool: dict[str, Any] = {"UserPoolId": made["UserPool"]["Id"]}
    await harness.cognito.set_user_pool_mfa_config(
        **pool,
        MfaConfiguration="ON",
        SoftwareTokenMfaConfiguration={"Enabled": True},
        WebAuthnConfiguration=both,
    )

    one: Any = {"RelyingPartyId": "localhost", "FactorConfiguration": "SINGLE_FACTOR"}
    refused = await refusal(
        harness.cognito.set_user_pool_mfa_config(**pool, WebAuthnConfiguration=one)
    )
    kept = await harness.cognito.get_user_pool_mfa_config(UserPoolId=made["UserPool"]["Id"])

    assert "SINGLE_FACTOR" in refused[1]
    assert kept["WebAuthnConfiguration"] == {**both, "UserVerification": "preferred"}
