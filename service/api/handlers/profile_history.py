"""The past versions of the caller's own profile."""

from collections.abc import Collection, Mapping
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from service.api import audit_log, keys, past_profiles
from service.api.audit_log import AuditEvent
from service.api.handlers import profiles as live
from service.api.operations import (
    UPSTREAM_ERRORS,
    PathParameter,
    QueryParameter,
    Success,
    operation,
)
from service.api.profile_json import ProfileRepresentation
from service.api.profile_responses import write_response
from service.api.request_parsing import query_parameters, request_body
from service.api.schemas.profile_history import VERSIONS, PastVersionsSchema, RevertSchema
from service.api.schemas.profiles import READ_ONLY, UNKNOWN_FIELD, StoredProfileSchema
from service.domain import errors, profile_history
from service.domain.errors import FieldProblem
from service.domain.profile_history import PastVersion
from service.domain.profiles import Profile
from service.domain.values.json_values import drop_none

PATH: Final = f"{live.PATH}/history"
VERSION_PATH: Final = f"{PATH}/{{version}}"
REVERT_PATH: Final = f"{live.PATH}/revert"
LIMITS: Final = range(1, 101)
DEFAULT_LIMIT: Final = 20
LIMIT: Final = "limit"
BEFORE: Final = "before"

_READ_ERRORS = (*UPSTREAM_ERRORS, errors.FeatureUnavailable, errors.ProfileNotFound)


@operation(
    "List the past versions of the profile",
    tag=live.TAG,
    query={
        LIMIT: QueryParameter(
            "The number of versions.",
            query_parameters.number_schema(LIMITS, default=DEFAULT_LIMIT),
        ),
        BEFORE: QueryParameter(
            "Only versions before this one: `next` of the page before.",
            query_parameters.number_schema(VERSIONS),
        ),
    },
    answers={HTTPStatus.OK: Success("The versions, newest first.", PastVersionsSchema)},
    refusals=(*_READ_ERRORS, errors.InvalidFields),
    operation_id="listProfileVersions",
)
async def show(request: web.Request) -> web.Response:
    """Return a page of the past versions, without the present one."""
    history = past_profiles.history_of(request)
    limit = query_parameters.whole_number(request, LIMIT, LIMITS)
    before = query_parameters.whole_number(request, BEFORE, VERSIONS)
    page = await history.page(await _latest(request), limit=limit or DEFAULT_LIMIT, before=before)
    declared = request.app[keys.PROFILE_REPRESENTATION].declared
    versions = [_version(version, declared) for version in page.versions]
    return request_body.answer(drop_none({"versions": versions, "next": page.next_before}))


@operation(
    "Read a past version of the profile",
    tag=live.TAG,
    answers={HTTPStatus.OK: Success("The profile as it was.", StoredProfileSchema)},
    refusals=(*_READ_ERRORS, errors.VersionNotFound),
    path={"version": PathParameter("The `version` of a profile in the list.", "1")},
    operation_id="readProfileVersion",
)
async def show_version(request: web.Request) -> web.Response:
    """Return the profile as it was at a version, or the present one."""
    history = past_profiles.history_of(request)
    text = request.match_info["version"]
    version = int(text) if query_parameters.WHOLE_NUMBER.fullmatch(text) else None
    profile = await _latest(request)
    if version is None:
        raise errors.VersionNotFound
    past = await history.at_version(profile, version)
    body = request.app[keys.PROFILE_REPRESENTATION].body(past)
    return web.Response(body=body, content_type=request_body.JSON)


@operation(
    "Return to a past version of the profile",
    tag=live.TAG,
    body=RevertSchema,
    headers=live.WRITE_CONDITIONS,
    answers={
        HTTPStatus.OK: Success(
            "The fields are as they were at that version. The profile has a new version, unless it had "
            "these fields already.",
            StoredProfileSchema,
            live.ETAG,
        )
    },
    refusals=(
        *live.WRITE_ERRORS,
        errors.FeatureUnavailable,
        errors.ProfileNotFound,
        errors.VersionNotFound,
    ),
    operation_id="revertProfile",
)
async def revert(request: web.Request) -> web.Response:
    """
    Set fields of the profile to their values at a past version, and remove those that it did not have.

    Values that today's schema does not accept are refused.
    """
    history = past_profiles.history_of(request)
    store, representation, condition = live.target(request)
    sub = request[keys.IDENTITY].sub
    wanted = await request_body.load(request, RevertSchema())
    saved = await profile_history.revert(
        store,
        history,
        sub,
        version=wanted["version"],
        names=_wanted_names(wanted.get("fields_"), representation),
        condition=condition,
        load=partial(request_body.loaded, representation.schema),
    )
    audit_log.emit(request, AuditEvent.PROFILE_REVERTED, sub=sub)
    audit_log.record_write(request, saved, AuditEvent.PROFILE_REVERTED)
    return write_response(representation, saved, live.PATH)


async def _latest(request: web.Request) -> Profile:
    profile = await request.app[keys.PROFILE_STORE].find_latest(request[keys.IDENTITY].sub)
    if profile is None:
        raise errors.ProfileNotFound
    return profile


def _wanted_names(
    wanted: list[str] | None, representation: ProfileRepresentation
) -> Collection[str]:
    """Return the wanted fields, by default all that users write; raises InvalidFields for others."""
    if wanted is None:
        return representation.replaceable
    wrong = [
        FieldProblem(
            f"fields.{position}",
            READ_ONLY if name in representation.declared else UNKNOWN_FIELD,
        )
        for position, name in enumerate(wanted)
        if name not in representation.replaceable
    ]
    if wrong:
        raise errors.InvalidFields(problems=tuple(wrong[: request_body.MAX_PROBLEMS]))
    return wanted


def _version(past: PastVersion, declared: Collection[str]) -> Mapping[str, object]:
    changed = [name for name in past.changed or () if name in declared]
    return {
        "version": past.version,
        "from": past.begins,
        "until": past.ends,
        **({} if past.changed is None else {"changed": changed}),
        **({"otherApplication": True} if past.by_other_application else {}),
    }
