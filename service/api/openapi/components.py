"""What the API document says once: the introduction, the tags, the security schemes, the headers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from service.api.middlewares.identity import OIDC_IDENTITY
from service.api.middlewares.request_context import REQUEST_ID_HEADER

DESCRIPTION: Final = """\
Accounts in Amazon Cognito, profiles in DynamoDB, at most one profile for a user.

To try it on the page of this document, press **Execute** on each of these in turn:

1. `POST /api/auth/signup` creates an account and sends it a code;
2. `POST /api/auth/confirm` takes the code;
3. `POST /api/auth/login` answers with tokens and the `userId`; from then on the page sends them with
   the calls that need them, and **Authorize** takes others;
4. `POST /v1/user/profile` saves a profile, `GET /v1/user/profile` reads it.

The `userId` is the Cognito `sub`. It names the profile's owner. You prove it by the access token, as
`Authorization: Bearer`; behind a load balancer that logs people in, its signed token does. Where the
deployment trusts the plain header `x-amzn-oidc-identity`, that is enough.

Every refusal is `application/problem+json` (RFC 9457) with a `code` to switch on, out of one closed list
(`Problem.code`), and with a `requestId` that finds it in the log.
"""
TAGS: Final[Mapping[str, str]] = {  # in the page's order
    "accounts": "Signing up and confirming.",
    "sessions": "Logging in, answering challenges, refreshing, logging out.",
    "passwords": "Resetting and changing a password.",
    "own account": "The signed-in user's own account.",
    "second factors": "The signed-in user's second factors.",
    "passkeys": "The signed-in user's passkeys.",
    "profiles": "The caller's own profile.",
    "health": "For load balancers and orchestrators.",
    "documentation": "This document, and the page on which to try it.",
}
IDENTITY: Final = "identity"
ACCESS_TOKEN: Final = "accessToken"  # noqa: S105 -- the scheme's name
SECURITY_SCHEMES: Final[Mapping[str, dict[str, Any]]] = {
    IDENTITY: {
        "type": "apiKey",
        "in": "header",
        "name": OIDC_IDENTITY,
        "description": "The `userId` that logging in answered with.",
    },
    ACCESS_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "The `accessToken` that logging in answered with.",
    },
}
HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    REQUEST_ID_HEADER: {
        "description": "Finds the request in the log.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds to wait, where waiting helps.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "What to identify oneself with.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Allow": {
        "description": "The methods that the path takes.",
        "required": True,
        "schema": {"type": "string"},
    },
}
OF_A_STATUS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.UNAUTHORIZED: "WWW-Authenticate",
    HTTPStatus.METHOD_NOT_ALLOWED: "Allow",
    HTTPStatus.TOO_MANY_REQUESTS: "Retry-After",
    HTTPStatus.SERVICE_UNAVAILABLE: "Retry-After",
    HTTPStatus.GATEWAY_TIMEOUT: "Retry-After",
}
