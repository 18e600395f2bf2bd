"""The export of all data that the user pool and the table hold of the caller."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from http import HTTPStatus
from typing import Any, Final, TypeVar

from aiohttp import hdrs, web

from service.api import keys
from service.api.audit_log import AuditEvent
from service.api.cognito_call import CognitoCall, cognito_operation
from service.api.deadlines import unavailable_at_deadline
from service.api.export_document import ExportDocument, stored_json
from service.api.handlers.activity import TAG, event_data
from service.api.handlers.mfa import preferences_data
from service.api.handlers.own_account import account_data
from service.api.handlers.passkeys import passkey_data
from service.api.handlers.user_sessions import session_data
from service.api.middlewares.identity import identify
from service.api.operations import Success
from service.api.profile_json import ProfileRepresentation
from service.api.request_parsing import request_body
from service.api.schemas.export import ExportSchema
from service.domain import errors
from service.domain.accounts import account_of
from service.domain.devices import Device
from service.domain.profiles import Profile
from service.domain.values.json_values import drop_none
from service.domain.values.timestamps import timestamp, utc_now
from service.rate_limiting.limited_actions import RateLimitedAction

PATH: Final = "/v1/user/export"
RUNNING: Final = web.AppKey("running_exports", keys.Slots)
MAX_RUNNING: Final = 2  # in a process: each may hold the largest document twice

_Found = TypeVar("_Found")


@cognito_operation(
    "Export all data",
    tag=TAG,
    answers={
        HTTPStatus.OK: Success(
            "All data of the user, as a file.",
            ExportSchema,
            {"Content-Disposition": "`attachment`, with a file name."},
        )
    },
    limit=RateLimitedAction.EXPORT,
    audit=AuditEvent.DATA_EXPORTED,
    refused=AuditEvent.DATA_EXPORT_REFUSED,
    refusals=(errors.ExportTooLarge, errors.NotAuthenticated),
    operation_id="exportData",
)
async def show(call: CognitoCall) -> web.Response:
    """
    Return all data of the caller, whose access token and identity must be of one user.

    The response is complete or an error; parts that the deployment does not offer are left out.
    """
    request = call.request
    if (await identify(request, request.app)).sub != call.sub:
        raise errors.NotAuthenticated
    running = request.app[RUNNING]
    async with call.guarded(account=call.sub):
        if running.in_flight >= MAX_RUNNING:
            raise errors.Overloaded(retry_after_s=1)
        running.in_flight += 1
        try:
            async with unavailable_at_deadline(call.config.server.request_deadline_s):
                now = timestamp(utc_now())
                document = ExportDocument()
                document.add("exportedAt", stored_json(now))
                await _add_account(document, call)
                await _add_table(document, call)
        except (errors.UpstreamFault, errors.InvalidParameter) as fault:
            raise errors.UpstreamUnavailable(retry_after_s=1) from fault
        finally:
            running.in_flight -= 1
    name = f"user-data-{now[:10]}.json"
    return web.Response(
        body=document.body(),
        headers={hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'},
        content_type=request_body.JSON,
    )


async def _add_account(document: ExportDocument, call: CognitoCall) -> None:
    """Add what the user pool holds."""
    provider, token = call.provider, call.access_token
    account = await account_of(provider.own_account, token, sub=call.sub)
    data = {**account_data(account)}
    data |= await _offered("mfa", provider.factors.preferences(token), preferences_data)
    data |= await _offered("passkeys", provider.passkeys.registered(token), _each(passkey_data))
    data |= await _offered("devices", provider.devices.remembered(token), _each(_device_data))
    document.add("account", request_body.dumps(data))
    sessions = provider.user_sessions.active(token)
    for name, listed in (await _offered("sessions", sessions, _each(session_data))).items():
        document.add(name, stored_json(listed))


async def _add_table(document: ExportDocument, call: CognitoCall) -> None:
    """Add what the table holds."""
    app = call.request.app
    representation = app[keys.PROFILE_REPRESENTATION]
    data = await app[keys.USER_DATA].read(call.sub)
    profile, fields = data.profile, {} if data.profile is None else data.profile.fields
    document.add("profile", b"null" if profile is None else _profile_json(representation, profile))
    undeclared = {
        name: value for name, value in fields.items() if name not in representation.declared
    }
    document.add("otherData", stored_json({**undeclared, **data.other_attributes}))
    if data.other_items:
        document.add("otherItems", stored_json([dict(item) for item in data.other_items]))
    config = call.config
    history = _entries(app[keys.USER_DATA].history(call.sub), dict)
    await document.add_list("history", history, if_empty=config.profile.history_days > 0)
    activity = _entries(app[keys.ACTIVITY_LOG].all(call.sub), event_data)
    await document.add_list("activity", activity, if_empty=config.activity.days > 0)


def _profile_json(representation: ProfileRepresentation, profile: Profile) -> bytes:
    """Return the JSON of a profile, also with texts that are not valid Unicode."""
    try:
        return representation.body(profile)
    except errors.UpstreamFault:
        return stored_json(representation.members(profile))


async def _entries(
    pages: AsyncIterator[Sequence[_Found]], data: Callable[[_Found], Any]
) -> AsyncGenerator[Sequence[bytes]]:
    async for page in pages:
        yield [stored_json(data(entry)) for entry in page]


async def _offered(
    name: str, part: Awaitable[_Found], data: Callable[[_Found], Any]
) -> Mapping[str, Any]:
    """Return a part of the account as a member; none where the user pool does not offer it."""
    try:
        return {name: data(await part)}
    except errors.FeatureUnavailable:
        return {}


def _each(data: Callable[[_Found], object]) -> Callable[[Iterable[_Found]], list[object]]:
    return lambda found: [*map(data, found)]


def _device_data(device: Device) -> Mapping[str, object]:
    used_at = device.last_authenticated_at
    return drop_none(
        {
            "deviceKey": device.device_key,
            "createdAt": timestamp(device.created_at),
            "lastModifiedAt": timestamp(device.last_modified_at),
            "lastAuthenticatedAt": None if used_at is None else timestamp(used_at),
            "attributes": dict(device.attributes),
        }
    )
