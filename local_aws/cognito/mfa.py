"""Setup of time-based one-time passwords (TOTP)."""

from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito import totp
from local_aws.cognito.directory import find_app
from local_aws.cognito.errors import (
    EnableSoftwareTokenMFAException,
    InvalidParameterException,
    SoftwareTokenMFANotFoundException,
)
from local_aws.cognito.sign_in import challenge_sessions, second_factors
from local_aws.cognito.state import Call
from local_aws.cognito.tokens import bearer


def _user(call: Call) -> tuple[Pool, User]:
    """Return the user of the access token, or of the session of an MFA_SETUP challenge."""
    if "AccessToken" in call.parameters:
        grant = bearer(call)
        return grant.pool, grant.user
    if "Session" not in call.parameters:
        raise InvalidParameterException("Missing required parameter AccessToken or Session")
    session = challenge_sessions.require(
        call, call.parameters["Session"], challenge_sessions.MFA_SETUP
    )
    return session.pool, session.user


def _next_session(call: Call, name: str) -> dict[str, str]:
    """Replace the call's session, if it has one, by the next one."""
    if "AccessToken" in call.parameters:
        return {}
    session = call.cognito.sessions.pop(call.parameters["Session"])
    app = find_app(session.client_id)
    return {"Session": challenge_sessions.issue(call.cognito, app, session.user, name)}


def associate_software_token(call: Call) -> dict[str, Any]:
    """Return a new secret; the current one stays valid until the new one is verified."""
    pool, user = _user(call)
    if pool.mfa_config == "OFF" or not (pool.token_mfa_config or {}).get("Enabled"):
        raise SoftwareTokenMFANotFoundException
    secret = totp.new_secret()
    call.cognito.account(user).new_totp_secret = secret
    return {"SecretCode": secret} | _next_session(call, challenge_sessions.MFA_SETUP)


def verify_software_token(call: Call) -> dict[str, Any]:
    """Activate the associated secret."""
    _, user = _user(call)
    account = call.cognito.account(user)
    if account.new_totp_secret is None:
        raise SoftwareTokenMFANotFoundException(
            "Software Token MFA has not been associated for the user"
        )
    step = totp.matching_step(account.new_totp_secret, call.parameters["UserCode"], call.now)
    if step is None:
        raise EnableSoftwareTokenMFAException
    account.totp_secret, account.new_totp_secret = account.new_totp_secret, None
    account.used_totp_steps = {step}
    account.totp_device_name = call.parameters.get("FriendlyDeviceName", "")
    user.token_verified = True
    if "AccessToken" not in call.parameters:  # setup during a sign-in also enables it
        user.software_token_mfa_enabled = True
        user.preferred_mfa_setting = second_factors.TOTP
    return {"Status": "SUCCESS"} | _next_session(call, challenge_sessions.MFA_SET_UP)
