"""The signed-in user's passkeys."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from service.api import account_body, http_errors, keys, request_body
from service.api.audit_log import AuditEvent, emit
from service.api.cognito_guard import guarded_call
from service.api.operations import OF_COGNITO, Answer, operation
from service.api.schemas import passkeys as schemas
from service.domain import errors
from service.domain.passkeys import Passkey
from service.domain.timestamps import timestamp
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "passkeys"


@operation(
    "List the passkeys",
    tag=TAG,
    answers={HTTPStatus.OK: Answer("The passkeys.", schemas.PasskeysSchema)},
    refusals=OF_COGNITO,
    operation_id="listPasskeys",
)
async def show(request: web.Request) -> web.Response:
    """Answer with the caller's passkeys."""
    async with guarded_call(request, RateLimitedAction.READ):
        found = await request.app[keys.IDENTITY_PROVIDER].passkeys.registered(
            request[keys.ACCESS_TOKEN]
        )
    return request_body.answer({"passkeys": [*map(_passkey, found)]})


@operation(
    "Get the options for making a passkey",
    tag=TAG,
    answers={HTTPStatus.OK: Answer("The options.", schemas.PasskeyOptionsSchema)},
    refusals=(*OF_COGNITO, http_errors.CrossSiteRefused),
    operation_id="beginPasskey",
)
async def options(request: web.Request) -> web.Response:
    """Give the caller's browser what it needs to make a passkey."""
    async with guarded_call(
        request, RateLimitedAction.UPDATE, refused=AuditEvent.PASSKEY_CHANGE_REFUSED
    ):
        made = await request.app[keys.IDENTITY_PROVIDER].passkeys.registration_options(
            request[keys.ACCESS_TOKEN]
        )
    return request_body.answer({"options": made})


@operation(
    "Register a passkey",
    tag=TAG,
    body=schemas.RegisterPasskeySchema,
    answers={HTTPStatus.CREATED: Answer("The passkey is registered.")},
    refusals=(*OF_COGNITO, errors.PasskeyChallengeExpired, errors.PasskeyRejected),
    operation_id="registerPasskey",
)
async def register(request: web.Request) -> web.Response:
    """Keep the passkey that the caller's browser made."""
    body = await account_body.load(
        request,
        RateLimitedAction.UPDATE,
        schemas.RegisterPasskeySchema(),
        refused=AuditEvent.PASSKEY_CHANGE_REFUSED,
    )
    access_token = request[keys.ACCESS_TOKEN]
    async with guarded_call(
        request, RateLimitedAction.UPDATE, refused=AuditEvent.PASSKEY_CHANGE_REFUSED
    ):
        await request.app[keys.IDENTITY_PROVIDER].passkeys.register(
            access_token, body["credential"]
        )
    emit(request, AuditEvent.PASSKEY_REGISTERED, sub=request[keys.IDENTITY].sub)
    return web.Response(status=HTTPStatus.CREATED)


@operation(
    "Delete a passkey",
    tag=TAG,
    answers={HTTPStatus.NO_CONTENT: Answer("The passkey is gone.")},
    refusals=(*OF_COGNITO, http_errors.CrossSiteRefused, errors.PasskeyNotFound),
    operation_id="deletePasskey",
)
async def remove(request: web.Request) -> web.Response:
    """Delete one of the caller's passkeys."""
    access_token = request[keys.ACCESS_TOKEN]
    async with guarded_call(
        request, RateLimitedAction.UPDATE, refused=AuditEvent.PASSKEY_CHANGE_REFUSED
    ):
        await request.app[keys.IDENTITY_PROVIDER].passkeys.remove(
            access_token, request.match_info["id"]
        )
    emit(request, AuditEvent.PASSKEY_DELETED, sub=request[keys.IDENTITY].sub)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _passkey(passkey: Passkey) -> Mapping[str, object]:
    data: dict[str, object] = {
        "id": passkey.credential_id,
        "name": passkey.name,
        "relyingPartyId": passkey.relying_party_id,
        "transports": list(passkey.transports),
        "createdAt": timestamp(passkey.created_at),
    }
    if passkey.attachment is not None:
        data["attachment"] = passkey.attachment
    return data
