"""The profiles of users, for other services."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from service.api import http_errors, keys, profile_json
from service.api.audit_log import AuditEvent
from service.api.deadlines import unavailable_at_deadline
from service.api.handlers import profiles
from service.api.handlers.profiles import ETAG, READ_CONDITIONS, WRITE_CONDITIONS, WRITE_ERRORS
from service.api.operations import UPSTREAM_ERRORS, PathParameter, Success
from service.api.request_parsing import request_body
from service.api.schemas.account_fields import USER_ID as EXAMPLE
from service.api.schemas.profiles import ServiceProfileSchema, StoredProfileSchema
from service.api.schemas.user_profiles import NOT_A_USER_ID, ProfilesBatchSchema, ProfilesSchema
from service.api.service_call import USER_ID, service_operation
from service.domain import errors
from service.domain.errors import FieldProblem, InvalidFields, UpstreamFault
from service.domain.identity import ServiceScope, is_user_id

TAG: Final = "users"
PATH: Final = f"/v1/users/{{{USER_ID}}}/profile"
PARAMETERS: Final = {USER_ID: PathParameter("The Cognito `sub` of the user.", EXAMPLE)}
BATCH_PATH: Final = "/v1/users/profiles/batch"
BATCH_SCHEMA: Final = web.AppKey("batch_schema", ProfilesBatchSchema)


@service_operation(
    "Read the profile of a user",
    scope=ServiceScope.READ,
    audit=AuditEvent.PROFILE_READ_BY_SERVICE,
    tag=TAG,
    path=PARAMETERS,
    headers=READ_CONDITIONS,
    answers={
        HTTPStatus.OK: Success("The profile.", StoredProfileSchema, ETAG),
        HTTPStatus.NOT_MODIFIED: Success("The caller's copy is current.", headers=ETAG),
    },
    refusals=(
        *UPSTREAM_ERRORS,
        errors.InvalidFields,
        errors.PreconditionFailed,
        errors.ProfileNotFound,
    ),
    operation_id="readUserProfile",
)
async def show(request: web.Request) -> web.Response:
    """Return the profile of a user, or 304."""
    return await profiles.shown(request, _user_id(request))


@service_operation(
    "Read the profiles of up to 100 users",
    scope=ServiceScope.READ,
    audit=AuditEvent.PROFILES_READ_BY_SERVICE,
    tag=TAG,
    body=ProfilesBatchSchema,
    answers={HTTPStatus.OK: Success("Every user is in one of the two.", ProfilesSchema)},
    refusals=UPSTREAM_ERRORS,
    operation_id="readUserProfiles",
)
async def show_many(request: web.Request) -> web.Response:
    """Return the profiles of all users in the body that have one; never a part of them."""
    wanted = await request_body.load(request, request.app[BATCH_SCHEMA])
    user_ids, names = wanted["user_ids"], wanted.get("names")
    async with unavailable_at_deadline(request.app[keys.CONFIG].server.request_deadline_s):
        found = await request.app[keys.PROFILE_STORE].find_many(user_ids)
    members_of = request.app[keys.PROFILE_REPRESENTATION].members
    shown = {user: members_of(found[user], names) for user in user_ids if user in found}
    missing = [user for user in user_ids if user not in found]
    try:
        body = orjson.dumps({"profiles": shown, "missing": missing})
    except orjson.JSONEncodeError:
        raise _unrepresentable(user_ids, shown) from None
    return web.Response(body=body, content_type=request_body.JSON)


def _unrepresentable(user_ids: list[str], shown: Mapping[str, Mapping[str, Any]]) -> UpstreamFault:
    """Log and return which profiles JSON cannot represent."""
    problems = []
    for number, user_id in enumerate(user_ids):
        if user_id in shown and not profile_json.is_representable(shown[user_id]):
            profile_json.log_unrepresentable(shown[user_id])
            problems.append(FieldProblem(f"userIds.{number}", profile_json.NO_UNICODE))
    return UpstreamFault(problems=tuple(problems[: request_body.MAX_PROBLEMS]))


@service_operation(
    "Merge changes into the profile of a user",
    scope=ServiceScope.WRITE,
    audit=AuditEvent.PROFILE_CHANGED_BY_SERVICE,
    tag=TAG,
    path=PARAMETERS,
    body=ServiceProfileSchema,
    body_types=request_body.PATCHES,
    headers=WRITE_CONDITIONS,
    answers={
        HTTPStatus.OK: Success(
            "The changes were merged, also into objects; null removed a member.",
            StoredProfileSchema,
            ETAG,
        )
    },
    refusals=(*WRITE_ERRORS, errors.ProfileNotFound),
    operation_id="patchUserProfile",
)
async def patch(request: web.Request) -> web.Response:
    """Apply the body, which may have fields that users cannot write, as a merge patch (RFC 7396)."""
    schema = request.app[keys.SERVICE_PROFILE_SCHEMA]
    return await profiles.patched(request, _user_id(request), schema)


@service_operation(
    "Delete the profile of a user",
    scope=ServiceScope.ERASE,
    audit=AuditEvent.PROFILE_ERASED_BY_SERVICE,
    tag=TAG,
    path=PARAMETERS,
    headers=WRITE_CONDITIONS,
    answers={HTTPStatus.NO_CONTENT: Success("The profile was deleted.")},
    refusals=(
        *WRITE_ERRORS,
        http_errors.CrossSiteRefused,
        errors.InvalidFields,
        errors.ProfileNotFound,
    ),
    operation_id="eraseUserProfile",
)
async def erase(request: web.Request) -> web.Response:
    """Delete the profile of a user, as the user's own DELETE does."""
    return await profiles.erased(request, _user_id(request))


def _user_id(request: web.Request) -> str:
    """Return the user id in the path; raises InvalidFields for one that no user has."""
    user_id = request.match_info[USER_ID]
    if not is_user_id(user_id):
        raise InvalidFields(problems=(FieldProblem(USER_ID, NOT_A_USER_ID),))
    return user_id
