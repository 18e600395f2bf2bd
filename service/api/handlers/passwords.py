"""Password reset and password change."""

from http import HTTPStatus

from aiohttp import web

from service.api import request_body
from service.api.audit_log import AuditEvent
from service.api.cognito_call import CognitoCall, cognito_operation
from service.api.handlers.auth_config import password_rules
from service.api.operations import PASSWORD_ERRORS, TRIGGER_ERRORS, Success
from service.api.schemas import passwords as schemas
from service.api.schemas.accounts import SentSchema, UsernameSchema
from service.domain import errors
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "passwords"


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
    answers={HTTPStatus.NO_CONTENT: Success("The password was changed.")},
    limit=RateLimitedAction.CHANGE_PASSWORD,
    audit=AuditEvent.PASSWORD_CHANGED,
    refused=AuditEvent.PASSWORD_CHANGE_REFUSED,
    refusals=(*PASSWORD_ERRORS, errors.InvalidCredentials),
)
async def change(call: CognitoCall) -> web.Response:
    """Change the caller's password."""
    body = await call.load_body()
    async with call.guarded():
        await call.provider.passwords.change(
            call.access_token, body["current_password"], body["new_password"]
        )
    return web.Response(status=HTTPStatus.NO_CONTENT)
