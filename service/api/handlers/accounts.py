"""Sign-up and confirmation of accounts."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from service.api import sign_in_steps
from service.api.audit_log import AuditEvent, emit
from service.api.cognito_call import CognitoCall, cognito_operation
from service.api.cognito_guard import MAX_DEADLINE_SHARE
from service.api.handlers.auth_config import password_rules, signs_in_by_code
from service.api.handlers.sessions import outcome_data
from service.api.operations import DELIVERY_ERRORS, PASSWORD_ERRORS, TRIGGER_ERRORS, Success
from service.api.request_parsing import request_body
from service.api.schemas import accounts as schemas
from service.domain import errors
from service.domain.accounts import Delivery, SignedUp
from service.domain.client import Client
from service.domain.errors import DeadlineExceeded, ServiceError
from service.domain.sessions import Tokens
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "accounts"
CONTACTS: Final = ("email", "phone_number")  # addresses that Cognito sends codes to
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
    Create an account, without a password only where a one-time code is one of the first factors.

    With `uniform-signup` an existing user name, and a new one whose message was not sent, get the
    response of a new account. The password rules are checked first: Cognito would refuse a weak password
    for new names only.
    """
    auth, options = call.config.auth, call.config.auth_config
    account, metadata = await call.load_body(
        writable_attributes=auth.writable_attributes,
        requires_password=not signs_in_by_code(options),
    )
    async with call.guarded(
        account=account.username,
        metadata=metadata,
        recipients=recipients_of(account.attributes),
        pad_success=auth.uniform_signup,
    ) as client:
        if (
            auth.uniform_signup
            and account.password is not None
            and not password_rules(options).allow(account.password)
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
    answers={
        HTTPStatus.OK: Success(
            "The account is confirmed. With the session of the sign-up, the user is signed in: there are "
            "tokens, or a challenge. There is neither if the session has expired or the sign-in failed.",
            schemas.ConfirmedSchema,
        )
    },
    limit=RateLimitedAction.CONFIRM,
    refused=AuditEvent.CONFIRMATION_REFUSED,
    refusals=(*TRIGGER_ERRORS, errors.AliasExists, errors.CodeMismatch),
)
async def confirm(call: CognitoCall) -> web.Response:
    """Confirm an account, and sign its user in with the session of the sign-up."""
    deadline_s = call.config.server.request_deadline_s * MAX_DEADLINE_SHARE
    ends_at_s = asyncio.get_running_loop().time() + deadline_s
    body = await call.load_body()
    username = body["username"]
    async with call.guarded(account=username, metadata=body["metadata"]) as client:
        session = await call.provider.registrations.confirm(
            username, body["code"], client, body["session"]
        )
    emit(call.request, AuditEvent.CONFIRMED, account=username)
    signed_in: Mapping[str, object] = {}
    if session is not None:
        signed_in = await _signed_in(call, username, session, client, ends_at_s=ends_at_s)
    return request_body.answer({"confirmed": True, **signed_in})


async def _signed_in(
    call: CognitoCall, username: str, session: str, client: Client, *, ends_at_s: float
) -> Mapping[str, object]:
    """
    Return the members of the response that sign the user in; none if that fails.

    The account is confirmed by then, which an error would deny: after *ends_at_s* of the loop's clock,
    just before the request's deadline, the sign-in is given up.
    """
    action, limiter = RateLimitedAction.BEGIN, call.rate_limiter
    try:
        with limiter.admit(action, address=client.address):
            async with asyncio.timeout_at(ends_at_s):
                outcome = await call.provider.sessions.continue_sign_up(username, session, client)
        sign_in_steps.record_step(limiter, username, client, outcome, completes_first_factor=True)
        data = outcome_data(call.request, outcome, username)
    except (ServiceError, TimeoutError) as failure:
        refusal = failure if isinstance(failure, ServiceError) else DeadlineExceeded()
        event = AuditEvent.SIGN_IN_REFUSED
        emit(call.request, event, account=username, refusal=refusal)
        return {}
    return {"tokens": data} if isinstance(outcome, Tokens) else data


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
    async with call.guarded(
        account=body["username"], metadata=body["metadata"], pad_success=True
    ) as client:
        await call.provider.registrations.resend_code(body["username"], client)
    return request_body.answer({}, status=HTTPStatus.ACCEPTED)


def _signed_up(signed_up: SignedUp) -> Mapping[str, object]:
    data: dict[str, object] = {"confirmed": signed_up.confirmed}
    if signed_up.user_id is not None:
        data["userId"] = signed_up.user_id
    if signed_up.delivery is not None:
        data["delivery"] = delivery_data(signed_up.delivery)
    if signed_up.session is not None:
        data["session"] = signed_up.session
    return data


def delivery_data(delivery: Delivery) -> Mapping[str, str]:
    """Return a delivery in the form of DeliverySchema."""
    return {
        "medium": delivery.medium,
        "destination": delivery.destination,
        "attribute": delivery.attribute,
    }


def recipients_of(attributes: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the addresses in *attributes* that Cognito may send a code to."""
    return tuple(value for name in CONTACTS if (value := attributes.get(name)))
