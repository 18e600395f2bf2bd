"""One local AWS for all tests of the package, with a pool of each kind."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aioboto3
import pytest
from aiobotocore.config import AioConfig
from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient
from types_aiobotocore_dynamodb import DynamoDBClient

from local_aws.server import LocalAws, local_aws
from service.aws.session import sdk_session
from service.commands.provisioning import track_sessions
from tests.local_aws.support import AppClient, Clock, Harness, Mailbox
from tests.profile_store.table import NOON

# Without verify=False every client loads all CA certificates, which takes 30 ms.
LOOPBACK: dict[str, Any] = {
    "config": AioConfig(retries={"total_max_attempts": 1}, max_pool_connections=60),
    "verify": False,
}

EMAIL: dict[str, Any] = {"AutoVerifiedAttributes": ["email"]}
ROLE = "arn:aws:iam::123456789012:role/sender"
LAMBDA = "arn:aws:lambda:eu-central-1:123456789012:function:define"
SES = {
    "EmailSendingAccount": "DEVELOPER",
    "SourceArn": "arn:aws:ses:eu-central-1:123456789012:identity/example.com",
}
POOLS: dict[str, dict[str, Any]] = {
    "plain": {
        **EMAIL,
        "Schema": [
            {"Name": "team", "AttributeDataType": "String"},
            {"Name": "badge", "AttributeDataType": "String", "Mutable": False},
            {
                "Name": "age",
                "AttributeDataType": "Number",
                "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "150"},
            },
            {"Name": "human", "AttributeDataType": "Boolean"},
        ],
    },
    "email": {**EMAIL, "UsernameAttributes": ["email"]},
    "either": {
        "AutoVerifiedAttributes": ["email", "phone_number"],
        "UsernameAttributes": ["email", "phone_number"],
        "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
    },
    "alias": {**EMAIL, "AliasAttributes": ["email", "preferred_username"]},
    "bare": {
        "UsernameConfiguration": {"CaseSensitive": True},
        "Policies": {"PasswordPolicy": {"MinimumLength": 6}},
    },
    "closed": {
        **EMAIL,
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
        "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]},
        "Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]}},
        "Schema": [{"Name": "nickname", "AttributeDataType": "String", "Required": True}],
    },
    "mfa": {**EMAIL},
    "must_mfa": {**EMAIL},
    "codes": {**EMAIL, "EmailConfiguration": SES},
    "must_codes": {**EMAIL, "EmailConfiguration": SES},
    "choice": {
        **EMAIL,
        "AliasAttributes": ["email"],
        "EmailConfiguration": SES,
        "Policies": {
            "SignInPolicy": {
                "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"]
            }
        },
    },
    "custom": {**EMAIL, "LambdaConfig": {"DefineAuthChallenge": LAMBDA}},
    "devices": {
        "UsernameAttributes": ["email"],
        "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True},
    },
    "prompt": {"DeviceConfiguration": {"DeviceOnlyRememberedOnUserPrompt": True}},
    "tracked": {**EMAIL},
    "both_factors": {
        **EMAIL,
        "Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}},
    },
}
TOTP: dict[str, Any] = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
CODES: dict[str, Any] = {
    "SmsMfaConfiguration": {"SmsConfiguration": {"SnsCallerArn": ROLE}},
    "EmailMfaConfiguration": {},
}
MFA: dict[str, dict[str, Any]] = {
    "mfa": {"MfaConfiguration": "OPTIONAL", **TOTP},
    "must_mfa": {"MfaConfiguration": "ON", **TOTP},
    "codes": {"MfaConfiguration": "OPTIONAL", **TOTP, **CODES},
    "must_codes": {"MfaConfiguration": "ON", **CODES},
    "devices": {"MfaConfiguration": "OPTIONAL", **TOTP},
    "both_factors": {
        "MfaConfiguration": "OPTIONAL",
        **TOTP,
        "WebAuthnConfiguration": {
            "RelyingPartyId": "localhost",
            "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
        },
    },
    "choice": {
        "MfaConfiguration": "OPTIONAL",
        **TOTP,
        **CODES,
        "WebAuthnConfiguration": {"RelyingPartyId": "localhost"},
    },
}

PASSWORDS = ["ALLOW_USER_PASSWORD_AUTH"]
ALL = [*PASSWORDS, "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"]
CHOICE = [*ALL, "ALLOW_USER_AUTH"]
SRP = ["ALLOW_USER_SRP_AUTH"]
HIDING = {"ExplicitAuthFlows": ALL, "PreventUserExistenceErrors": "ENABLED"}
CLIENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "public": ("plain", {"ExplicitAuthFlows": ALL}),
    "hiding": ("plain", HIDING),
    "secret": ("plain", {"ExplicitAuthFlows": ALL, "GenerateSecret": True}),
    "unset_flows": ("plain", {}),
    "old_flows": ("plain", {"ExplicitAuthFlows": ["USER_PASSWORD_AUTH"]}),
    "all_flows": (
        "plain",
        {"ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"]},
    ),
    "rotating": (
        "plain",
        {"ExplicitAuthFlows": PASSWORDS, "RefreshTokenRotation": {"Feature": "ENABLED"}},
    ),
    "patient": (
        "plain",
        {
            "ExplicitAuthFlows": PASSWORDS,
            "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10},
        },
    ),
    "brief": (
        "plain",
        {
            "ExplicitAuthFlows": ALL,
            "AccessTokenValidity": 5,
            "IdTokenValidity": 10,
            "RefreshTokenValidity": 2,
            "TokenValidityUnits": {
                "AccessToken": "minutes",
                "IdToken": "minutes",
                "RefreshToken": "hours",
            },
        },
    ),
    "narrow": (
        "plain",
        {
            "ExplicitAuthFlows": ALL,
            "ReadAttributes": ["email"],
            "WriteAttributes": ["email", "name"],
        },
    ),
    "irrevocable": ("plain", {"ExplicitAuthFlows": ALL, "EnableTokenRevocation": False}),
    "email": ("email", {"ExplicitAuthFlows": ALL}),
    "email_secret": ("email", {"ExplicitAuthFlows": ALL, "GenerateSecret": True}),
    "either": ("either", {"ExplicitAuthFlows": ALL}),
    "alias": ("alias", {"ExplicitAuthFlows": ALL}),
    "bare": ("bare", {"ExplicitAuthFlows": ALL}),
    "bare_hiding": ("bare", HIDING),
    "closed": ("closed", {"ExplicitAuthFlows": ALL}),
    "mfa": ("mfa", {"ExplicitAuthFlows": ALL}),
    "must_mfa": ("must_mfa", {"ExplicitAuthFlows": ALL}),
    "codes": ("codes", {"ExplicitAuthFlows": ALL}),
    "must_codes": ("must_codes", {"ExplicitAuthFlows": ALL}),
    "choice": ("choice", {"ExplicitAuthFlows": CHOICE}),
    "choice_hiding": (
        "choice",
        {"ExplicitAuthFlows": CHOICE, "PreventUserExistenceErrors": "ENABLED"},
    ),
    "choice_secret": ("choice", {"ExplicitAuthFlows": CHOICE, "GenerateSecret": True}),
    "devices": ("devices", {"ExplicitAuthFlows": ALL}),
    "prompt": ("prompt", {"ExplicitAuthFlows": ALL}),
    "both_factors": ("both_factors", {"ExplicitAuthFlows": CHOICE}),
    "tracked": ("tracked", {"ExplicitAuthFlows": ALL}),
    "tracked_briefly": (
        "tracked",
        {
            "ExplicitAuthFlows": ALL,
            "RefreshTokenValidity": 2,
            "TokenValidityUnits": {"RefreshToken": "hours"},
        },
    ),
    "srp": ("plain", {"ExplicitAuthFlows": SRP}),
    "srp_secret": ("plain", {"ExplicitAuthFlows": SRP, "GenerateSecret": True}),
    "srp_email": ("email", {"ExplicitAuthFlows": SRP}),
    "srp_hiding": ("plain", {"ExplicitAuthFlows": SRP, "PreventUserExistenceErrors": "ENABLED"}),
    "srp_email_hiding": (
        "email",
        {"ExplicitAuthFlows": SRP, "PreventUserExistenceErrors": "ENABLED"},
    ),
    "srp_mfa": ("mfa", {"ExplicitAuthFlows": [*SRP, *PASSWORDS]}),
    "choice_srp": ("choice", {"ExplicitAuthFlows": SRP}),
    "plain_custom": ("plain", {"ExplicitAuthFlows": [*ALL, "ALLOW_CUSTOM_AUTH"]}),
    "custom": ("custom", {"ExplicitAuthFlows": [*ALL, "ALLOW_CUSTOM_AUTH"]}),
    "custom_hiding": (
        "custom",
        {"ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH"], "PreventUserExistenceErrors": "ENABLED"},
    ),
}


@pytest.fixture(scope="session")
def clock() -> Clock:
    """Return the clock of the local Cognito."""
    return Clock(NOON.timestamp())


@pytest.fixture(scope="session")
def mail() -> Mailbox:
    """Return the codes that the local Cognito has sent."""
    return Mailbox()


@pytest.fixture(scope="session")
def aws(clock: Clock, mail: Mailbox) -> Iterator[LocalAws]:
    """Serve the local AWS."""
    with local_aws(announce=mail.sent.append, now=clock) as served:
        yield served


@pytest.fixture(scope="session")
def session() -> aioboto3.Session:
    """Return a session; not in us-east-1, where moto routes calls without a region."""
    return aioboto3.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 -- moto takes anything
        region_name="eu-central-1",
        botocore_session=sdk_session(),
    )


@pytest.fixture(scope="session")
def apps(aws: LocalAws, session: aioboto3.Session) -> dict[str, AppClient]:
    """Create every pool and every app client."""
    return asyncio.run(_create(aws, session))


async def _create(aws: LocalAws, session: aioboto3.Session) -> dict[str, AppClient]:
    created = {}
    async with session.client("cognito-idp", endpoint_url=aws.endpoint_url, **LOOPBACK) as cognito:
        pools = {}
        for name, settings in POOLS.items():
            answer = await cognito.create_user_pool(PoolName=name, **settings)
            pools[name] = answer["UserPool"]["Id"]
        for name, factors in MFA.items():
            await cognito.set_user_pool_mfa_config(UserPoolId=pools[name], **factors)
        await track_sessions(cognito, pools["tracked"])
        for name, (pool, settings) in CLIENTS.items():
            made = await cognito.create_user_pool_client(
                UserPoolId=pools[pool], ClientName=name, **settings
            )
            client = made["UserPoolClient"]
            created[name] = AppClient(pools[pool], client["ClientId"], client.get("ClientSecret"))
    return created


@pytest.fixture
async def cognito(
    aws: LocalAws, session: aioboto3.Session
) -> AsyncIterator[CognitoIdentityProviderClient]:
    """Open a client of Cognito."""
    async with session.client("cognito-idp", endpoint_url=aws.endpoint_url, **LOOPBACK) as client:
        yield client


@pytest.fixture
async def dynamodb(aws: LocalAws, session: aioboto3.Session) -> AsyncIterator[DynamoDBClient]:
    """Open a client of DynamoDB."""
    async with session.client("dynamodb", endpoint_url=aws.endpoint_url, **LOOPBACK) as client:
        yield client


@pytest.fixture
def harness(
    cognito: CognitoIdentityProviderClient,
    apps: dict[str, AppClient],
    mail: Mailbox,
    clock: Clock,
) -> Harness:
    """Return the client, the pools, the mailbox and the clock."""
    return Harness(cognito, apps, mail, clock)
