"""Profiles: the caller's own."""

import functools
from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from aiohttp import web

from service.api import http_errors, keys, request_body
from service.api.conditional_requests import condition_of, entity_tag
from service.api.operations import OF_AN_UPSTREAM, Answer, operation
from service.api.schemas.profiles import ProfileSchema, StoredProfileSchema
from service.domain import errors, profiles
from service.domain.errors import PreconditionFailed, ProfileNotFound
from service.domain.profiles import Profile, WriteResult
from service.domain.timestamps import moment

TAG = "profiles"
PATH: Final = "/v1/user/profile"
SCHEMA_PATH: Final = f"{PATH}/schema"
DATES_REMEMBERED: Final = 8_192
SCHEMA_JSON: Final = "application/schema+json"

_HAS_A_TAG = {"ETag": "Names exactly this state of the profile."}
_WHERE = {**_HAS_A_TAG, "Location": "Where the profile is."}
_CONDITIONS = {
    "If-Match": "Write only if the profile has one of these tags; `*`: only if there is one.",
    "If-None-Match": "Write only if the profile has none of these tags; `*`: only create.",
    "If-Unmodified-Since": "Write only if the profile is not younger; If-Match is exact.",
}
_OF_A_WRITE = (
    *OF_AN_UPSTREAM,
    errors.PreconditionFailed,
    errors.ProfileChanged,
    errors.ProfileTooLarge,
)


@operation(
    "Read the profile",
    tag=TAG,
    headers={
        "If-Match": "Answer only if the profile has one of these tags.",
        "If-None-Match": "Answer 304 if the profile still has one of these tags.",
        "If-Unmodified-Since": "Answer only if the profile is not younger; If-Match is exact.",
    },
    answers={
        HTTPStatus.OK: Answer("The profile.", StoredProfileSchema, _HAS_A_TAG),
        HTTPStatus.NOT_MODIFIED: Answer("The caller's copy is current.", headers=_HAS_A_TAG),
    },
    refusals=(*OF_AN_UPSTREAM, errors.PreconditionFailed, errors.ProfileNotFound),
)
async def show(request: web.Request) -> web.Response:
    """
    Answer with the profile, or that the caller has it already.

    If-Modified-Since is not heeded: two writes within its second would leave the caller with the
    older one.
    """
    representation = request.app[keys.PROFILE_REPRESENTATION]
    condition = condition_of(request, representation.tag)
    profile = await request.app[keys.PROFILE_STORE].find(request[keys.IDENTITY].sub)
    if profile is None:
        raise ProfileNotFound
    body = representation.body(profile)
    headers = {**_validators(profile, body), "Cache-Control": "private, no-cache"}
    if not condition.finds(profile, headers["ETag"]):
        raise PreconditionFailed
    if condition.knows(headers["ETag"]):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=body, headers=headers, content_type=request_body.JSON)


@operation(
    "Create the profile, or merge fields into it",
    tag=TAG,
    body=ProfileSchema,
    headers=_CONDITIONS,
    answers={
        HTTPStatus.OK: Answer(
            "The fields were merged; null removed a field.", StoredProfileSchema, _HAS_A_TAG
        ),
        HTTPStatus.CREATED: Answer("The profile was created.", StoredProfileSchema, _WHERE),
    },
    refusals=(*_OF_A_WRITE, errors.AccountClosed),
)
async def save(request: web.Request) -> web.Response:
    """Create the caller's profile or merge the body into it."""
    representation = request.app[keys.PROFILE_REPRESENTATION]
    condition = condition_of(request, representation.tag)
    changes = await request_body.load(request, representation.schema)
    saved = await profiles.create_or_merge(
        request.app[keys.PROFILE_STORE], request[keys.IDENTITY].sub, changes, condition
    )
    return _saved(request, saved)


@operation(
    "Replace the profile's fields, or create it",
    tag=TAG,
    body=ProfileSchema,
    headers=_CONDITIONS,
    answers={
        HTTPStatus.OK: Answer(
            "The profile has these fields and no others.", StoredProfileSchema, _HAS_A_TAG
        ),
        HTTPStatus.CREATED: Answer("The profile was created.", StoredProfileSchema, _WHERE),
    },
    refusals=(*_OF_A_WRITE, errors.AccountClosed),
)
async def replace(request: web.Request) -> web.Response:
    """Make the body's fields the only ones of the caller's profile."""
    representation = request.app[keys.PROFILE_REPRESENTATION]
    condition = condition_of(request, representation.tag)
    fields = await request_body.load(request, representation.schema)
    saved = await profiles.replace(
        request.app[keys.PROFILE_STORE],
        request[keys.IDENTITY].sub,
        fields,
        representation.declared,
        condition,
    )
    return _saved(request, saved)


@operation(
    "Merge changes into the profile",
    tag=TAG,
    body=ProfileSchema,
    body_types=request_body.PATCHES,
    headers=_CONDITIONS,
    answers={
        HTTPStatus.OK: Answer(
            "The changes were merged, objects inside a field too; null removed a name.",
            StoredProfileSchema,
            _HAS_A_TAG,
        )
    },
    refusals=(*_OF_A_WRITE, errors.ProfileNotFound),
)
async def patch(request: web.Request) -> web.Response:
    """Apply the body to the caller's profile as a merge patch (RFC 7396)."""
    representation = request.app[keys.PROFILE_REPRESENTATION]
    condition = condition_of(request, representation.tag)
    changes = await request_body.load(request, representation.schema, types=request_body.PATCHES)
    profile = await profiles.patch(
        request.app[keys.PROFILE_STORE],
        request[keys.IDENTITY].sub,
        changes,
        condition,
        check=functools.partial(request_body.loaded, representation.schema),
    )
    return _saved(request, WriteResult(profile, created=False))


@operation(
    "Erase the profile",
    tag=TAG,
    headers=_CONDITIONS,
    answers={HTTPStatus.NO_CONTENT: Answer("The profile is gone.")},
    refusals=(*_OF_A_WRITE, http_errors.CrossSiteRefused, errors.ProfileNotFound),
)
async def erase(request: web.Request) -> web.Response:
    """Erase the caller's profile."""
    condition = condition_of(request, request.app[keys.PROFILE_REPRESENTATION].tag)
    await profiles.delete(request.app[keys.PROFILE_STORE], request[keys.IDENTITY].sub, condition)
    return web.Response(status=HTTPStatus.NO_CONTENT)


@operation(
    "Read the JSON Schema of the fields",
    tag=TAG,
    answers={HTTPStatus.OK: Answer("What a profile may hold.", SCHEMA_JSON)},
    operation_id="readProfileSchema",
)
async def show_schema(request: web.Request) -> web.Response:
    """Answer with the JSON Schema (2020-12) of what may be written."""
    return web.Response(
        body=request.app[keys.PROFILE_JSON_SCHEMA],
        headers={"Cache-Control": "public, no-cache"},
        content_type=SCHEMA_JSON,
    )


def _saved(request: web.Request, saved: WriteResult) -> web.Response:
    body = request.app[keys.PROFILE_REPRESENTATION].body(saved.profile)
    headers = _validators(saved.profile, body)
    if saved.created:
        headers["Location"] = PATH
    return web.Response(
        body=body,
        status=HTTPStatus.CREATED if saved.created else HTTPStatus.OK,
        headers=headers,
        content_type=request_body.JSON,
    )


def _validators(profile: Profile, body: bytes) -> dict[str, str]:
    """Return ETag and, where another program has not written what is no date, Last-Modified."""
    headers = {"ETag": entity_tag(body)}
    modified = _last_modified(profile.updated_at)
    if modified is not None:
        headers["Last-Modified"] = modified
    return headers


@lru_cache(maxsize=DATES_REMEMBERED)  # a profile is read more often than written
def _last_modified(updated_at: str) -> str | None:
    modified = moment(updated_at)
    return None if modified is None else format_datetime(modified, usegmt=True)
