"""The user pool's description, compared with what the service needs and `[auth-config]` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.deployment_checks import federation, service_clients
from service.deployment_checks.permissions import NotFound, asked
from service.deployment_checks.results import CheckResult, NamedCheck
from service.domain.mfa import PASSKEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.config.settings import AuthConfigConfig, Config

POOL: Final = NamedCheck(2, "user pool")
OFFER: Final = NamedCheck(2, "[auth-config]")
ADDRESSES: Final = NamedCheck(2, "verification before update")
DEVICES: Final = NamedCheck(2, "device remembering")
SENDER: Final = NamedCheck(2, "e-mail sender")
RESETS: Final = (
    "`aws cognito-idp update-user-pool` resets every option that is not repeated in the call."
)
PASSWORD_PARTS: Final = {
    "lowercase": "RequireLowercase",
    "uppercase": "RequireUppercase",
    "digits": "RequireNumbers",
    "symbols": "RequireSymbols",
}


async def describe_pool(client: CognitoIdentityProviderClient, config: Config) -> list[CheckResult]:
    """Return what is wrong about the user pool; raises CannotCheck."""
    pool_id = config.cognito.user_pool_id
    try:
        answer = await asked(
            client.describe_user_pool(UserPoolId=pool_id),
            POOL,
            right="cognito-idp:DescribeUserPool",
        )
    except NotFound as error:
        return [
            POOL.wrong(
                str(error),
                "Correct AWS_COGNITO_USER_POOL_ID or AWS_REGION. These pools are there:\n"
                f"aws cognito-idp list-user-pools --max-results 60 --region {config.aws.region}",
            )
        ]
    pool: Mapping[str, Any] = answer["UserPool"]
    factors: Mapping[str, Any] = await asked(
        client.get_user_pool_mfa_config(UserPoolId=pool_id),
        OFFER,
        right="cognito-idp:GetUserPoolMfaConfig",
    )
    differences = [*_differences(pool, factors, config.auth_config)]
    return [
        POOL.ok(f"{pool.get('Name', '')} ({pool_id})"),
        _addresses(pool),
        _devices(pool),
        _sender(pool),
        *federation.domain_results(pool, config),
        *service_clients.token_endpoint_results(pool, config),
        *(
            OFFER.wrong(detail, f"Set {name}, or change the user pool.")
            for detail, name in differences
        ),
        *([] if differences else [OFFER.ok("describes the user pool")]),
    ]


def _addresses(pool: Mapping[str, Any]) -> CheckResult:
    settings = pool.get("UserAttributeUpdateSettings", {})
    verified = settings.get("AttributesRequireVerificationBeforeUpdate", [])
    missing = [name for name in pool.get("AutoVerifiedAttributes", []) if name not in verified]
    if not missing:
        return ADDRESSES.ok("new addresses take effect when they are verified")
    return ADDRESSES.wrong(
        f"A new {' or '.join(missing)} takes effect unverified: a typo ends password recovery.",
        "In the console of Cognito, under Sign-up, `Attribute verification and user account "
        "confirmation`, keep the original attribute value active when an update is pending "
        f"(UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate). {RESETS}",
    )


def _devices(pool: Mapping[str, Any]) -> CheckResult:
    configuration = pool.get("DeviceConfiguration")
    if not configuration:
        return DEVICES.ok("off")
    limits = (
        "Sign-in by a remembered device (DEVICE_SRP_AUTH) is not supported: "
        "every sign-in registers a new device"
    )
    if configuration.get("ChallengeRequiredOnNewDevice", False):
        limits += ", and users are asked for their second factor each time"
    if configuration.get("DeviceOnlyRememberedOnUserPrompt", False):
        limits += "; users are not asked whether to remember it, so it is tracked only"
    return DEVICES.ok(
        f"on: POST /api/auth/refresh takes a refresh token with its deviceKey only. {limits}.",
        "Front ends must store `deviceKey` beside the refresh token. Unless other applications use the "
        "devices of this pool, set `Device tracking` to `Don't remember` in the console of Cognito, "
        "under Sign-in.",
    )


def _sender(pool: Mapping[str, Any]) -> CheckResult:
    configuration = pool.get("EmailConfiguration", {})
    if configuration.get("EmailSendingAccount", "COGNITO_DEFAULT") != "COGNITO_DEFAULT":
        return SENDER.ok("Amazon SES")
    return SENDER.ok(
        "Cognito sends the e-mail itself: at most 50 messages a day.",
        "For more than a trial, let the user pool send through Amazon SES (docs/deployment.md, E-mail).",
    )


def _differences(
    pool: Mapping[str, Any], factors: Mapping[str, Any], offer: AuthConfigConfig
) -> Iterator[tuple[str, str]]:
    """Yield where `[auth-config]` differs from the user pool: how, and the variable to set."""
    closed = pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly", False)
    if offer.sign_up == closed:
        yield (
            "Users " + ("can't" if closed else "can") + " sign up themselves.",
            f"AUTH_CONFIG_SIGN_UP={str(not closed).lower()}",
        )
    policy = pool.get("Policies", {}).get("PasswordPolicy", {})
    length = policy.get("MinimumLength", offer.password_min_length)
    if length != offer.password_min_length:
        yield (
            f"Passwords have at least {length} characters.",
            f"AUTH_CONFIG_PASSWORD_MIN_LENGTH={length}",
        )
    required = [part for part, key in PASSWORD_PARTS.items() if policy.get(key, False)]
    if policy and {*required} != {*offer.password_requires}:
        yield (
            f"Passwords need: {' '.join(required) or 'nothing'}.",
            f"AUTH_CONFIG_PASSWORD_REQUIRES='{' '.join(required)}'",
        )
    first = pool.get("Policies", {}).get("SignInPolicy", {}).get("AllowedFirstAuthFactors", [])
    lacking = [factor for factor in offer.first_factors if factor not in first]
    if lacking:
        yield (
            f"The pool does not allow the first factors {' '.join(lacking)}.",
            f"AUTH_CONFIG_FIRST_FACTORS='{' '.join(first)}'",
        )
    second = [*_second_factors(factors)]
    if {*second} != {*offer.mfa}:
        yield (
            f"The second factors are: {' '.join(second) or 'none'}.",
            f"AUTH_CONFIG_MFA='{' '.join(second)}'",
        )

    if offer.passkeys:
        yield from _passkey_differences(factors.get("WebAuthnConfiguration", {}), offer)


def _passkey_differences(
    passkeys: Mapping[str, Any], offer: AuthConfigConfig
) -> Iterator[tuple[str, str]]:
    party = passkeys.get("RelyingPartyId")  # without it, that of the pool's domain
    if party is not None and party != offer.passkey_relying_party_id:
        yield (
            f"The relying party of passkeys is {party}.",
            f"AUTH_CONFIG_PASSKEY_RELYING_PARTY_ID={party}",
        )
    verification = passkeys.get("UserVerification", "preferred")
    if _are_both_factors(passkeys):
        verification = "required"
    if verification != offer.passkey_user_verification:
        yield (
            f"Passkeys are made with user verification {verification}.",
            f"AUTH_CONFIG_PASSKEY_USER_VERIFICATION={verification}",
        )


def _are_both_factors(passkeys: Mapping[str, Any]) -> bool:
    return passkeys.get("FactorConfiguration") == "MULTI_FACTOR_WITH_USER_VERIFICATION"


def _second_factors(factors: Mapping[str, Any]) -> Iterator[str]:
    if factors.get("MfaConfiguration", "OFF") == "OFF":
        return
    if factors.get("SoftwareTokenMfaConfiguration", {}).get("Enabled", False):
        yield "SOFTWARE_TOKEN_MFA"
    if factors.get("SmsMfaConfiguration"):
        yield "SMS_MFA"
    if factors.get("EmailMfaConfiguration"):
        yield "EMAIL_OTP"
    if _are_both_factors(factors.get("WebAuthnConfiguration", {})):
        yield PASSKEY
