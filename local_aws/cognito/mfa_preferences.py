"""A user's preferences for second factors."""

from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito import passkey_mfa
from local_aws.cognito.directory import find_pool, find_user
from local_aws.cognito.errors import InvalidParameterException, UserNotFoundException
from local_aws.cognito.sign_in import second_factors
from local_aws.cognito.state import Call, Cognito
from local_aws.cognito.tokens import bearer

MEMBERS = {
    "SMSMfaSettings": second_factors.SMS,
    "EmailMfaSettings": second_factors.EMAIL,
    "SoftwareTokenMfaSettings": second_factors.TOTP,
}


def set_user_mfa_preference(call: Call) -> dict[str, Any]:
    """Set the preferences of the caller."""
    grant = bearer(call)
    return _set(call, grant.pool, grant.user)


def admin_set_user_mfa_preference(call: Call) -> dict[str, Any]:
    """Set a user's preferences as an administrator."""
    pool = find_pool(call.parameters["UserPoolId"])
    user = find_user(pool, call.parameters["Username"])
    if user is None:
        raise UserNotFoundException
    return _set(call, pool, user)


def _set(call: Call, pool: Pool, user: User) -> dict[str, Any]:
    wanted: dict[str, dict[str, bool]] = {
        factor: call.parameters[member]
        for member, factor in MEMBERS.items()
        if member in call.parameters
    }
    preferred = [factor for factor, settings in wanted.items() if settings.get("PreferredMfa")]
    if len(preferred) > 1:
        raise InvalidParameterException("Only one factor can be preferred")
    for factor, settings in wanted.items():
        _check(call.cognito, pool, user, factor, settings)
    passkey_mfa.check(call, pool, user, wanted)
    passkey_mfa.switch(call, user)
    for factor, settings in wanted.items():
        _switch(call.cognito, user, factor, on=settings.get("Enabled", False))
        if user.preferred_mfa_setting == factor:
            user.preferred_mfa_setting = None
    if preferred:
        user.preferred_mfa_setting = preferred[0]
    return {}


def _check(
    cognito: Cognito, pool: Pool, user: User, factor: str, settings: dict[str, bool]
) -> None:
    on = settings.get("Enabled", False)
    if settings.get("PreferredMfa") and not on:
        raise InvalidParameterException("A factor that is not enabled cannot be preferred")
    if not on:
        if pool.mfa_config == "ON" and factor in second_factors.enabled_by(cognito, user):
            raise InvalidParameterException(
                "A factor cannot be disabled: the user pool requires MFA"
            )
    elif factor == second_factors.TOTP:
        if not user.token_verified:
            raise InvalidParameterException("User has not verified software token mfa")
    elif (
        factor not in second_factors.of_pool(cognito, pool)
        or second_factors.CODES[factor] not in user.attribute_lookup
    ):
        raise InvalidParameterException(
            f"User does not have delivery config set to turn on {factor}"
        )


def _switch(cognito: Cognito, user: User, factor: str, *, on: bool) -> None:
    if factor == second_factors.SMS:
        user.sms_mfa_enabled = on
    elif factor == second_factors.EMAIL:
        cognito.account(user).email_mfa_enabled = on
    else:
        user.software_token_mfa_enabled = on


def settings(cognito: Cognito, user: User) -> dict[str, Any]:
    """Return the user's second factors as the API describes them, without empty members."""
    enabled = second_factors.enabled_by(cognito, user)
    if cognito.account(user).passkey_mfa_enabled:
        enabled.append(passkey_mfa.NAME)
    described: dict[str, Any] = {"UserMFASettingList": enabled} if enabled else {}
    if user.preferred_mfa_setting:
        described["PreferredMfaSetting"] = user.preferred_mfa_setting
    return described
