"""
Validation of requests that the HTTP parser accepts, before the application sees them.

It refuses what a proxy could interpret differently from the service, and what no correct client sends.
"""

import re
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from multidict import istr

from service.api import keys
from service.api.bearer_token import OIDC_ACCESS_TOKEN
from service.api.http_errors import MalformedRequest, RequestRejected
from service.api.middlewares.identity import OIDC_DATA, OIDC_IDENTITY
from service.domain.errors import NotAuthenticated, ServiceError
from service.server import request_target

IDENTITY_FIELDS: Final = (  # in lower case
    OIDC_ACCESS_TOKEN,
    OIDC_DATA,
    OIDC_IDENTITY,
    istr("authorization"),
)
VERSIONS: Final = frozenset({HttpVersion10, HttpVersion11})

# RFC 9110, section 7.2: a name or an address, and perhaps a port.
_HOST: Final = re.compile(
    r"([A-Za-z0-9._~%!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?", re.ASCII
)
HOST_NOT_ALLOWED: Final = "The service does not answer under this host name."


class Violation(NamedTuple):
    """Why a request is refused: the reason for the log, and the error of the response."""

    reason: str
    error: ServiceError


def validate(
    request: web.BaseRequest, allowed_hosts: AbstractSet[str] = frozenset()
) -> Violation | None:
    """Return the first violation, None for a valid request; without *allowed_hosts* any host is valid."""
    headers = request.headers
    if request.version not in VERSIONS:
        return Violation("version", MalformedRequest())
    if request.method == hdrs.METH_CONNECT:  # what would follow is not HTTP
        return Violation("connect", MalformedRequest())
    target = request_target.parsed(request.raw_path)
    if target is None:
        return Violation("target", MalformedRequest())
    violation = _validate_hosts(headers.get(hdrs.HOST, ""), target, allowed_hosts)
    if violation is not None:
        return violation
    expected = headers.get(hdrs.EXPECT)
    if expected is not None and expected.lower() != "100-continue":
        return Violation("expect", RequestRejected())
    return _validate_framing(request) or _validate_identity(request)


def _validate_hosts(
    host: str, target: request_target.Target, allowed_hosts: AbstractSet[str]
) -> Violation | None:
    """
    Return what is wrong with the hosts in the Host field and in an absolute target.

    Health checks are served for every host: those of a load balancer name an address.
    """
    named = [host] if target.authority is None else [host, target.authority]
    for name in named:
        match = _HOST.fullmatch(name)
        if match is None:
            return Violation("host", MalformedRequest())
        if allowed_hosts and match[1].lower() not in allowed_hosts:
            if target.path.startswith(keys.HEALTH_PREFIX):
                continue
            return Violation("host_not_allowed", MalformedRequest(HOST_NOT_ALLOWED))
    return None


def _validate_framing(request: web.BaseRequest) -> Violation | None:
    """Return what is wrong with the transfer coding of the body."""
    chunked = request.headers.get(hdrs.TRANSFER_ENCODING)
    if chunked is not None and (
        chunked.lower() != "chunked" or request.version == HttpVersion10
    ):  # RFC 9112, section 6.1
        return Violation("transfer_encoding", MalformedRequest())
    return None


def _validate_identity(request: web.BaseRequest) -> Violation | None:
    """Return what is wrong with IDENTITY_FIELDS: each may be sent once, in printable ASCII."""
    headers = request.headers
    for name in headers:  # CGI and WSGI read both spellings as one variable
        if "_" in name and name.lower().replace("_", "-") in IDENTITY_FIELDS:
            return Violation("underscore", MalformedRequest())
    for field in IDENTITY_FIELDS:
        values = headers.getall(field, ())
        if len(values) > 1:
            return Violation("repeated", NotAuthenticated())
        if values and not (values[0].isascii() and values[0].isprintable()):
            return Violation("not_ascii", NotAuthenticated())
    return None
