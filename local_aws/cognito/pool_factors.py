"""
The factors that a pool offers, set by the rules of Amazon Cognito.

The messages are those of AWS in 2026, as quoted by https://github.com/go-to-k/cdkd (issues 1923, 1975
and 2064).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from moto.cognitoidp.models import DEFAULT_USER_POOL_CONFIG
from moto.cognitoidp.models import CognitoIdpUserPool as Pool
from moto.core.utils import utcnow

from local_aws.cognito.attributes import schema
from local_aws.cognito.directory import find_pool
from local_aws.cognito.errors import (
    FeatureUnavailableInTierException,
    InvalidParameterException,
)
from local_aws.cognito.relying_parties import satisfies_mfa
from local_aws.cognito.settings import setting
from local_aws.cognito.sign_in import challenge_sessions, first_factors
from local_aws.cognito.state import Call, Cognito

FACTORS = ("SmsMfaConfiguration", "SoftwareTokenMfaConfiguration", "EmailMfaConfiguration")
LITE = "LITE"
# Settings that UpdateUserPool does not have.
FIXED = ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
NO_SMS = (
    "SMS configuration and Auto verification for phone_number are required when MFA is"
    " required/optional"
)


def check_new_pool(call: Call) -> None:
    """Raise if a pool cannot be created with these factors; fill in AWS's defaults."""
    parameters = call.parameters
    if parameters.get("MfaConfiguration", "OFF") != "OFF" and "SmsConfiguration" not in parameters:
        raise InvalidParameterException(NO_SMS)
    _complete(parameters)


def complete_new_pool(pool: Pool) -> None:
    """Give a pool of moto's all standard attributes, and SMS as second factor if it has MFA."""
    pool.schema_attributes = schema(pool)
    # It would hide what SetUserPoolMfaConfig sets.
    if pool.extended_config.pop("MfaConfiguration", "OFF") != "OFF":
        pool.sms_mfa_config = {"SmsConfiguration": pool.extended_config["SmsConfiguration"]}


def check_changed_pool(call: Call) -> None:
    """
    Raise if the factors conflict with each other; fill in defaults as for a new pool.

    Settings that only CreateUserPool has are kept, and MfaConfiguration is changed if it is given.
    """
    _complete(call.parameters)
    pool = find_pool(call.parameters["UserPoolId"])
    kept = {key: pool.extended_config[key] for key in FIXED if key in pool.extended_config}
    mode = call.parameters.pop("MfaConfiguration", pool.mfa_config)
    email = call.cognito.pool_factors(pool).email_mfa
    has_factor = pool.sms_mfa_config or pool.token_mfa_config or email is not None
    if mode != "OFF" and not has_factor:
        raise InvalidParameterException(NO_SMS)
    if mode == "ON":
        _check_alone(
            call.parameters["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"],
            call.cognito.pool_factors(pool).web_authn,
            "WEB_AUTHN cannot be used as an auth factor when MFA is enabled if not configured for"
            " MFA.",
        )
    call.parameters.update(kept)
    pool.mfa_config = mode
    pool.name = call.parameters.get("PoolName", pool.name)
    pool.last_modified_date = utcnow()


def _complete(parameters: dict[str, Any]) -> None:
    """Fill in the plan and the policies that are missing: an update sets all of them."""
    given = parameters.get("Policies", {})
    if parameters.setdefault("UserPoolTier", "ESSENTIALS") == LITE and "SignInPolicy" in given:
        raise FeatureUnavailableInTierException
    defaults = {"SignInPolicy": {"AllowedFirstAuthFactors": first_factors.PASSWORD_ALONE}}
    parameters.setdefault("DeletionProtection", "INACTIVE")
    parameters.setdefault("LambdaConfig", {})
    parameters["Policies"] = DEFAULT_USER_POOL_CONFIG["Policies"] | defaults | given


def _check_alone(
    allowed: Sequence[str], web_authn: Mapping[str, Any] | None, passkey_words: str
) -> None:
    """Raise if a first factor cannot be combined with required MFA."""
    if set(allowed) & set(first_factors.CODES):
        raise InvalidParameterException(
            "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is"
            " enabled"
        )
    if challenge_sessions.WEB_AUTHN in allowed and not satisfies_mfa(web_authn):
        raise InvalidParameterException(passkey_words)


def check_client(pool: Pool, flows: Sequence[str]) -> None:
    """Raise if the client uses a flow that the pool's plan lacks."""
    if setting(pool, "UserPoolTier", "") == LITE and "ALLOW_USER_AUTH" in flows:
        raise FeatureUnavailableInTierException


def set_user_pool_mfa_config(call: Call) -> dict[str, Any]:
    """Set the second factors, the relying party of passkeys, or both."""
    parameters = call.parameters
    pool = find_pool(parameters["UserPoolId"])
    mode = parameters.get("MfaConfiguration", pool.mfa_config)
    given = {name: parameters.get(name) for name in FACTORS}
    sets_factors = bool(set(FACTORS) & parameters.keys())
    web_authn = call.cognito.pool_factors(pool).web_authn
    if "WebAuthnConfiguration" in parameters:
        web_authn = {"UserVerification": "preferred", **parameters["WebAuthnConfiguration"]}
    if mode == "OFF" and sets_factors:
        raise InvalidParameterException(
            "Invalid MFA configuration given, can't turn off MFA and configure an MFA together."
        )
    if "MfaConfiguration" in parameters or sets_factors:
        _check(pool, mode, given)
    if mode == "ON":
        _check_alone(
            first_factors.allowed(pool),
            web_authn,
            "Cannot set WebAuthn factor configuration to SINGLE_FACTOR if MFA is required and"
            " WebAuthn is an allowed first auth factor",
        )
    if "MfaConfiguration" in parameters or sets_factors:
        pool.mfa_config = mode
        pool.sms_mfa_config, pool.token_mfa_config, email = given.values()
        call.cognito.pool_factors(pool).email_mfa = email
    call.cognito.pool_factors(pool).web_authn = web_authn
    return _described(call.cognito, pool)


def _check(pool: Pool, mode: str, given: dict[str, Any]) -> None:
    sms, token, email = (given[name] for name in FACTORS)
    if mode != "OFF" and sms is email is None and not (token or {}).get("Enabled"):
        raise InvalidParameterException(
            "Invalid MFA configuration given, can't disable all MFAs with a required or optional"
            " configuration."
        )
    if sms is not None and "SmsConfiguration" not in sms:
        raise InvalidParameterException("SMS configuration is required when SMS MFA is set")
    if email is not None:
        if setting(pool, "UserPoolTier", "") == LITE:
            raise FeatureUnavailableInTierException
        sender = setting(pool, "EmailConfiguration", {}).get("EmailSendingAccount")
        if sender != "DEVELOPER":
            raise InvalidParameterException(
                "Cannot set EmailMfaConfiguration when user pool EmailConfiguration contains an"
                " EmailSendingAccount of COGNITO_DEFAULT"
            )


def get_user_pool_mfa_config(call: Call) -> dict[str, Any]:
    """Return the second factors and the relying party."""
    return _described(call.cognito, find_pool(call.parameters["UserPoolId"]))


def _described(cognito: Cognito, pool: Pool) -> dict[str, Any]:
    more = cognito.pool_factors(pool)
    factors = (pool.sms_mfa_config, pool.token_mfa_config, more.email_mfa)
    described = dict(zip(FACTORS, factors, strict=True)) | {
        "MfaConfiguration": pool.mfa_config,
        "WebAuthnConfiguration": more.web_authn,
    }
    return {name: value for name, value in described.items() if value is not None}
