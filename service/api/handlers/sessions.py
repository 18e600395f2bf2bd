"""Log-in, challenges, token refresh and log-out."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from service.api import bearer_token, keys, otpauth, sign_in_steps
from service.api.audit_log import AuditEvent, emit
from service.api.cognito_call import CognitoCall, cognito_operation
from service.api.middlewares import refresh_cookie
from service.api.operations import (
    ACCESS_ERRORS,
    DELIVERY_ERRORS,
    PASSWORD_ERRORS,
    TRIGGER_ERRORS,
    Success,
)
from service.api.request_parsing import request_body
from service.api.schemas import sessions as schemas
from service.domain import errors
from service.domain.errors import InvalidFields
from service.domain.sessions import Challenge, ChallengeAnswer, Tokens
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "sessions"

_TOKENS_OR_CHALLENGE = {
    HTTPStatus.OK: Success(
        "Tokens, or the challenge to answer before they are issued.",
        (schemas.TokensSchema, schemas.ChallengedSchema),
    )
}
_SIGN_IN_ERRORS = (
    *TRIGGER_ERRORS,
    *DELIVERY_ERRORS,
    errors.AccountNotConfirmed,
    errors.ChallengeExpired,
    errors.InvalidCredentials,
    errors.PasswordResetRequired,
    errors.TemporaryPasswordExpired,
)


@cognito_operation(
    "Log in",
    tag=TAG,
    body=schemas.LogInSchema,
    answers=_TOKENS_OR_CHALLENGE,
    limit=RateLimitedAction.SIGN_IN,
    refused=AuditEvent.SIGN_IN_REFUSED,
    refusals=_SIGN_IN_ERRORS,
)
async def log_in(call: CognitoCall) -> web.Response:
    """Sign in with a password, or begin a sign-in without one."""
    body = await call.load_body()
    username, password = body["username"], body.get("password")
    preferred = body.get("preferred_challenge")
    action = sign_in_steps.action_of_log_in(password, preferred)
    has_password = password is not None
    async with (
        # without a password Cognito simulates a challenge for unknown users
        call.guarded(
            action, account=username, metadata=body["metadata"], pad_success=not has_password
        ) as client,
        sign_in_steps.hiding_account_state(call.config.auth),
    ):
        if has_password:
            outcome = await call.provider.sessions.log_in(username, password, client)
        else:
            outcome = await call.provider.sessions.begin(username, preferred, client)
        sign_in_steps.record_step(
            call.rate_limiter, username, client, outcome, completes_first_factor=has_password
        )
    return _tokens_or_challenge(call.request, outcome, username)


@cognito_operation(
    "Answer a challenge",
    tag=TAG,
    body=schemas.ChallengeAnswerSchema,
    answers=_TOKENS_OR_CHALLENGE,
    limit=RateLimitedAction.CHALLENGE,
    refused=AuditEvent.SIGN_IN_REFUSED,
    refusals=(
        *_SIGN_IN_ERRORS,
        *PASSWORD_ERRORS,
        errors.AccountChanged,
        errors.AliasExists,
        errors.CodeExpired,
        errors.CodeMismatch,
        errors.MfaNotConfigured,
        errors.TokenInvalid,
    ),
)
async def answer_challenge(call: CognitoCall) -> web.Response:
    """Continue a sign-in with the answer to its challenge."""
    auth = call.config.auth
    answer: ChallengeAnswer
    answer, metadata = await call.load_body(writable_attributes=auth.writable_attributes)
    async with (
        call.guarded(
            sign_in_steps.action_of_answer(answer),
            account=answer.username,
            metadata=metadata,
            pad_success=answer.is_choice_only,  # it may be followed by a simulated challenge
        ) as client,
        sign_in_steps.hiding_account_state(auth),
    ):
        outcome = await call.provider.sessions.answer(answer, client)
        sign_in_steps.record_answer(call.rate_limiter, answer, client, outcome=outcome)
    return _tokens_or_challenge(call.request, outcome, answer.username)


@cognito_operation(
    "Exchange a refresh token for new tokens",
    tag=TAG,
    body=schemas.RefreshSchema,
    takes_refresh_cookie=True,
    answers={
        HTTPStatus.OK: Success(
            "New tokens; with a refresh token only if it replaces the one that was sent.",
            schemas.TokensSchema,
        )
    },
    limit=RateLimitedAction.TOKEN,
    refused=AuditEvent.TOKEN_REFRESH_REFUSED,
    refusals=(
        *TRIGGER_ERRORS,
        errors.RefreshTokenInvalid,
        errors.RefreshTokenReused,
        errors.UserDisabled,
    ),
)
async def refresh(call: CognitoCall) -> web.Response:
    """
    Return new tokens.

    A refresh token of the body goes to the cookie where that is used: it is from before its use.
    """
    body = await call.load_body()
    if body["refresh_token"] is None and not refresh_cookie.is_expected(call.request):
        raise InvalidFields.of("refreshToken", "Missing data for required field.")
    async with call.guarded(metadata=body["metadata"]) as client:
        sent = refresh_cookie.sent_token(call.request, body["refresh_token"], body["device_key"])
        if sent is None:
            raise errors.RefreshTokenInvalid
        tokens = await call.provider.sessions.refresh(sent.refresh_token, sent.device_key, client)
    emit(call.request, AuditEvent.TOKEN_REFRESHED, sub=tokens.user_id)
    if refresh_cookie.is_used(call.request):
        tokens = replace(
            tokens,
            refresh_token=tokens.refresh_token or (None if sent.in_cookie else sent.refresh_token),
            device_key=tokens.device_key or sent.device_key,
        )
    return request_body.answer(tokens_data(call.request, tokens))


@cognito_operation(
    "Log out of one session, or of all",
    tag=TAG,
    body=schemas.LogOutSchema,
    takes_refresh_cookie=True,
    headers={"Authorization": "The access token, required to log out everywhere."},
    answers={HTTPStatus.NO_CONTENT: Success("The sessions have ended.")},
    limit=RateLimitedAction.TOKEN,
    refused=AuditEvent.SIGN_OUT_REFUSED,
    refusals=(
        *ACCESS_ERRORS[keys.Access.SIGNED_IN],
        errors.RefreshTokenInvalid,
        errors.UnsupportedTokenType,
    ),
)
async def log_out(call: CognitoCall) -> web.Response:
    """End the session of a refresh token, or all sessions of an access token's user."""
    request, body = call.request, await call.load_body()
    refresh_token, everywhere = body["refresh_token"], body["everywhere"]
    if refresh_token is None and not everywhere and not refresh_cookie.is_expected(request):
        raise InvalidFields.of("refreshToken", "Send a refresh token, or everywhere: true.")
    access_token = await bearer_token.sign_in(request) if everywhere else None
    async with call.guarded():
        sent = None
        if refresh_token is not None or not everywhere or refresh_cookie.is_present(request):
            sent = refresh_cookie.sent_token(request, refresh_token, None)
        if access_token is not None:
            await call.provider.sessions.sign_out_everywhere(access_token)
            emit(request, AuditEvent.SIGNED_OUT_EVERYWHERE, sub=call.sub)
        if sent is not None:
            await call.provider.sessions.revoke(sent.refresh_token)
            emit(request, AuditEvent.SIGNED_OUT)
    refresh_cookie.clear(request)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _tokens_or_challenge(
    request: web.Request, outcome: Tokens | Challenge, username: str
) -> web.Response:
    return request_body.answer(outcome_data(request, outcome, username))


def outcome_data(
    request: web.Request, outcome: Tokens | Challenge, username: str
) -> Mapping[str, object]:
    """
    Write the audit event of a step of a sign-in, and return the body of its response.

    Raises as `tokens_data`.
    """
    if isinstance(outcome, Tokens):
        data = tokens_data(request, outcome)
        emit(request, AuditEvent.SIGNED_IN, sub=outcome.user_id, account=username)
        return data
    emit(request, AuditEvent.CHALLENGED, account=username)
    issuer = request.app[keys.CONFIG].auth.totp_issuer
    challenge = otpauth.with_uri(outcome, username, issuer=issuer)
    return {"challenge": _challenge(challenge)}


def tokens_data(request: web.Request, tokens: Tokens) -> Mapping[str, object]:
    """
    Return the tokens for the body of a response, whose cookie has the refresh token where it is used.

    Raises Misconfigured for a refresh token that is too large for a cookie.
    """
    data: dict[str, object] = {
        "userId": tokens.user_id,
        "idToken": tokens.id_token,
        "accessToken": tokens.access_token,
        "tokenType": "Bearer",
        "expiresIn": tokens.expires_in_s,
    }
    if refresh_cookie.is_used(request):
        if tokens.refresh_token is not None:
            refresh_cookie.keep(request, tokens.refresh_token, tokens.device_key)
        return data
    if tokens.refresh_token is not None:
        data["refreshToken"] = tokens.refresh_token
    if tokens.device_key is not None:
        data["deviceKey"] = tokens.device_key
    return data


def _challenge(challenge: Challenge) -> Mapping[str, object]:
    data: dict[str, object] = {"name": challenge.name, "parameters": challenge.parameters}
    if challenge.session is not None:
        data["session"] = challenge.session
    if challenge.available:
        data["available"] = list(challenge.available)
    return data
