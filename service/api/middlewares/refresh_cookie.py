"""
The refresh token in a cookie that scripts cannot read (docs/decisions/0025-refresh-cookie.md).

Cookies belong to a host, whatever its port. Browsers accept the prefix `__Secure-` only with Secure, and
Secure over plain HTTP not all of them (RFC 6265bis, sections 4.1.3 and 5.7).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiohttp import hdrs, web

from service.api import keys
from service.api.http_errors import CrossSiteRefused, MalformedRequest
from service.api.middlewares.page_origin import is_accepted_page, is_page
from service.domain.errors import Misconfigured, RefreshTokenInvalid, ServiceError

NAME: Final = "__Secure-refresh"
LOCALHOST_NAME: Final = "refresh"
PATH: Final = "/api/auth"
# Browsers ignore a cookie whose name and value have more than 4,096 bytes (RFC 6265bis, section 5.7).
MAX_VALUE_BYTES: Final = 4_000
NO_PAGE: Final = (
    "The cookie with the refresh token is accepted from pages only: this request has neither a valid "
    "Origin nor Sec-Fetch-Site."
)
TWO_TOKENS: Final = "Send the refresh token in the cookie or in the body, not in both."
TWO_COOKIES: Final = (
    "There are two cookies of the refresh token with different values. Delete them."
)

# A device key is appended to its refresh token, of which `:` is never a part.
_VALUE: Final = re.compile(r"([A-Za-z0-9_=.+/-]+)(?::([A-Za-z0-9_-]{1,18}_[0-9a-f-]{1,36}))?")
_LOCALHOST: Final = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SentToken:
    """A refresh token and its device key, as a request sent them: in the cookie or in the body."""

    refresh_token: str = field(repr=False)
    device_key: str | None
    in_cookie: bool


def is_used(request: web.Request) -> bool:
    """Return whether the client of *request* gets and sends refresh tokens in the cookie."""
    mode = request.app[keys.CONFIG].auth.refresh_cookie
    return mode == "true" or (mode == "browsers" and is_page(request))


def is_present(request: web.Request) -> bool:
    """Return whether the request has the cookie, in a deployment that reads it."""
    return _is_on(request) and bool(_values(request))


def is_expected(request: web.Request) -> bool:
    """Return whether the refresh token of a request is in the cookie unless it is in the body."""
    return is_used(request) or is_present(request)


def is_sent_to(request: web.Request) -> bool:
    """Return whether browsers send the cookie to the path of *request*."""
    return _is_on(request) and request.path.startswith(f"{PATH}/")


def sent_token(
    request: web.Request, refresh_token: str | None, device_key: str | None
) -> SentToken | None:
    """
    Return the refresh token of the request: that of its body, or else of its cookie.

    None if there is none, or a malformed one. Raises MalformedRequest for both, and CrossSiteRefused
    unless a page that may use the cookie sent the request.
    """
    in_body = refresh_token is not None or device_key is not None
    if in_body and is_present(request):
        raise MalformedRequest(TWO_TOKENS)
    if refresh_token is not None:
        return SentToken(refresh_token, device_key, in_cookie=False)
    if not is_accepted_page(request):
        raise CrossSiteRefused(NO_PAGE)
    values = {*_values(request)}
    if not values:
        return None
    if len(values) > 1:  # another host of the site has set one of them
        raise MalformedRequest(TWO_COOKIES)
    match = _VALUE.fullmatch(values.pop())
    return None if match is None else SentToken(match[1], match[2], in_cookie=True)


def keep(request: web.Request, refresh_token: str, device_key: str | None) -> None:
    """Let the response set the cookie; raises Misconfigured if browsers would ignore it."""
    value = refresh_token if device_key is None else f"{refresh_token}:{device_key}"
    if len(value) > MAX_VALUE_BYTES or not _VALUE.fullmatch(value):
        structlog.get_logger().error(
            "refresh_cookie_unusable",
            size_bytes=len(value),
            limit_bytes=MAX_VALUE_BYTES,
            advice="Browsers ignore longer cookies, and those with other characters. Let the pool issue "
            "smaller refresh tokens, or set [auth] refresh-cookie to false.",
        )
        raise Misconfigured
    request[keys.REFRESH_COOKIE] = value


def clear(request: web.Request) -> None:
    """Let the response delete the cookie, if the client has one."""
    if is_expected(request):
        request[keys.REFRESH_COOKIE] = ""


def write(
    request: web.Request, response: web.StreamResponse, refusal: ServiceError | None = None
) -> None:
    """
    Set or delete the cookie of *response* as `keep` and `clear` have decided.

    RefreshTokenInvalid deletes it. RefreshTokenReused does not: another tab has the newer token.
    """
    if isinstance(refusal, RefreshTokenInvalid):
        clear(request)
    value = request.get(keys.REFRESH_COOKIE)
    if value is None:
        return
    max_age_s = request.app[keys.CONFIG].auth.refresh_cookie_max_age_s
    is_plain = _is_plain(request)
    response.set_cookie(
        LOCALHOST_NAME if is_plain else NAME,
        value,
        max_age=max_age_s if value else 0,
        path=PATH,
        secure=not is_plain,
        httponly=True,
        samesite="Strict",
    )


def _is_on(request: web.Request) -> bool:
    return request.app[keys.CONFIG].auth.refresh_cookie != "false"


def _is_plain(request: web.Request) -> bool:
    """Return whether the cookie is without Secure: over HTTP on localhost only."""
    return request.app[keys.PLAIN_LOCALHOST] and bool(_LOCALHOST.fullmatch(request.host))


def _values(request: web.Request) -> Sequence[str]:
    """Return the values of all cookies of the name."""
    name = LOCALHOST_NAME if _is_plain(request) else NAME
    pairs = (
        pair.strip().partition("=")
        for header in request.headers.getall(hdrs.COOKIE, ())
        for pair in header.split(";")
    )
    return [value.strip('"') for found, _, value in pairs if found == name]
