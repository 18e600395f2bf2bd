"""Sign-up and confirmation of accounts."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from service.api import request_body
from service.api.audit_log import AuditEvent, emit
from service.api.cognito_call import CognitoCall, cognito_operation
from service.api.handlers.auth_config import password_rules
from service.api.handlers.deliveries import delivery_data, recipients_of
from service.api.operations import DELIVERY_ERRORS, PASSWORD_ERRORS, TRIGGER_ERRORS, Success
from service.api.schemas import accounts as schemas
from service.domain import errors
from service.domain.accounts import SignedUp
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "accounts"
UNIFORM: Final = {"confirmed": False}  # an id or a delivery would reveal that the account is new


@cognito_operation(
    "Sign up",
    tag=TAG,
    body=schemas.SignUpSchema,
    answers={HTTPStatus.CREATED: Success("The account was created.", schemas.SignedUpSchema)},
    limit=RateLimitedAction.SIGN_UP,
    refused=AuditEvent.SIGN_UP_REFUSED,
    refusals=(
        *TRIGGER_ERRORS,
        *DELIVERY_ERRORS,
        *PASSWORD_ERRORS,
        errors.AccountExists,
        errors.SignUpDisabled,
    ),
)
async def sign_up(call: CognitoCall) -> web.Response:
    """
    Create an account.

    With `uniform-signup` an existing user name, and a new one whose message was not sent, get the
    response of a new account. The password rules are checked first: Cognito would refuse a weak password
    for new names only.
    """
    auth = call.config.auth
    account = await call.load_body(writable_attributes=auth.writable_attributes)
    async with call.guarded(
        account=account.username,
        recipients=recipients_of(account.attributes),
        pad_success=auth.uniform_signup,
    ) as client:
        if auth.uniform_signup and not password_rules(call.config.auth_config).allow(
            account.password
        ):
            raise errors.WeakPassword
        try:
            signed_up = await call.provider.registrations.sign_up(account, client)
        except (errors.AccountExists, errors.DeliveryFailed, errors.TooManyAttempts) as refusal:
            if not auth.uniform_signup:
                raise
            event = AuditEvent.SIGN_UP_REFUSED
            emit(call.request, event, account=account.username, refusal=refusal)
            return request_body.answer(UNIFORM, status=HTTPStatus.CREATED)
        emit(call.request, AuditEvent.SIGNED_UP, sub=signed_up.user_id, account=account.username)
    data = UNIFORM if auth.uniform_signup else _signed_up(signed_up)
    return request_body.answer(data, status=HTTPStatus.CREATED)


@cognito_operation(
    "Confirm an account with the code that was sent",
    tag=TAG,
    body=schemas.ConfirmSchema,
    answers={HTTPStatus.OK: Success("The account is confirmed.", schemas.ConfirmedSchema)},
    limit=RateLimitedAction.CONFIRM,
    audit=AuditEvent.CONFIRMED,
    refused=AuditEvent.CONFIRMATION_REFUSED,
    refusals=(*TRIGGER_ERRORS, errors.AliasExists, errors.CodeMismatch),
)
async def confirm(call: CognitoCall) -> web.Response:
    """Confirm an account."""
    body = await call.load_body()
    async with call.guarded(account=body["username"]) as client:
        await call.provider.registrations.confirm(body["username"], body["code"], client)
    return request_body.answer({"confirmed": True})


@cognito_operation(
    "Send a new confirmation code",
    tag=TAG,
    body=schemas.UsernameSchema,
    answers={
        HTTPStatus.ACCEPTED: Success(
            "A code was sent if the account exists and is not confirmed.", schemas.SentSchema
        )
    },
    limit=RateLimitedAction.RESEND,
    audit=AuditEvent.CODE_REQUESTED,
    refused=AuditEvent.CODE_REQUEST_REFUSED,
)
async def resend_code(call: CognitoCall) -> web.Response:
    """Send a new code; the response does not reveal whether the account exists."""
    body = await call.load_body()
    async with call.guarded(account=body["username"], pad_success=True) as client:
        await call.provider.registrations.resend_code(body["username"], client)
    return request_body.answer({}, status=HTTPStatus.ACCEPTED)


def _signed_up(signed_up: SignedUp) -> Mapping[str, object]:
    data: dict[str, object] = {"confirmed": signed_up.confirmed}
    if signed_up.user_id is not None:
        data["userId"] = signed_up.user_id
    if signed_up.delivery is not None:
        data["delivery"] = delivery_data(signed_up.delivery)
    return data
