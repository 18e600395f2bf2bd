"""The activity of the caller: what happened to the account and the profile."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from service.api import keys
from service.api.operations import UPSTREAM_ERRORS, QueryParameter, Success, operation
from service.api.request_parsing import query_parameters, request_body
from service.api.schemas.activity import ActivitySchema
from service.domain import errors
from service.domain.activity import ActivityEvent, is_position
from service.domain.values.json_values import drop_none

TAG = "own data"
PATH: Final = "/v1/user/activity"
DEFAULT_LIMIT: Final = 50
LIMITS: Final = range(1, 101)
LIMIT: Final = "limit"
BEFORE: Final = "before"


@operation(
    "Read the activity",
    tag=TAG,
    query={
        LIMIT: QueryParameter(
            "The number of events.", query_parameters.number_schema(LIMITS, default=DEFAULT_LIMIT)
        ),
        BEFORE: QueryParameter(
            "Only events before this one: `next` of the page before.",
            {"type": "string", "examples": ["2026-11-23T03:14:15.926Z.Zx3_aB-9"]},
        ),
    },
    answers={HTTPStatus.OK: Success("Events, newest first.", ActivitySchema)},
    refusals=(*UPSTREAM_ERRORS, errors.FeatureUnavailable, errors.InvalidFields),
    operation_id="readActivity",
)
async def show(request: web.Request) -> web.Response:
    """Return a page of the caller's events; one appears within seconds."""
    if not request.app[keys.CONFIG].activity.days:
        raise errors.FeatureUnavailable
    limit = query_parameters.whole_number(request, LIMIT, LIMITS)
    before = query_parameters.single(request, BEFORE)
    if before is not None and not is_position(before):
        raise errors.InvalidFields.of(BEFORE, "Must be next of an earlier page, unchanged.")
    log, sub = request.app[keys.ACTIVITY_LOG], request[keys.IDENTITY].sub
    page = await log.page(sub, limit=limit or DEFAULT_LIMIT, before=before)
    events = [*map(event_data, page.events)]
    return request_body.answer(drop_none({"events": events, "next": page.next_position}))


def event_data(event: ActivityEvent) -> Mapping[str, object]:
    """Return the JSON of an event; unknown values are left out."""
    details = {"address": event.address, "device": event.device, "detail": event.detail}
    return {"at": event.at, "event": event.event, **drop_none(details)}
