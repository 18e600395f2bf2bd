"""The signed-in user's own account: reading, changing, proving an address, deleting."""

from http import HTTPStatus

from aiohttp import web

from service.api import account_body, http_errors, keys, request_body
from service.api.audit_log import AuditEvent, emit
from service.api.cognito_guard import guarded_call
from service.api.handlers.deliveries import delivery_data, recipients_of
from service.api.operations import OF_A_TRIGGER, OF_COGNITO, OF_SENDING, Answer, operation
from service.api.schemas import own_account as schemas
from service.domain import errors
from service.domain.account_deletion import delete_account
from service.domain.accounts import account_of
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "own account"


@operation(
    "Read the account",
    tag=TAG,
    answers={HTTPStatus.OK: Answer("The account.", schemas.AccountSchema)},
    refusals=OF_COGNITO,
    operation_id="readAccount",
)
async def show(request: web.Request) -> web.Response:
    """Answer with the caller's account."""
    async with guarded_call(request, RateLimitedAction.READ):
        account = await account_of(
            request.app[keys.IDENTITY_PROVIDER].own_account,
            request[keys.ACCESS_TOKEN],
            sub=request[keys.IDENTITY].sub,
        )
    return request_body.answer(
        {
            "userId": account.user_id,
            "username": account.username,
            "attributes": dict(account.attributes),
        }
    )


@operation(
    "Change attributes",
    tag=TAG,
    body=schemas.ChangeAttributesSchema,
    body_types=request_body.PATCHES,
    answers={
        HTTPStatus.OK: Answer(
            "The attributes were changed; null removed one. A new address waits for its code.",
            schemas.ChangedSchema,
        )
    },
    refusals=(
        *OF_COGNITO,
        *OF_A_TRIGGER,
        *OF_SENDING,
        errors.AliasExists,
        errors.CodeExpired,
        errors.CodeMismatch,
    ),
    operation_id="changeAttributes",
)
async def change(request: web.Request) -> web.Response:
    """Change the caller's attributes."""
    writable = request.app[keys.CONFIG].auth.writable_attributes
    schema = schemas.ChangeAttributesSchema(writable_attributes=writable)
    changes = await account_body.load(
        request,
        RateLimitedAction.UPDATE,
        schema,
        types=request_body.PATCHES,
        refused=AuditEvent.ATTRIBUTE_CHANGE_REFUSED,
    )
    access_token = request[keys.ACCESS_TOKEN]
    async with guarded_call(
        request,
        RateLimitedAction.UPDATE,
        recipients=recipients_of(changes),
        refused=AuditEvent.ATTRIBUTE_CHANGE_REFUSED,
    ):
        deliveries = await request.app[keys.IDENTITY_PROVIDER].own_account.change_attributes(
            access_token, changes
        )
    emit(request, AuditEvent.ATTRIBUTES_CHANGED, sub=request[keys.IDENTITY].sub)
    data: dict[str, object] = {}
    if deliveries:
        data["delivery"] = delivery_data(deliveries[0])
    if len(deliveries) > 1:
        data["deliveries"] = [*map(delivery_data, deliveries)]
    return request_body.answer(data)


@operation(
    "Send a code that proves an e-mail address or a telephone number",
    tag=TAG,
    body=schemas.AttributeSchema,
    answers={HTTPStatus.ACCEPTED: Answer("The code is on its way.", schemas.CodeSentSchema)},
    refusals=(*OF_COGNITO, *OF_A_TRIGGER, *OF_SENDING),
    operation_id="sendVerification",
)
async def send_verification(request: web.Request) -> web.Response:
    """Send a code to the caller's own address, which is read first: its messages are limited."""
    body = await account_body.load(
        request,
        RateLimitedAction.UPDATE,
        schemas.AttributeSchema(),
        refused=AuditEvent.CODE_REQUEST_REFUSED,
    )
    attribute = body["attribute"]
    access_token = request[keys.ACCESS_TOKEN]
    own_account = request.app[keys.IDENTITY_PROVIDER].own_account
    refused = AuditEvent.CODE_REQUEST_REFUSED
    async with guarded_call(request, RateLimitedAction.READ, refused=refused):
        attributes = (await own_account.describe(access_token)).attributes
    recipient = attributes.get(attribute)
    recipients = () if recipient is None else (recipient,)
    async with guarded_call(
        request, RateLimitedAction.UPDATE, recipients=recipients, refused=refused
    ):
        delivery = await own_account.send_verification(access_token, attribute)
    emit(request, AuditEvent.CODE_REQUESTED, sub=request[keys.IDENTITY].sub)
    return request_body.answer({"delivery": delivery_data(delivery)}, status=HTTPStatus.ACCEPTED)


@operation(
    "Prove an e-mail address or a telephone number with its code",
    tag=TAG,
    body=schemas.VerifySchema,
    answers={HTTPStatus.NO_CONTENT: Answer("The attribute is proved.")},
    refusals=(*OF_COGNITO, errors.AliasExists, errors.CodeExpired, errors.CodeMismatch),
    operation_id="verifyAttribute",
)
async def verify(request: web.Request) -> web.Response:
    """Prove the caller's own address."""
    body = await account_body.load(
        request,
        RateLimitedAction.UPDATE,
        schemas.VerifySchema(),
        refused=AuditEvent.ATTRIBUTE_VERIFICATION_REFUSED,
    )
    access_token = request[keys.ACCESS_TOKEN]
    async with guarded_call(
        request, RateLimitedAction.UPDATE, refused=AuditEvent.ATTRIBUTE_VERIFICATION_REFUSED
    ):
        await request.app[keys.IDENTITY_PROVIDER].own_account.verify(
            access_token, body["attribute"], body["code"]
        )
    emit(request, AuditEvent.ATTRIBUTE_VERIFIED, sub=request[keys.IDENTITY].sub)
    return web.Response(status=HTTPStatus.NO_CONTENT)


@operation(
    "Delete the account and the profile",
    tag=TAG,
    answers={HTTPStatus.NO_CONTENT: Answer("The account and the profile are gone.")},
    refusals=(*OF_COGNITO, http_errors.CrossSiteRefused),
    operation_id="deleteAccount",
)
async def delete(request: web.Request) -> web.Response:
    """Delete the caller's account and profile; repeated, it finishes what a failure left."""
    async with guarded_call(
        request, RateLimitedAction.UPDATE, refused=AuditEvent.ACCOUNT_DELETION_REFUSED
    ):
        await delete_account(
            request.app[keys.IDENTITY_PROVIDER].own_account,
            request.app[keys.PROFILE_STORE],
            request[keys.ACCESS_TOKEN],
            sub=request[keys.IDENTITY].sub,
        )
    emit(request, AuditEvent.ACCOUNT_DELETED, sub=request[keys.IDENTITY].sub)
    return web.Response(status=HTTPStatus.NO_CONTENT)
