"""Password reset and password change."""

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import web

from service.api.audit_log import AuditEvent, emit
from service.api.cognito_call import CognitoCall, cognito_operation
from service.api.handlers.auth_config import password_rules
from service.api.operations import PASSWORD_ERRORS, TRIGGER_ERRORS, Success
from service.api.request_parsing import request_body
from service.api.schemas import passwords as schemas
from service.api.schemas.accounts import SentSchema, UsernameSchema
from service.domain import errors
from service.domain.errors import ServiceError
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "passwords"
# The part of the request's deadline after which no session is ended any more: the password is changed by
# then, and 504 would deny it.
SHARE_OF_DEADLINE: Final = 0.8


@cognito_operation(
    "Request a code to set a new password",
    tag=TAG,
    body=UsernameSchema,
    answers={
        HTTPStatus.ACCEPTED: Success(
            "A code was sent if the account exists and has an address for it.", SentSchema
        )
    },
    limit=RateLimitedAction.FORGOT,
    audit=AuditEvent.PASSWORD_RESET_REQUESTED,
    refused=AuditEvent.PASSWORD_RESET_REQUEST_REFUSED,
)
async def forgot(call: CognitoCall) -> web.Response:
    """Send a code; the response does not reveal whether the account exists."""
    body = await call.load_body()
    async with call.guarded(
        account=body["username"], metadata=body["metadata"], pad_success=True
    ) as client:
        await call.provider.passwords.forgot(body["username"], client)
    return request_body.answer({}, status=HTTPStatus.ACCEPTED)


@cognito_operation(
    "Set a new password with the code that was sent",
    tag=TAG,
    body=schemas.ResetSchema,
    answers={HTTPStatus.NO_CONTENT: Success("The password was set.")},
    limit=RateLimitedAction.RESET,
    audit=AuditEvent.PASSWORD_RESET,
    refused=AuditEvent.PASSWORD_RESET_REFUSED,
    refusals=(*TRIGGER_ERRORS, *PASSWORD_ERRORS, errors.CodeMismatch),
)
async def reset(call: CognitoCall) -> web.Response:
    """
    Set a new password.

    A weak password is WeakPassword even where the code is wrong too: the user pool checks the password
    first for existing accounts only, which would reveal them.
    """
    body = await call.load_body()
    username, password = body["username"], body["password"]
    async with call.guarded(account=username, metadata=body["metadata"]) as client:
        try:
            await call.provider.passwords.reset(username, body["code"], password, client)
        except errors.CodeMismatch as mismatch:
            if password_rules(call.config.auth_config).allow(password):
                raise
            raise errors.WeakPassword from mismatch
        call.rate_limiter.password_reset(username, client.address)
    return web.Response(status=HTTPStatus.NO_CONTENT)


@cognito_operation(
    "Change the password",
    tag=TAG,
    body=schemas.ChangePasswordSchema,
    answers={
        HTTPStatus.NO_CONTENT: Success(
            "The password was changed; with signOutOthers, all is done."
        ),
        HTTPStatus.OK: Success(
            "The password was changed, but not all other sessions could be ended: "
            "DELETE /api/auth/sessions ends them.",
            schemas.OthersNotSignedOutSchema,
        ),
    },
    limit=RateLimitedAction.CHANGE_PASSWORD,
    audit=AuditEvent.PASSWORD_CHANGED,
    refused=AuditEvent.PASSWORD_CHANGE_REFUSED,
    refusals=(*PASSWORD_ERRORS, errors.InvalidCredentials),
)
async def change(call: CognitoCall) -> web.Response:
    """
    Change the caller's password, and end the other sessions if the body asks for it.

    The sessions are listed first: if that is not possible, nothing is changed.
    """
    ends_at_s = asyncio.get_running_loop().time() + (
        call.config.server.request_deadline_s * SHARE_OF_DEADLINE
    )
    body = await call.load_body()
    sign_out_others = body["sign_out_others"]
    async with call.guarded():
        if sign_out_others:
            await call.provider.user_sessions.active(call.access_token)
        await call.provider.passwords.change(
            call.access_token, body["current_password"], body["new_password"]
        )
        signed_out_others = not sign_out_others or await _others_signed_out(call, ends_at_s)
    if signed_out_others:
        return web.Response(status=HTTPStatus.NO_CONTENT)
    return request_body.answer({"signedOutOthers": False})


async def _others_signed_out(call: CognitoCall, ends_at_s: float) -> bool:
    """Return whether all other sessions were ended until *ends_at_s* of the loop's clock."""
    try:
        async with asyncio.timeout_at(ends_at_s):
            await call.provider.user_sessions.revoke_others(call.access_token)
    except (ServiceError, TimeoutError) as error:
        refusal = error if isinstance(error, ServiceError) else errors.DeadlineExceeded()
        emit(call.request, AuditEvent.SIGN_OUT_REFUSED, sub=call.sub, refusal=refusal)
        return False
    emit(call.request, AuditEvent.OTHER_SESSIONS_REVOKED, sub=call.sub)
    return True
