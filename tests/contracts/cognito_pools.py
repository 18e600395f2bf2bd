"""User pools of Cognito with the rules of the fake ones."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from service.commands.provisioning import track_sessions
from service.config.settings import CognitoConfig
from service.domain.mfa import EMAIL, SMS, TOTP
from tests.support.fakes.user_pool_rules import PoolRules

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

ROLE = "arn:aws:iam::123456789012:role/sms"
IDENTITY = "arn:aws:ses:us-east-1:123456789012:identity/example.com"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:challenge"
TRIGGERS = ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse")
MFA_SETTINGS: dict[str, dict[str, Any]] = {  # second factor -> what switches it on
    SMS: {"SmsMfaConfiguration": {"SmsConfiguration": {"SnsCallerArn": ROLE}}},
    TOTP: {"SoftwareTokenMfaConfiguration": {"Enabled": True}},
    EMAIL: {"EmailMfaConfiguration": {"Message": "{####}", "Subject": "Your code"}},
}


async def create(
    cognito: "CognitoIdentityProviderClient",
    config: CognitoConfig,
    rules: PoolRules,
    *,
    with_secret: bool,
) -> CognitoConfig:
    """Create a pool and a client by the rules; return *config* with them in it."""
    pool_id = await _create_pool(cognito, rules)
    flows = {
        "ALLOW_USER_PASSWORD_AUTH": True,
        "ALLOW_REFRESH_TOKEN_AUTH": not rules.rotates_refresh_tokens,
        "ALLOW_USER_AUTH": bool(rules.first_factors),
        "ALLOW_CUSTOM_AUTH": rules.custom_challenge,
    }
    settings: dict[str, Any] = {}
    if rules.rotates_refresh_tokens:
        settings = {"RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}}
    made = await cognito.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="contracts",
        GenerateSecret=with_secret,
        ExplicitAuthFlows=[name for name, allowed in flows.items() if allowed],  # type: ignore[misc]  # names are literals to the stubs
        PreventUserExistenceErrors="ENABLED",
        EnableTokenRevocation=True,
        **settings,
    )
    client = made["UserPoolClient"]
    return replace(
        config,
        user_pool_id=pool_id,
        client_id=client["ClientId"],
        client_secret=client.get("ClientSecret"),
    )


async def _create_pool(cognito: "CognitoIdentityProviderClient", rules: PoolRules) -> str:
    settings: dict[str, Any] = {}
    if rules.usernames:
        settings["UsernameAttributes"] = [*rules.usernames]
    if rules.aliases:
        settings["AliasAttributes"] = [*rules.aliases]
    if rules.first_factors:
        policy = {"AllowedFirstAuthFactors": [*rules.first_factors]}
        settings["Policies"] = {"SignInPolicy": policy}
    if rules.custom_challenge:
        settings["LambdaConfig"] = dict.fromkeys(TRIGGERS, LAMBDA)
    if rules.remembers_devices != "never":
        settings["DeviceConfiguration"] = {
            "ChallengeRequiredOnNewDevice": False,
            "DeviceOnlyRememberedOnUserPrompt": rules.remembers_devices == "on prompt",
        }
    made = await cognito.create_user_pool(
        PoolName="contracts",
        AutoVerifiedAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        AccountRecoverySetting={"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]},
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": not rules.takes_sign_ups},
        EmailConfiguration={
            "EmailSendingAccount": "DEVELOPER",
            "SourceArn": IDENTITY,
            "From": "accounts@example.com",
        },
        **settings,
    )
    pool_id = made["UserPool"]["Id"]
    await _set_factors(cognito, pool_id, rules)
    if rules.tracks_sessions:
        await track_sessions(cognito, pool_id)
    return pool_id


async def _set_factors(
    cognito: "CognitoIdentityProviderClient", pool_id: str, rules: PoolRules
) -> None:
    settings: dict[str, Any] = {}
    if rules.mfa != "OFF":
        settings["MfaConfiguration"] = rules.mfa
        for factor in rules.second_factors:
            settings |= MFA_SETTINGS[factor]
    if rules.relying_party is not None:
        settings["WebAuthnConfiguration"] = {
            "RelyingPartyId": rules.relying_party,
            "UserVerification": "preferred",
        }
    if rules.passkeys_are_both_factors:
        settings["WebAuthnConfiguration"]["FactorConfiguration"] = (
            "MULTI_FACTOR_WITH_USER_VERIFICATION"
        )
    if settings:
        await cognito.set_user_pool_mfa_config(UserPoolId=pool_id, **settings)
