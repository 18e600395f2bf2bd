"""The signed-in user's active sessions."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from service.api import http_errors
from service.api.audit_log import AuditEvent
from service.api.cognito_call import CognitoCall, cognito_operation
from service.api.operations import PathParameter, Success
from service.api.request_parsing import request_body
from service.api.schemas import user_sessions as schemas
from service.domain import errors
from service.domain.user_sessions import UserSession
from service.domain.values.json_values import drop_none
from service.domain.values.timestamps import timestamp
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "active sessions"
LINKED: Final = "linked"
FLAG_VALUES: Final = {"true": True, "false": False}


@cognito_operation(
    "List the active sessions",
    tag=TAG,
    answers={HTTPStatus.OK: Success("The sessions.", schemas.UserSessionsSchema)},
    limit=RateLimitedAction.READ,
    operation_id="listSessions",
)
async def show(call: CognitoCall) -> web.Response:
    """Return the caller's active sessions."""
    async with call.guarded():
        found = await call.provider.user_sessions.active(call.access_token)
    return request_body.answer({"sessions": [*map(session_data, found)]})


@cognito_operation(
    "End another session",
    tag=TAG,
    flags={
        LINKED: "Also end the SSO session that it came through, or the sessions that came through it."
    },
    answers={HTTPStatus.NO_CONTENT: Success("The session has ended: its tokens are invalid.")},
    limit=RateLimitedAction.UPDATE,
    audit=AuditEvent.SESSION_REVOKED,
    refused=AuditEvent.SIGN_OUT_REFUSED,
    refusals=(
        http_errors.CrossSiteRefused,
        errors.InvalidFields,
        errors.SessionIsCurrent,
        errors.SessionNotFound,
    ),
    path={
        "id": PathParameter(
            "The `id` of a session in the list.", "3f9d2c1b-6a7e-4d58-9b0c-1e2f3a4b5c6d"
        )
    },
    operation_id="revokeSession",
)
async def revoke(call: CognitoCall) -> web.Response:
    """End one of the caller's other sessions."""
    linked = _linked(call.request)
    async with call.guarded():
        await call.provider.user_sessions.revoke(
            call.access_token, call.request.match_info["id"], linked=linked
        )
    return web.Response(status=HTTPStatus.NO_CONTENT)


# One call of the limits, though Cognito gets one for each session: a sign-in was counted for each.
@cognito_operation(
    "End all other sessions",
    tag=TAG,
    answers={HTTPStatus.NO_CONTENT: Success("All sessions but the current one have ended.")},
    limit=RateLimitedAction.UPDATE,
    audit=AuditEvent.OTHER_SESSIONS_REVOKED,
    refused=AuditEvent.SIGN_OUT_REFUSED,
    refusals=(http_errors.CrossSiteRefused,),
    operation_id="revokeOtherSessions",
)
async def revoke_others(call: CognitoCall) -> web.Response:
    """End all of the caller's sessions but the current one."""
    async with call.guarded():
        await call.provider.user_sessions.revoke_others(call.access_token)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _linked(request: web.Request) -> bool:
    """Return the query parameter; raises InvalidFields unless it is missing, or once true or false."""
    values = request.query.getall(LINKED, ["false"])
    if len(values) != 1 or values[0] not in FLAG_VALUES:
        raise errors.InvalidFields.of(LINKED, "Must be true or false.")
    return FLAG_VALUES[values[0]]


def session_data(session: UserSession) -> Mapping[str, object]:
    """Return the JSON of a session."""
    data: dict[str, object] = {
        "id": session.session_id,
        "kind": session.kind,
        "clientId": session.client_id,
        "createdAt": timestamp(session.created_at),
        "lastActiveAt": timestamp(session.last_active_at),
        "current": session.current,
    }
    location = drop_none({"city": session.city, "country": session.country})
    details = {
        "device": session.device,
        "address": session.address,
        "location": location or None,
    }
    return data | drop_none(details)
