"""Passwords: resetting a forgotten one, changing one's own."""

from http import HTTPStatus

from aiohttp import web

from service.api import account_body, keys, request_body
from service.api.audit_log import AuditEvent, emit
from service.api.cognito_guard import RATE_LIMITER, guarded_call
from service.api.handlers.auth_config import offered_rules
from service.api.operations import OF_A_PASSWORD, OF_A_TRIGGER, OF_COGNITO, Answer, operation
from service.api.schemas import passwords as schemas
from service.api.schemas.accounts import SentSchema, UsernameSchema
from service.domain import errors
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "passwords"


@operation(
    "Ask for a code to set a new password",
    tag=TAG,
    body=UsernameSchema,
    answers={
        HTTPStatus.ACCEPTED: Answer(
            "A code is on its way, if there is an account that can be sent one.", SentSchema
        )
    },
    refusals=OF_COGNITO,
)
async def forgot(request: web.Request) -> web.Response:
    """Send a code; the answer is the same whether there is such an account or not."""
    body = await account_body.load(
        request,
        RateLimitedAction.FORGOT,
        UsernameSchema(),
        refused=AuditEvent.PASSWORD_RESET_REQUEST_REFUSED,
    )
    username = body["username"]
    async with guarded_call(
        request,
        RateLimitedAction.FORGOT,
        refused=AuditEvent.PASSWORD_RESET_REQUEST_REFUSED,
        account=username,
        pad_success=True,
    ) as client:
        await request.app[keys.IDENTITY_PROVIDER].passwords.forgot(username, client)
    emit(request, AuditEvent.PASSWORD_RESET_REQUESTED, account=username)
    return request_body.answer({}, status=HTTPStatus.ACCEPTED)


@operation(
    "Set a new password with the code that was sent",
    tag=TAG,
    body=schemas.ResetSchema,
    answers={HTTPStatus.NO_CONTENT: Answer("The new password is in use.")},
    refusals=(*OF_COGNITO, *OF_A_TRIGGER, *OF_A_PASSWORD, errors.CodeMismatch),
)
async def reset(request: web.Request) -> web.Response:
    """
    Set a new password.

    Whether the user pool looks at the password or at the code first, a weak password is all that is
    said: of a user name without an account the pool would never weigh it.
    """
    body = await account_body.load(
        request,
        RateLimitedAction.RESET,
        schemas.ResetSchema(),
        refused=AuditEvent.PASSWORD_RESET_REFUSED,
    )
    username, password = body["username"], body["password"]
    async with guarded_call(
        request,
        RateLimitedAction.RESET,
        refused=AuditEvent.PASSWORD_RESET_REFUSED,
        account=username,
    ) as client:
        try:
            await request.app[keys.IDENTITY_PROVIDER].passwords.reset(
                username, body["code"], password, client
            )
        except errors.CodeMismatch as mismatch:
            if offered_rules(request.app[keys.CONFIG].auth_config).allow(password):
                raise
            raise errors.WeakPassword from mismatch
        request.app[RATE_LIMITER].password_reset(username, client.address)
    emit(request, AuditEvent.PASSWORD_RESET, account=username)
    return web.Response(status=HTTPStatus.NO_CONTENT)


@operation(
    "Change the password",
    tag=TAG,
    body=schemas.ChangePasswordSchema,
    answers={HTTPStatus.NO_CONTENT: Answer("The new password is in use.")},
    refusals=(*OF_COGNITO, *OF_A_PASSWORD, errors.InvalidCredentials),
)
async def change(request: web.Request) -> web.Response:
    """Change the caller's password."""
    body = await account_body.load(
        request,
        RateLimitedAction.CHANGE_PASSWORD,
        schemas.ChangePasswordSchema(),
        refused=AuditEvent.PASSWORD_CHANGE_REFUSED,
    )
    access_token = request[keys.ACCESS_TOKEN]
    async with guarded_call(
        request, RateLimitedAction.CHANGE_PASSWORD, refused=AuditEvent.PASSWORD_CHANGE_REFUSED
    ):
        await request.app[keys.IDENTITY_PROVIDER].passwords.change(
            access_token, body["current_password"], body["new_password"]
        )
    emit(request, AuditEvent.PASSWORD_CHANGED, sub=request[keys.IDENTITY].sub)
    return web.Response(status=HTTPStatus.NO_CONTENT)
