"""Accounts: signing up and confirming."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from service.api import account_body, keys, request_body
from service.api.audit_log import AuditEvent, emit
from service.api.cognito_guard import guarded_call
from service.api.handlers.auth_config import offered_rules
from service.api.handlers.deliveries import delivery_data, recipients_of
from service.api.operations import (
    OF_A_PASSWORD,
    OF_A_TRIGGER,
    OF_COGNITO,
    OF_SENDING,
    Answer,
    operation,
)
from service.api.schemas import accounts as schemas
from service.domain import errors
from service.domain.accounts import SignedUp
from service.domain.errors import AccountExists, DeliveryFailed, TooManyAttempts, WeakPassword
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "accounts"
UNIFORM: Final = {"confirmed": False}  # an id or a delivery would tell whether the account is new


@operation(
    "Sign up",
    tag=TAG,
    body=schemas.SignUpSchema,
    answers={HTTPStatus.CREATED: Answer("The account was created.", schemas.SignedUpSchema)},
    refusals=(
        *OF_COGNITO,
        *OF_A_TRIGGER,
        *OF_SENDING,
        *OF_A_PASSWORD,
        errors.AccountExists,
        errors.SignUpDisabled,
    ),
)
async def sign_up(request: web.Request) -> web.Response:
    """
    Create an account.

    Where signing up is uniform, a user name that is taken gets the answer of a new account, and so does
    a new one whose message was not sent; the password rules are checked first, lest a weak password be
    refused for new names only.
    """
    auth, offer = request.app[keys.CONFIG].auth, request.app[keys.CONFIG].auth_config
    account = await account_body.load(
        request,
        RateLimitedAction.SIGN_UP,
        schemas.SignUpSchema(writable_attributes=auth.writable_attributes),
        refused=AuditEvent.SIGN_UP_REFUSED,
    )
    async with guarded_call(
        request,
        RateLimitedAction.SIGN_UP,
        refused=AuditEvent.SIGN_UP_REFUSED,
        account=account.username,
        recipients=recipients_of(account.attributes),
        pad_success=auth.uniform_signup,
    ) as client:
        if auth.uniform_signup and not offered_rules(offer).allow(account.password):
            raise WeakPassword
        try:
            signed_up = await request.app[keys.IDENTITY_PROVIDER].registrations.sign_up(
                account, client
            )
        except (AccountExists, DeliveryFailed, TooManyAttempts) as refusal:
            if not auth.uniform_signup:
                raise
            emit(
                request,
                AuditEvent.SIGN_UP_REFUSED,
                account=account.username,
                refusal=refusal,
            )
            return request_body.answer(UNIFORM, status=HTTPStatus.CREATED)
        emit(request, AuditEvent.SIGNED_UP, sub=signed_up.user_id, account=account.username)
        if auth.uniform_signup:
            return request_body.answer(UNIFORM, status=HTTPStatus.CREATED)
    return request_body.answer(_signed_up(signed_up), status=HTTPStatus.CREATED)


@operation(
    "Confirm an account with the code that was sent",
    tag=TAG,
    body=schemas.ConfirmSchema,
    answers={HTTPStatus.OK: Answer("The account is confirmed.", schemas.ConfirmedSchema)},
    refusals=(*OF_COGNITO, *OF_A_TRIGGER, errors.AliasExists, errors.CodeMismatch),
)
async def confirm(request: web.Request) -> web.Response:
    """Confirm an account."""
    body = await account_body.load(
        request,
        RateLimitedAction.CONFIRM,
        schemas.ConfirmSchema(),
        refused=AuditEvent.CONFIRMATION_REFUSED,
    )
    username = body["username"]
    async with guarded_call(
        request,
        RateLimitedAction.CONFIRM,
        refused=AuditEvent.CONFIRMATION_REFUSED,
        account=username,
    ) as client:
        await request.app[keys.IDENTITY_PROVIDER].registrations.confirm(
            username, body["code"], client
        )
    emit(request, AuditEvent.CONFIRMED, account=username)
    return request_body.answer({"confirmed": True})


@operation(
    "Send a new confirmation code",
    tag=TAG,
    body=schemas.UsernameSchema,
    answers={
        HTTPStatus.ACCEPTED: Answer(
            "A code is on its way, if there is an account that waits for one.", schemas.SentSchema
        )
    },
    refusals=OF_COGNITO,
)
async def resend_code(request: web.Request) -> web.Response:
    """Send a new code; the answer is the same whether there is such an account or not."""
    body = await account_body.load(
        request,
        RateLimitedAction.RESEND,
        schemas.UsernameSchema(),
        refused=AuditEvent.CODE_REQUEST_REFUSED,
    )
    username = body["username"]
    async with guarded_call(
        request,
        RateLimitedAction.RESEND,
        refused=AuditEvent.CODE_REQUEST_REFUSED,
        account=username,
        pad_success=True,
    ) as client:
        await request.app[keys.IDENTITY_PROVIDER].registrations.resend_code(username, client)
    emit(request, AuditEvent.CODE_REQUESTED, account=username)
    return request_body.answer({}, status=HTTPStatus.ACCEPTED)


def _signed_up(signed_up: SignedUp) -> Mapping[str, object]:
    data: dict[str, object] = {"confirmed": signed_up.confirmed}
    if signed_up.user_id is not None:
        data["userId"] = signed_up.user_id
    if signed_up.delivery is not None:
        data["delivery"] = delivery_data(signed_up.delivery)
    return data
