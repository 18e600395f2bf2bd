"""The caller's own profile."""

import functools
from http import HTTPStatus
from typing import Final

from aiohttp import web
from marshmallow import Schema

from service.api import http_errors, keys, past_profiles
from service.api.audit_log import AuditEvent, record_write
from service.api.conditional_requests import Condition, condition_of
from service.api.operations import UPSTREAM_ERRORS, QueryParameter, Success, operation
from service.api.profile_json import ProfileRepresentation
from service.api.profile_responses import read_response, write_response
from service.api.request_parsing import request_body
from service.api.schemas.profiles import ProfileSchema, StoredProfileSchema
from service.domain import errors, profiles
from service.domain.profiles import Profile, ProfileStore, WriteResult

TAG = "profiles"
PATH: Final = "/v1/user/profile"
SCHEMA_PATH: Final = f"{PATH}/schema"
SCHEMA_JSON: Final = "application/schema+json"

ETAG = {"ETag": "The entity tag of this state of the profile."}
_ETAG_AND_LOCATION = {**ETAG, "Location": "The path of the profile."}
_CREATED = Success("The profile was created.", StoredProfileSchema, _ETAG_AND_LOCATION)
READ_CONDITIONS = {
    "If-Match": "Read only if the profile has one of these entity tags.",
    "If-None-Match": "Respond with 304 if the profile has one of these entity tags.",
    "If-Unmodified-Since": "Read only if the profile was not modified later. Prefer If-Match.",
}
WRITE_CONDITIONS = {
    "If-Match": (
        "Write only if the profile has one of these entity tags, also as a proxy that compresses has "
        "changed them; `*`: only if it exists."
    ),
    "If-None-Match": "Write only if the profile has none of these entity tags; `*`: only create it.",
    "If-Unmodified-Since": "Write only if the profile was not modified later. Prefer If-Match.",
}
WRITE_ERRORS = (
    *UPSTREAM_ERRORS,
    errors.PreconditionFailed,
    errors.ProfileChanged,
    errors.ProfileTooLarge,
)


@operation(
    "Read the profile",
    tag=TAG,
    headers=READ_CONDITIONS,
    query={
        past_profiles.AS_OF: QueryParameter(
            "Read the profile as it was at this time. After the last change, and in the future, it is as "
            "it is now.",
            {"type": "string", "format": "date-time", "examples": ["2026-11-23T03:14:15.926Z"]},
        )
    },
    answers={
        HTTPStatus.OK: Success("The profile.", StoredProfileSchema, ETAG),
        HTTPStatus.NOT_MODIFIED: Success("The caller's copy is current.", headers=ETAG),
    },
    refusals=(
        *UPSTREAM_ERRORS,
        errors.FeatureUnavailable,
        errors.HistoryExpired,
        errors.InvalidFields,
        errors.PreconditionFailed,
        errors.ProfileNotFound,
    ),
)
async def show(request: web.Request) -> web.Response:
    """
    Return the profile, or 304.

    If-Modified-Since is ignored: of two writes within a second, the caller could keep the older one.
    """
    sub = request[keys.IDENTITY].sub
    past = await past_profiles.find(request, sub) if request.rel_url.raw_query_string else None
    return await shown(request, sub, past)


async def shown(request: web.Request, user_id: str, past: Profile | None = None) -> web.Response:
    """Return the profile of a user, or *past*, a past state of it, or 304."""
    store, representation, condition = target(request)
    profile = await store.find(user_id) if past is None else past
    if profile is None:
        raise errors.ProfileNotFound
    return read_response(representation, profile, condition)


@operation(
    "Create the profile, or merge fields into it",
    tag=TAG,
    body=ProfileSchema,
    headers=WRITE_CONDITIONS,
    answers={
        HTTPStatus.OK: Success(
            "The fields were merged; null removed a field.", StoredProfileSchema, ETAG
        ),
        HTTPStatus.CREATED: _CREATED,
    },
    refusals=(*WRITE_ERRORS, errors.AccountClosed),
)
async def save(request: web.Request) -> web.Response:
    """Create the caller's profile, or merge the body into it."""
    store, representation, condition = target(request)
    changes = await request_body.load(request, representation.schema)
    sub = request[keys.IDENTITY].sub
    saved = await profiles.create_or_merge(store, sub, changes, condition)
    return _written(request, saved)


@operation(
    "Replace the profile's fields, or create it",
    tag=TAG,
    body=ProfileSchema,
    headers=WRITE_CONDITIONS,
    answers={
        HTTPStatus.OK: Success("The profile has exactly these fields.", StoredProfileSchema, ETAG),
        HTTPStatus.CREATED: _CREATED,
    },
    refusals=(*WRITE_ERRORS, errors.AccountClosed),
)
async def replace(request: web.Request) -> web.Response:
    """Replace the fields of the caller's profile with those of the body."""
    store, representation, condition = target(request)
    fields = await request_body.load(request, representation.schema)
    sub = request[keys.IDENTITY].sub
    saved = await profiles.replace(store, sub, fields, representation.replaceable, condition)
    return _written(request, saved)


@operation(
    "Merge changes into the profile",
    tag=TAG,
    body=ProfileSchema,
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
)
async def patch(request: web.Request) -> web.Response:
    """Apply the body to the caller's profile as a merge patch (RFC 7396)."""
    schema = request.app[keys.PROFILE_REPRESENTATION].schema
    return await patched(request, request[keys.IDENTITY].sub, schema)


async def patched(request: web.Request, user_id: str, schema: Schema) -> web.Response:
    """Apply the body, which *schema* loads, to the profile of a user."""
    store, _, condition = target(request)
    changes = await request_body.load(request, schema, types=request_body.PATCHES)
    check = functools.partial(request_body.loaded, schema)
    saved = await profiles.patch(store, user_id, changes, condition, check=check)
    return _written(request, saved)


@operation(
    "Delete the profile",
    tag=TAG,
    headers=WRITE_CONDITIONS,
    answers={HTTPStatus.NO_CONTENT: Success("The profile was deleted.")},
    refusals=(*WRITE_ERRORS, http_errors.CrossSiteRefused, errors.ProfileNotFound),
)
async def erase(request: web.Request) -> web.Response:
    """Delete the caller's profile."""
    return await erased(request, request[keys.IDENTITY].sub)


async def erased(request: web.Request, user_id: str) -> web.Response:
    """Delete the profile of a user."""
    store, _, condition = target(request)
    await profiles.delete(store, user_id, condition)
    return web.Response(status=HTTPStatus.NO_CONTENT)


@operation(
    "Read the JSON Schema of the fields",
    tag=TAG,
    answers={HTTPStatus.OK: Success("The fields that a profile may have.", SCHEMA_JSON)},
    operation_id="readProfileSchema",
)
async def show_schema(request: web.Request) -> web.Response:
    """Return the JSON Schema (2020-12) of the fields that can be written."""
    return web.Response(
        body=request.app[keys.PROFILE_JSON_SCHEMA],
        headers={"Cache-Control": "public, no-cache"},
        content_type=SCHEMA_JSON,
    )


def target(request: web.Request) -> tuple[ProfileStore, ProfileRepresentation, Condition]:
    """Return the store, the representation and the preconditions of a request."""
    app = request.app  # which aiohttp looks up each time
    representation = app[keys.PROFILE_REPRESENTATION]
    return app[keys.PROFILE_STORE], representation, condition_of(request, representation.tag)


def _written(request: web.Request, saved: WriteResult) -> web.Response:
    event = AuditEvent.PROFILE_CREATED if saved.created else AuditEvent.PROFILE_UPDATED
    record_write(request, saved, event)
    return write_response(request.app[keys.PROFILE_REPRESENTATION], saved, PATH)
