"""Accounts: signing up and confirming."""

from http import HTTPStatus

from aiohttp import web

from service.domain import errors
from service.domain.accounts import Delivery
from service.web import bodies, keys
from service.web.operations import OF_A_TRIGGER, OF_COGNITO, OF_SENDING, Answer, operation
from service.web.schemas import accounts as schemas

TAG = "accounts"


@operation(
    "Sign up",
    tag=TAG,
    body=schemas.SignUpSchema,
    answers={HTTPStatus.CREATED: Answer("The account was created.", schemas.SignedUpSchema)},
    refusals=(
        *OF_COGNITO,
        *OF_A_TRIGGER,
        *OF_SENDING,
        errors.AccountExists,
        errors.PasswordReused,
        errors.SignUpDisabled,
        errors.WeakPassword,
    ),
)
async def sign_up(request: web.Request) -> web.Response:
    """Create an account."""
    writable = request.app[keys.CONFIG].auth.writable_attributes
    account = await bodies.load(request, schemas.SignUpSchema(writable_attributes=writable))
    signed_up = await request.app[keys.IDENTITY_PROVIDER].sign_up(account)
    data: dict[str, object] = {"userId": signed_up.user_id, "confirmed": signed_up.confirmed}
    if signed_up.delivery is not None:
        data["delivery"] = _delivery(signed_up.delivery)
    return bodies.answer(data, status=HTTPStatus.CREATED)


@operation(
    "Confirm an account with the code that was sent",
    tag=TAG,
    body=schemas.ConfirmSchema,
    answers={HTTPStatus.OK: Answer("The account is confirmed.", schemas.ConfirmedSchema)},
    refusals=(
        *OF_COGNITO,
        *OF_A_TRIGGER,
        errors.AliasExists,
        errors.CodeMismatch,
        errors.TooManyAttempts,
    ),
)
async def confirm(request: web.Request) -> web.Response:
    """Confirm an account."""
    body = await bodies.load(request, schemas.ConfirmSchema())
    await request.app[keys.IDENTITY_PROVIDER].confirm(body["username"], body["code"])
    return bodies.answer({"confirmed": True})


@operation(
    "Send a new confirmation code",
    tag=TAG,
    body=schemas.UsernameSchema,
    answers={
        HTTPStatus.ACCEPTED: Answer(
            "A code is on its way, if there is an account that waits for one.",
            schemas.ResentSchema,
        )
    },
    refusals=(*OF_COGNITO, *OF_A_TRIGGER, *OF_SENDING),
)
async def resend_code(request: web.Request) -> web.Response:
    """Send a new code; the answer is the same whether there is such an account or not."""
    body = await bodies.load(request, schemas.UsernameSchema())
    await request.app[keys.IDENTITY_PROVIDER].resend_code(body["username"])
    return bodies.answer({}, status=HTTPStatus.ACCEPTED)


def _delivery(delivery: Delivery) -> dict[str, str]:
    return {
        "medium": delivery.medium,
        "destination": delivery.destination,
        "attribute": delivery.attribute,
    }
