"""Shared parts of the API document: introduction, tags, security schemes and headers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from service.api.middlewares import refresh_cookie
from service.api.middlewares.identity import OIDC_IDENTITY

DESCRIPTION: Final = """\
User accounts in Amazon Cognito and user profiles in DynamoDB, at most one profile for each user.

To try it on the page of this document, press **Execute** on each of these in turn:

1. `POST /api/auth/signup` creates an account and sends it a code;
2. `POST /api/auth/confirm` takes the code of the message, which `make run` prints on its terminal;
3. `POST /api/auth/login` returns tokens: the page sends the access token with the calls that need one,
   and **Authorize** takes another, or a `userId`;
4. `POST /v1/user/profile` saves a profile, `GET /v1/user/profile` reads it.

The `userId` is the Cognito `sub` of the profile's owner. Requests are authenticated by the access token
in `Authorization: Bearer`, or, behind a load balancer that signs users in, by the load balancer's signed
token. A deployment may also trust the header `x-amzn-oidc-identity` alone.

Every error is `application/problem+json` (RFC 9457) with a `code` from a closed list (`Problem.code`) and
the `requestId` of its log entries, which every response has as its header `X-Request-Id`.
"""
CONTACT: Final = {"name": "The operator of this deployment"}
TAGS: Final[Mapping[str, str]] = {  # in the page's order
    "accounts": "Sign-up and confirmation.",
    "sessions": "Log-in, challenges, token refresh and log-out.",
    "passwords": "Password reset and password change.",
    "own account": "The signed-in user's own account.",
    "second factors": "The signed-in user's second factors.",
    "passkeys": "The signed-in user's passkeys.",
    "active sessions": "Where the signed-in user is signed in.",
    "profiles": "The caller's own profile.",
    "own data": "What is stored of the caller, and what happened to it.",
    "users": "The profiles of users, for other services.",
    "health": "For load balancers and orchestrators.",
    "documentation": "This document, and a page to try its operations.",
}
IDENTITY: Final = "identity"
ACCESS_TOKEN: Final = "accessToken"  # noqa: S105 -- the scheme's name
REFRESH_COOKIE: Final = "refreshCookie"
SERVICE_TOKEN: Final = "serviceToken"  # noqa: S105 -- the scheme's name
SECURITY_SCHEMES: Final[Mapping[str, dict[str, Any]]] = {
    IDENTITY: {
        "type": "apiKey",
        "in": "header",
        "name": OIDC_IDENTITY,
        "description": "The `userId` from the log-in response.",
    },
    ACCESS_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `accessToken` from the log-in response, or of an OAuth 2.0 sign-in; under "
        "`/api/auth` it needs the scope `aws.cognito.signin.user.admin`.",
    },
    REFRESH_COOKIE: {
        "type": "apiKey",
        "in": "cookie",
        "name": refresh_cookie.NAME,
        "description": "The refresh token, where `GET /api/auth/config` says `refreshCookie`: responses "
        "with tokens set this cookie instead of `refreshToken` and `deviceKey`. Pages send no body; a "
        "request without `Origin` and `Sec-Fetch-Site`, which browsers add, is refused.",
    },
    SERVICE_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token of the client credentials grant, from the token endpoint of the "
        "user pool's domain, for a client in `[services] clients`. It needs the scope that the operation "
        "names, of the resource server in `[services] resource-server`: `profiles/profiles.read`.",
    },
}
HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    "Retry-After": {
        "description": "Seconds to wait before a retry.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "The authentication scheme.",
        "required": True,
        "schema": {"type": "string"},
    },
}
MISSING_SCOPE: Final[Mapping[str, Any]] = {
    "description": "With `insufficient_scope`: the scope that the access token needs.",
    "schema": {"type": "string"},
}
STATUS_HEADERS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.UNAUTHORIZED: "WWW-Authenticate",
    HTTPStatus.TOO_MANY_REQUESTS: "Retry-After",
    HTTPStatus.SERVICE_UNAVAILABLE: "Retry-After",
    HTTPStatus.GATEWAY_TIMEOUT: "Retry-After",
}
