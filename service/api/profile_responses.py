"""The responses to reads and writes of a profile, with its validators."""

from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web
from multidict import CIMultiDict

from service.api.conditional_requests import ETAG_HEADER, Condition, entity_tag
from service.api.middlewares.request_context import prepared
from service.api.profile_json import ProfileRepresentation
from service.api.request_parsing import request_body
from service.domain.errors import PreconditionFailed
from service.domain.profiles import Profile, WriteResult
from service.domain.values.timestamps import moment

DATE_CACHE_SIZE: Final = 8_192

# With an ETag, which is set in each response.
_UNMODIFIED_HEADERS = prepared({ETAG_HEADER: "", hdrs.CACHE_CONTROL: "private, no-cache"})
_READ_HEADERS = CIMultiDict({**_UNMODIFIED_HEADERS, hdrs.CONTENT_TYPE: request_body.JSON})
_WRITE_HEADERS = prepared({ETAG_HEADER: "", hdrs.CONTENT_TYPE: request_body.JSON})


def read_response(
    representation: ProfileRepresentation, profile: Profile, condition: Condition
) -> web.Response:
    """Return the response to a read: the profile, or 304; raises PreconditionFailed."""
    body = representation.body(profile)
    tag = entity_tag(body)
    if not condition.if_match_passes(profile, tag):
        raise PreconditionFailed
    if condition.if_none_match_hits(tag):
        response = web.Response(status=HTTPStatus.NOT_MODIFIED, headers=_UNMODIFIED_HEADERS)
    else:
        response = web.Response(body=body, headers=_READ_HEADERS)
    return _validated(response, profile, tag)


def write_response(
    representation: ProfileRepresentation, saved: WriteResult, location: str
) -> web.Response:
    """Return the response to a write; *location* is the path of the profile."""
    body = representation.body(saved.profile)
    status = HTTPStatus.CREATED if saved.created else HTTPStatus.OK
    response = web.Response(body=body, status=status, headers=_WRITE_HEADERS)
    if saved.created:
        response.headers[hdrs.LOCATION] = location
    return _validated(response, saved.profile, entity_tag(body))


def _validated(response: web.Response, profile: Profile, tag: str) -> web.Response:
    """Set ETag, and Last-Modified unless another application stored an invalid `updatedAt`."""
    headers = response.headers
    headers[ETAG_HEADER] = tag
    modified = _last_modified(profile.updated_at)
    if modified is not None:
        headers[hdrs.LAST_MODIFIED] = modified
    return response


@lru_cache(maxsize=DATE_CACHE_SIZE)  # profiles are read more often than written
def _last_modified(updated_at: str) -> str | None:
    modified = moment(updated_at)
    return None if modified is None else format_datetime(modified, usegmt=True)
