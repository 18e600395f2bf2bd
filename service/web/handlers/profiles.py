"""Profiles: the caller's own."""

from http import HTTPStatus

from aiohttp import web

from service.domain import errors, profiles
from service.domain.errors import ProfileNotFound
from service.web import bodies, keys
from service.web.entity_tags import entity_tag, tag_list, write_condition
from service.web.operations import OF_AN_UPSTREAM, Answer, operation
from service.web.schemas.profiles import ProfileSchema, StoredProfileSchema

TAG = "profiles"
PATH = "/v1/user/profile"

_HAS_A_TAG = {"ETag": "Names exactly this state of the profile."}
_CONDITIONS = {
    "If-Match": "Write only if the profile has one of these tags; `*`: only if there is one.",
    "If-None-Match": "Write only if the profile has none of these tags; `*`: only create.",
}


@operation(
    "Read the profile",
    tag=TAG,
    headers={"If-None-Match": "Answer 304 if the profile still has one of these tags."},
    answers={
        HTTPStatus.OK: Answer("The profile.", StoredProfileSchema, _HAS_A_TAG),
        HTTPStatus.NOT_MODIFIED: Answer("The caller's copy is current.", headers=_HAS_A_TAG),
    },
    refusals=(*OF_AN_UPSTREAM, errors.ProfileNotFound),
)
async def show(request: web.Request) -> web.Response:
    """Answer with the profile, or that the caller has it already."""
    known = tag_list(request, "If-None-Match")
    profile = await request.app[keys.PROFILE_STORE].find(request[keys.IDENTITY].sub)
    if profile is None:
        raise ProfileNotFound
    body = request.app[keys.PROFILE_REPRESENTATION].body(profile)
    headers = {"ETag": entity_tag(body), "Cache-Control": "private, no-cache"}
    if known is not None and known.matches_weakly(headers["ETag"]):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=body, headers=headers, content_type=bodies.JSON)


@operation(
    "Create the profile, or merge fields into it",
    tag=TAG,
    body=ProfileSchema,
    headers=_CONDITIONS,
    answers={
        HTTPStatus.OK: Answer(
            "The fields were merged; null removed a field.", StoredProfileSchema, _HAS_A_TAG
        ),
        HTTPStatus.CREATED: Answer(
            "The profile was created.",
            StoredProfileSchema,
            {**_HAS_A_TAG, "Location": "Where the profile is."},
        ),
    },
    refusals=(
        *OF_AN_UPSTREAM,
        errors.PreconditionFailed,
        errors.ProfileChanged,
        errors.ProfileTooLarge,
    ),
)
async def save(request: web.Request) -> web.Response:
    """Create the caller's profile or merge the body into it."""
    representation = request.app[keys.PROFILE_REPRESENTATION]
    condition = write_condition(request, representation.tag)
    changes = await bodies.load(request, representation.schema)
    saved = await profiles.create_or_merge(
        request.app[keys.PROFILE_STORE], request[keys.IDENTITY].sub, changes, condition
    )
    body = representation.body(saved.profile)
    headers = {"ETag": entity_tag(body)}
    if saved.created:
        headers["Location"] = PATH
    return web.Response(
        body=body,
        status=HTTPStatus.CREATED if saved.created else HTTPStatus.OK,
        headers=headers,
        content_type=bodies.JSON,
    )
