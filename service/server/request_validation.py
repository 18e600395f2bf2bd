"""
What the HTTP parser lets through and no sound client sends; it is refused before the application.

Where two programs in a row read a request differently, the one that checks is not the one that acts.
"""

import re
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web

from service.api.bearer_token import OIDC_ACCESS_TOKEN
from service.api.handlers.health import PREFIX as HEALTH
from service.api.http_errors import MalformedRequest, RequestRejected
from service.api.middlewares.identity import OIDC_DATA, OIDC_IDENTITY
from service.domain.errors import NotAuthenticated, ServiceError
from service.server import request_target

IDENTITY_FIELDS: Final = frozenset(
    {OIDC_ACCESS_TOKEN, OIDC_DATA, OIDC_IDENTITY, hdrs.AUTHORIZATION.lower()}
)
VERSIONS: Final = frozenset({HttpVersion10, HttpVersion11})

# RFC 9110, section 7.2: a name or an address, and perhaps a port.
_HOST: Final = re.compile(
    r"([A-Za-z0-9._~%!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?", re.ASCII
)


HOST_NOT_ALLOWED: Final = "The service does not answer under this host name."


class Violation(NamedTuple):
    """Why a request is refused: a word for the log, and the answer."""

    reason: str
    error: ServiceError


def objection(
    request: web.BaseRequest, allowed_hosts: AbstractSet[str] = frozenset()
) -> Violation | None:
    """Return what stands against serving the request; without *allowed_hosts* any host is right."""
    headers = request.headers
    if request.version not in VERSIONS:
        return Violation("version", MalformedRequest())
    if request.method == hdrs.METH_CONNECT:  # what follows it would be no HTTP
        return Violation("connect", MalformedRequest())
    target = request_target.parsed(request.raw_path)
    if target is None:
        return Violation("target", MalformedRequest())
    unwanted = _of_hosts(headers.get(hdrs.HOST, ""), target, allowed_hosts)
    if unwanted is not None:
        return unwanted
    if headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        return Violation("expect", RequestRejected())
    return _of_body(request) or _of_identity(request)


def _of_hosts(
    host: str, target: request_target.Target, allowed_hosts: AbstractSet[str]
) -> Violation | None:
    """
    Return what is wrong with the hosts that the request names, in its Host and in its target.

    A load balancer's health checks name an address: they are answered for every host.
    """
    named = [host] if target.authority is None else [host, target.authority]
    for name in named:
        match = _HOST.fullmatch(name)
        if match is None:
            return Violation("host", MalformedRequest())
        if allowed_hosts and match[1].lower() not in allowed_hosts:
            if target.path.startswith(HEALTH):
                continue
            return Violation("host_not_allowed", MalformedRequest(HOST_NOT_ALLOWED))
    return None


def _of_body(request: web.BaseRequest) -> Violation | None:
    """Return what is wrong with the way in which the body is sent."""
    chunked = request.headers.get(hdrs.TRANSFER_ENCODING)
    if chunked is not None and (
        chunked.lower() != "chunked" or request.version == HttpVersion10
    ):  # RFC 9112, section 6.1
        return Violation("transfer_encoding", MalformedRequest())
    return None


def _of_identity(request: web.BaseRequest) -> Violation | None:
    """Return what is wrong with the fields that may identify the sender: each is sent once, plainly."""
    seen = set()
    for name, value in request.headers.items():
        sent = name.lower()
        meant = sent.replace("_", "-")
        if meant not in IDENTITY_FIELDS:
            continue
        if meant != sent:  # for a gateway that makes variables of names, both are one
            return Violation("underscore", MalformedRequest())
        if meant in seen:
            return Violation("repeated", NotAuthenticated())
        if not (value.isascii() and value.isprintable()):
            return Violation("not_ascii", NotAuthenticated())
        seen.add(meant)
    return None
