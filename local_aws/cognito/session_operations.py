"""Operations on tracked sessions, and on the pool's settings of them."""

from typing import Any

from local_aws.cognito import tracked_sessions
from local_aws.cognito.directory import find_pool
from local_aws.cognito.errors import (
    FeatureUnavailableInTierException,
    InvalidParameterException,
    OperationNotEnabledException,
    ResourceNotFoundException,
)
from local_aws.cognito.pool_factors import LITE
from local_aws.cognito.records import Grant
from local_aws.cognito.settings import setting
from local_aws.cognito.state import Call
from local_aws.cognito.tokens import bearer

UNKNOWN = "unknown"


def list_user_sessions(call: Call) -> dict[str, Any]:
    """Return the caller's active sessions, all in one page."""
    current, sessions = _sessions(call)
    if "NextToken" in call.parameters:
        raise InvalidParameterException("Invalid NextToken")
    return {"Sessions": [_described(grant, current=grant is current) for grant in sessions]}


def revoke_user_session(call: Call) -> dict[str, Any]:
    """Revoke all tokens of another session; no session is linked to one, as none is an SSO session."""
    current, sessions = _sessions(call)
    session_id = call.parameters["SessionId"]
    if current.session is not None and current.session.id == session_id:
        raise InvalidParameterException("The current session cannot be revoked.")
    for grant in sessions:
        if tracked_sessions.record(grant).id == session_id:
            grant.revoked = True
            return {}
    raise ResourceNotFoundException("Session does not exist.")


def _sessions(call: Call) -> tuple[Grant, list[Grant]]:
    """Return the caller's grant, and those of all active sessions."""
    grant = bearer(call)
    if not call.cognito.session_configuration(grant.pool).tracking:
        raise OperationNotEnabledException
    return grant, tracked_sessions.active(call.cognito.account(grant.user), call.now)


def _described(grant: Grant, *, current: bool) -> dict[str, Any]:
    session = tracked_sessions.record(grant)
    described = {
        "SessionId": session.id,
        "SessionType": "TOKEN",
        "ClientId": grant.client_id,
        "CreateDate": session.created_at,
        "LastActiveDate": session.last_active_at,
        "DeviceType": UNKNOWN,
        "LastLocation": {"Country": UNKNOWN},
        "IsCurrentSession": current,
    }
    return described | ({} if session.address is None else {"LastIPAddress": session.address})


def get_configuration(call: Call) -> dict[str, Any]:
    """Return the pool's settings."""
    pool_id = call.parameters["UserPoolId"]
    configuration = call.cognito.session_configuration(find_pool(pool_id))
    return {
        "UserPoolId": pool_id,
        "UserSessionTracking": "ENABLED" if configuration.tracking else "DISABLED",
        "TokenSession": {"MaxPerUser": configuration.max_per_user},
    }


def set_configuration(call: Call) -> dict[str, Any]:
    """Replace the pool's settings; the pool must have the Essentials or Plus plan."""
    pool = find_pool(call.parameters["UserPoolId"])
    if setting(pool, "UserPoolTier", "") == LITE:
        raise FeatureUnavailableInTierException
    most = call.parameters["TokenSession"]["MaxPerUser"]
    configuration = call.cognito.session_configuration(pool)
    configuration.tracking = call.parameters["UserSessionTracking"] == "ENABLED"
    configuration.max_per_user = most
    return get_configuration(call)
