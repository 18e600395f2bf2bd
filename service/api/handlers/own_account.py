"""The signed-in user's account: reading, attributes, verification and deletion."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from service.api import http_errors, keys
from service.api.audit_log import AuditEvent
from service.api.cognito_call import CognitoCall, cognito_operation
from service.api.handlers.accounts import delivery_data, recipients_of
from service.api.middlewares import refresh_cookie
from service.api.operations import DELIVERY_ERRORS, TRIGGER_ERRORS, Success
from service.api.request_parsing import request_body
from service.api.schemas import own_account as schemas
from service.domain import errors
from service.domain.accounts import Account, account_of, delete_account
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "own account"


@cognito_operation(
    "Read the account",
    tag=TAG,
    answers={HTTPStatus.OK: Success("The account.", schemas.AccountSchema)},
    limit=RateLimitedAction.READ,
    operation_id="readAccount",
)
async def show(call: CognitoCall) -> web.Response:
    """Return the caller's account."""
    async with call.guarded():
        account = await account_of(call.provider.own_account, call.access_token, sub=call.sub)
    return request_body.answer(account_data(account))


def account_data(account: Account) -> Mapping[str, object]:
    """Return the JSON of an account."""
    return {
        "userId": account.user_id,
        "username": account.username,
        "attributes": dict(account.attributes),
    }


@cognito_operation(
    "Change attributes",
    tag=TAG,
    body=schemas.ChangeAttributesSchema,
    body_types=request_body.PATCHES,
    answers={
        HTTPStatus.OK: Success(
            "The attributes were changed; null removed one. A new address must be verified.",
            schemas.ChangedSchema,
        )
    },
    limit=RateLimitedAction.UPDATE,
    audit=AuditEvent.ATTRIBUTES_CHANGED,
    refused=AuditEvent.ATTRIBUTE_CHANGE_REFUSED,
    refusals=(
        *TRIGGER_ERRORS,
        *DELIVERY_ERRORS,
        errors.AliasExists,
        errors.CodeExpired,
        errors.CodeMismatch,
    ),
    operation_id="changeAttributes",
)
async def change(call: CognitoCall) -> web.Response:
    """Change the caller's attributes."""
    changes, metadata = await call.load_body(
        writable_attributes=call.config.auth.writable_attributes
    )
    async with call.guarded(metadata=metadata, recipients=recipients_of(changes)) as client:
        deliveries = await call.provider.own_account.change_attributes(
            call.access_token, changes, client
        )
    call.detail = " ".join(sorted(changes))
    data: dict[str, object] = {}
    if deliveries:
        data["delivery"] = delivery_data(deliveries[0])
    if len(deliveries) > 1:
        data["deliveries"] = [*map(delivery_data, deliveries)]
    return request_body.answer(data)


@cognito_operation(
    "Send a code that verifies an e-mail address or a telephone number",
    tag=TAG,
    body=schemas.AttributeSchema,
    answers={HTTPStatus.ACCEPTED: Success("The code was sent.", schemas.CodeSentSchema)},
    limit=RateLimitedAction.UPDATE,
    audit=AuditEvent.CODE_REQUESTED,
    refused=AuditEvent.CODE_REQUEST_REFUSED,
    refusals=(*TRIGGER_ERRORS, *DELIVERY_ERRORS),
    operation_id="sendVerification",
)
async def send_verification(call: CognitoCall) -> web.Response:
    """Send a code to the caller's address, which is read first to limit the messages to it."""
    body = await call.load_body()
    attribute = body["attribute"]
    own_account = call.provider.own_account
    async with call.guarded(RateLimitedAction.READ):
        attributes = (await own_account.describe(call.access_token)).attributes
    recipient = attributes.get(attribute)
    recipients = () if recipient is None else (recipient,)
    async with call.guarded(metadata=body["metadata"], recipients=recipients) as client:
        delivery = await own_account.send_verification(call.access_token, attribute, client)
    return request_body.answer({"delivery": delivery_data(delivery)}, status=HTTPStatus.ACCEPTED)


@cognito_operation(
    "Verify an e-mail address or a telephone number with its code",
    tag=TAG,
    body=schemas.VerifySchema,
    answers={HTTPStatus.NO_CONTENT: Success("The attribute is verified.")},
    limit=RateLimitedAction.UPDATE,
    audit=AuditEvent.ATTRIBUTE_VERIFIED,
    refused=AuditEvent.ATTRIBUTE_VERIFICATION_REFUSED,
    refusals=(errors.AliasExists, errors.CodeExpired, errors.CodeMismatch),
    operation_id="verifyAttribute",
)
async def verify(call: CognitoCall) -> web.Response:
    """Verify the caller's address."""
    body = await call.load_body()
    async with call.guarded():
        await call.provider.own_account.verify(call.access_token, body["attribute"], body["code"])
    call.detail = body["attribute"]
    return web.Response(status=HTTPStatus.NO_CONTENT)


@cognito_operation(
    "Delete the account and the profile",
    tag=TAG,
    answers={HTTPStatus.NO_CONTENT: Success("The account and the profile were deleted.")},
    limit=RateLimitedAction.UPDATE,
    audit=AuditEvent.ACCOUNT_DELETED,
    refused=AuditEvent.ACCOUNT_DELETION_REFUSED,
    refusals=(http_errors.CrossSiteRefused,),
    operation_id="deleteAccount",
)
async def delete(call: CognitoCall) -> web.Response:
    """Delete the caller's account and profile; a repeated call completes a failed one."""
    async with call.guarded():
        await delete_account(
            call.provider.own_account,
            call.request.app[keys.PROFILE_STORE],
            call.access_token,
            sub=call.sub,
        )
    refresh_cookie.clear(call.request)
    return web.Response(status=HTTPStatus.NO_CONTENT)
