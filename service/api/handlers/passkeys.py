"""The signed-in user's passkeys."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from service.api import http_errors
from service.api.audit_log import AuditEvent
from service.api.cognito_call import CognitoCall, cognito_operation
from service.api.operations import PathParameter, Success
from service.api.request_parsing import request_body
from service.api.schemas import passkeys as schemas
from service.domain import errors
from service.domain.passkeys import Passkey
from service.domain.values.timestamps import timestamp
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "passkeys"


@cognito_operation(
    "List the passkeys",
    tag=TAG,
    answers={HTTPStatus.OK: Success("The passkeys.", schemas.PasskeysSchema)},
    limit=RateLimitedAction.READ,
    operation_id="listPasskeys",
)
async def show(call: CognitoCall) -> web.Response:
    """Return the caller's passkeys."""
    async with call.guarded():
        found = await call.provider.passkeys.registered(call.access_token)
    return request_body.answer({"passkeys": [*map(passkey_data, found)]})


@cognito_operation(
    "Get the options for creating a passkey",
    tag=TAG,
    answers={HTTPStatus.OK: Success("The options.", schemas.PasskeyOptionsSchema)},
    limit=RateLimitedAction.UPDATE,
    refused=AuditEvent.PASSKEY_CHANGE_REFUSED,
    refusals=(http_errors.CrossSiteRefused,),
    operation_id="beginPasskey",
)
async def options(call: CognitoCall) -> web.Response:
    """Return the options with which the caller's browser creates a passkey."""
    async with call.guarded():
        made = await call.provider.passkeys.registration_options(call.access_token)
    return request_body.answer({"options": made})


@cognito_operation(
    "Register a passkey",
    tag=TAG,
    body=schemas.RegisterPasskeySchema,
    answers={HTTPStatus.CREATED: Success("The passkey was registered.")},
    limit=RateLimitedAction.UPDATE,
    audit=AuditEvent.PASSKEY_REGISTERED,
    refused=AuditEvent.PASSKEY_CHANGE_REFUSED,
    refusals=(errors.PasskeyChallengeExpired, errors.PasskeyRejected),
    operation_id="registerPasskey",
)
async def register(call: CognitoCall) -> web.Response:
    """Register the passkey that the caller's browser created."""
    body = await call.load_body()
    async with call.guarded():
        await call.provider.passkeys.register(call.access_token, body["credential"])
    return web.Response(status=HTTPStatus.CREATED)


@cognito_operation(
    "Delete a passkey",
    tag=TAG,
    answers={HTTPStatus.NO_CONTENT: Success("The passkey was deleted.")},
    limit=RateLimitedAction.UPDATE,
    audit=AuditEvent.PASSKEY_DELETED,
    refused=AuditEvent.PASSKEY_CHANGE_REFUSED,
    refusals=(http_errors.CrossSiteRefused, errors.PasskeyNotFound),
    path={"id": PathParameter("The `id` of a passkey in the list.", "bXktcGFzc2tleQ")},
    operation_id="deletePasskey",
)
async def remove(call: CognitoCall) -> web.Response:
    """Delete one of the caller's passkeys."""
    async with call.guarded():
        await call.provider.passkeys.remove(call.access_token, call.request.match_info["id"])
    return web.Response(status=HTTPStatus.NO_CONTENT)


def passkey_data(passkey: Passkey) -> Mapping[str, object]:
    """Return the JSON of a passkey."""
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
