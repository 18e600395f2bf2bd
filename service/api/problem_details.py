"""Error responses: `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from service.api import http_errors, keys
from service.api.bearer_token import OIDC_ACCESS_TOKEN
from service.api.request_parsing import request_body
from service.domain import errors
from service.domain.errors import ServiceError

PROBLEM_JSON = "application/problem+json"

STATUSES: Final[Mapping[type[ServiceError], HTTPStatus]] = {
    http_errors.MalformedRequest: HTTPStatus.BAD_REQUEST,
    http_errors.RouteNotFound: HTTPStatus.NOT_FOUND,
    http_errors.MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    http_errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    http_errors.RequestTimeout: HTTPStatus.REQUEST_TIMEOUT,
    http_errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.InvalidFields: HTTPStatus.UNPROCESSABLE_ENTITY,
    http_errors.CrossSiteRefused: HTTPStatus.FORBIDDEN,
    http_errors.RequestRejected: HTTPStatus.BAD_REQUEST,
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.TokenInvalid: HTTPStatus.UNAUTHORIZED,
    errors.InvalidCredentials: HTTPStatus.UNAUTHORIZED,
    errors.RefreshTokenInvalid: HTTPStatus.UNAUTHORIZED,
    errors.RefreshTokenReused: HTTPStatus.UNAUTHORIZED,
    errors.ChallengeExpired: HTTPStatus.UNAUTHORIZED,
    errors.AccountExists: HTTPStatus.CONFLICT,
    errors.AliasExists: HTTPStatus.CONFLICT,
    errors.AccountNotConfirmed: HTTPStatus.FORBIDDEN,
    errors.PasswordResetRequired: HTTPStatus.FORBIDDEN,
    errors.TemporaryPasswordExpired: HTTPStatus.FORBIDDEN,
    errors.UserDisabled: HTTPStatus.FORBIDDEN,
    errors.InsufficientScope: HTTPStatus.FORBIDDEN,
    errors.WeakPassword: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PasswordReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.CodeMismatch: HTTPStatus.BAD_REQUEST,
    errors.CodeExpired: HTTPStatus.BAD_REQUEST,
    errors.AuthorizationCodeInvalid: HTTPStatus.BAD_REQUEST,
    errors.SignUpDisabled: HTTPStatus.FORBIDDEN,
    errors.Blocked: HTTPStatus.FORBIDDEN,
    errors.CaptchaRequired: HTTPStatus.FORBIDDEN,
    errors.RejectedByPolicy: HTTPStatus.BAD_REQUEST,
    errors.InvalidParameter: HTTPStatus.BAD_REQUEST,
    errors.UnsupportedTokenType: HTTPStatus.BAD_REQUEST,
    errors.AccountChanged: HTTPStatus.CONFLICT,
    errors.MfaNotConfigured: HTTPStatus.CONFLICT,
    errors.PasskeyRejected: HTTPStatus.BAD_REQUEST,
    errors.PasskeyNotFound: HTTPStatus.NOT_FOUND,
    errors.PasskeyChallengeExpired: HTTPStatus.GONE,
    errors.SessionNotFound: HTTPStatus.NOT_FOUND,
    errors.SessionIsCurrent: HTTPStatus.CONFLICT,
    errors.ProfileNotFound: HTTPStatus.NOT_FOUND,
    errors.ProfileChanged: HTTPStatus.CONFLICT,
    errors.ProfileTooLarge: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.AccountClosed: HTTPStatus.FORBIDDEN,
    errors.VersionNotFound: HTTPStatus.NOT_FOUND,
    errors.HistoryExpired: HTTPStatus.GONE,
    errors.PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    errors.TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Throttled: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.UpstreamUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DeadlineExceeded: HTTPStatus.GATEWAY_TIMEOUT,
    errors.UpstreamFault: HTTPStatus.BAD_GATEWAY,
    errors.DeliveryFailed: HTTPStatus.BAD_GATEWAY,
    errors.UpstreamHookFailed: HTTPStatus.BAD_GATEWAY,
    errors.Misconfigured: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.FeatureUnavailable: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExportTooLarge: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.InternalError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def problem(request: web.BaseRequest, error: ServiceError) -> web.Response:
    """Return the problem response for *error*."""
    status = STATUSES[type(error)]
    body = envelope(error, request.get(keys.REQUEST_ID, ""))
    response = web.Response(
        body=request_body.dumps(body), status=status.value, content_type=PROBLEM_JSON
    )
    response[keys.PROBLEM_CODE] = error.code
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    challenge = _challenge(request, error)
    if challenge is not None:
        response.headers[hdrs.WWW_AUTHENTICATE] = challenge
    if status is HTTPStatus.UNSUPPORTED_MEDIA_TYPE and request.method == hdrs.METH_PATCH:
        response.headers["Accept-Patch"] = ", ".join(request_body.PATCHES)  # RFC 5789, section 2.2
    return response


def client_gone() -> web.Response:
    """Return what stands in the log and in the metrics for a response to a client that has gone."""
    response = web.Response(status=http_errors.CLIENT_GONE_STATUS, reason="Client Gone")
    response[keys.PROBLEM_CODE] = http_errors.CLIENT_GONE
    return response


def envelope(error: ServiceError, request_id: str) -> dict[str, object]:
    """Return the body of a problem response."""
    status = STATUSES[type(error)]
    body: dict[str, object] = {
        "type": "about:blank",  # `code` is the type; RFC 9457, section 4.2.1
        "title": status.phrase,
        "status": status.value,
        "detail": error.public_detail,
        "code": error.code,
        "requestId": request_id,
    }
    if error.problems:
        body["errors"] = [
            {"field": entry.field, "message": entry.message} for entry in error.problems
        ]
    if isinstance(error, errors.RejectedByPolicy) and error.trigger_message is not None:
        body["triggerMessage"] = error.trigger_message
    return body


def _challenge(request: web.BaseRequest, error: ServiceError) -> str | None:
    """
    Return the WWW-Authenticate of a 401, and of a 403 for a missing scope (RFC 6750, section 3).

    Without a token it has no error (section 3.1).
    """
    if isinstance(error, errors.InsufficientScope):
        return f'Bearer error="insufficient_scope", scope="{error.scope}"'
    authorization = request.headers.get(hdrs.AUTHORIZATION, "").lower()
    has_token = authorization.startswith("bearer") or OIDC_ACCESS_TOKEN in request.headers
    if has_token and isinstance(error, errors.TokenInvalid):
        return 'Bearer realm="user-profile-service", error="invalid_token"'
    is_unauthorized = STATUSES[type(error)] is HTTPStatus.UNAUTHORIZED
    return 'Bearer realm="user-profile-service"' if is_unauthorized else None
