"""Challenges of second factors."""

import json
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito import tokens, totp
from local_aws.cognito.errors import (
    CodeMismatchException,
    ExpiredCodeException,
    InvalidParameterException,
)
from local_aws.cognito.records import Session
from local_aws.cognito.settings import App
from local_aws.cognito.shapes import required
from local_aws.cognito.sign_in import challenge_sessions, lockout, one_time_codes
from local_aws.cognito.state import Call, Cognito

SMS = "SMS_MFA"
EMAIL = "EMAIL_OTP"
TOTP = "SOFTWARE_TOKEN_MFA"
CODES = {SMS: "phone_number", EMAIL: "email"}
SESSIONS = {
    SMS: challenge_sessions.SMS_MFA,
    EMAIL: challenge_sessions.EMAIL_MFA,
    TOTP: challenge_sessions.TOTP,
}


def of_pool(cognito: Cognito, pool: Pool) -> list[str]:
    """Return the factors that the pool offers."""
    offered = {
        SMS: pool.sms_mfa_config is not None,
        EMAIL: cognito.pool_factors(pool).email_mfa is not None,
        TOTP: bool((pool.token_mfa_config or {}).get("Enabled")),
    }
    return [name for name, on in offered.items() if on and pool.mfa_config != "OFF"]


def enabled_by(cognito: Cognito, user: User) -> list[str]:
    """Return the factors that the user has enabled."""
    enabled = {
        SMS: user.sms_mfa_enabled,
        EMAIL: cognito.account(user).email_mfa_enabled,
        TOTP: user.software_token_mfa_enabled,
    }
    return [name for name, on in enabled.items() if on]


def active(cognito: Cognito, pool: Pool, user: User) -> list[str]:
    """
    Return the factors of which a sign-in asks for one.

    TOTP stays in use where the pool no longer offers it:
    https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-mfa.html
    Where MFA is required, the addresses of a user who has enabled nothing are used.
    """
    if pool.mfa_config == "OFF":
        return []
    offered, enabled = of_pool(cognito, pool), enabled_by(cognito, user)
    if pool.mfa_config == "ON" and not enabled:
        enabled = list(CODES)
    own = user.attribute_lookup
    return [name for name in enabled if name == TOTP or (name in offered and CODES[name] in own)]


def challenge(call: Call, app: App, user: User) -> dict[str, Any] | None:
    """Return the challenge of the second factor or its setup; None where none is needed."""
    cognito, pool = call.cognito, app.pool
    factors = active(cognito, pool, user)
    preferred = user.preferred_mfa_setting
    if preferred in factors:
        factors = [preferred]
    if len(factors) > 1:
        parameters = {"MFAS_CAN_CHOOSE": json.dumps(factors)}
        return challenge_sessions.challenge(
            cognito, app, user, challenge_sessions.SELECT_MFA_TYPE, parameters
        )
    if factors:
        return _ask(call, app, user, factors[0])
    if pool.mfa_config == "ON":
        parameters = {"MFAS_CAN_SETUP": json.dumps(of_pool(cognito, pool))}
        return challenge_sessions.challenge(
            cognito, app, user, challenge_sessions.MFA_SETUP, parameters
        )
    return None


def _ask(call: Call, app: App, user: User, factor: str) -> dict[str, Any]:
    name = SESSIONS[factor]
    if factor in CODES:
        return one_time_codes.challenge(call, app, user, name)
    device = call.cognito.account(user).totp_device_name
    shown = {"FRIENDLY_DEVICE_NAME": device} if device else {}
    return challenge_sessions.challenge(call.cognito, app, user, name, shown)


def select(call: Call, app: App, session: Session, responses: dict[str, str]) -> dict[str, Any]:
    """Handle SELECT_MFA_TYPE."""
    chosen = required(responses, "ANSWER")
    if chosen not in active(call.cognito, app.pool, session.user):
        raise InvalidParameterException("Invalid MFA type selected.")
    return _ask(call, app, session.user, chosen)


def code(call: Call, app: App, session: Session, responses: dict[str, str]) -> dict[str, Any]:
    """Handle SMS_MFA, or EMAIL_OTP as second factor."""
    lockout.check(call, session.user)
    try:
        one_time_codes.check(app, session, responses)
    except CodeMismatchException:
        lockout.count_failure(call, session.user)
        raise
    return tokens.sign_in(call.cognito, app, session.user)


def software_token(
    call: Call, app: App, session: Session, responses: dict[str, str]
) -> dict[str, Any]:
    """Handle SOFTWARE_TOKEN_MFA."""
    typed = required(responses, "SOFTWARE_TOKEN_MFA_CODE")
    lockout.check(call, session.user)
    account = call.cognito.account(session.user)
    step = totp.matching_step(account.totp_secret or "", typed, call.now)
    if step is None:
        lockout.count_failure(call, session.user)
        raise CodeMismatchException("Invalid code received for user")
    if not totp.mark_used(account, step):
        raise ExpiredCodeException("Your software token has already been used once.")
    return tokens.sign_in(call.cognito, app, session.user)


def set_up(call: Call, app: App, session: Session, _responses: dict[str, str]) -> dict[str, Any]:
    """Handle MFA_SETUP with the session that VerifySoftwareToken returned."""
    return tokens.sign_in(call.cognito, app, session.user)
