"""Sessions: logging in, answering challenges, refreshing, logging out."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from service.api import account_body, bearer_token, keys, otpauth, request_body, sign_in_steps
from service.api.audit_log import AuditEvent, emit
from service.api.cognito_guard import RATE_LIMITER, guarded_call
from service.api.http_errors import InvalidFields
from service.api.operations import (
    OF_A_PASSWORD,
    OF_A_TRIGGER,
    OF_COGNITO,
    OF_SENDING,
    Answer,
    operation,
)
from service.api.schemas import sessions as schemas
from service.domain import errors
from service.domain.errors import FieldProblem
from service.domain.sessions import Answer as ChallengeAnswer
from service.domain.sessions import Challenge, Tokens
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "sessions"

_TOKENS_OR_CHALLENGE = {
    HTTPStatus.OK: Answer(
        "Tokens, or the challenge that comes before them.",
        (schemas.TokensSchema, schemas.ChallengedSchema),
    )
}
_OF_SIGNING_IN = (
    *OF_COGNITO,
    *OF_A_TRIGGER,
    *OF_SENDING,
    errors.AccountNotConfirmed,
    errors.ChallengeExpired,
    errors.InvalidCredentials,
    errors.PasswordResetRequired,
)


@operation(
    "Log in",
    tag=TAG,
    body=schemas.LogInSchema,
    answers=_TOKENS_OR_CHALLENGE,
    refusals=_OF_SIGNING_IN,
)
async def log_in(request: web.Request) -> web.Response:
    """Sign in by password, or begin to without one."""
    body = await account_body.load(
        request,
        RateLimitedAction.SIGN_IN,
        schemas.LogInSchema(),
        refused=AuditEvent.SIGN_IN_REFUSED,
    )
    username, password = body["username"], body.get("password")
    preferred = body.get("preferred_challenge")
    sessions = request.app[keys.IDENTITY_PROVIDER].sessions
    kind = sign_in_steps.kind_of_beginning(password, preferred)
    async with (
        guarded_call(
            request,
            kind,
            refused=AuditEvent.SIGN_IN_REFUSED,
            account=username,
            pad_success=password
            is None,  # the challenge may be one that Cognito invents for nobody
        ) as client,
        sign_in_steps.hiding_account_state(request.app[keys.CONFIG].auth),
    ):
        if password is not None:
            outcome = await sessions.log_in(username, password, client)
        else:
            outcome = await sessions.begin(username, preferred, client)
        sign_in_steps.note_beginning(
            request.app[RATE_LIMITER], username, client, outcome=outcome, kind=kind
        )
    return _answered(request, outcome, username)


@operation(
    "Answer a challenge",
    tag=TAG,
    body=schemas.ChallengeAnswerSchema,
    answers=_TOKENS_OR_CHALLENGE,
    refusals=(
        *_OF_SIGNING_IN,
        *OF_A_PASSWORD,
        errors.AccountChanged,
        errors.AliasExists,
        errors.CodeExpired,
        errors.CodeMismatch,
        errors.MfaNotConfigured,
        errors.TokenInvalid,
    ),
)
async def answer_challenge(request: web.Request) -> web.Response:
    """Go on with a sign-in by the answer to its challenge."""
    writable = request.app[keys.CONFIG].auth.writable_attributes
    answer: ChallengeAnswer = await account_body.load(
        request,
        RateLimitedAction.CHALLENGE,
        schemas.ChallengeAnswerSchema(writable_attributes=writable),
        refused=AuditEvent.SIGN_IN_REFUSED,
    )
    async with (
        guarded_call(
            request,
            sign_in_steps.kind_of_answer(answer),
            refused=AuditEvent.SIGN_IN_REFUSED,
            account=answer.username,
            pad_success=answer.proves_nothing,  # so it may go on with an invented challenge, too
        ) as client,
        sign_in_steps.hiding_account_state(request.app[keys.CONFIG].auth),
    ):
        outcome = await request.app[keys.IDENTITY_PROVIDER].sessions.answer(answer, client)
        sign_in_steps.note_answer(request.app[RATE_LIMITER], answer, client, outcome=outcome)
    return _answered(request, outcome, answer.username)


@operation(
    "Exchange a refresh token for new tokens",
    tag=TAG,
    body=schemas.RefreshSchema,
    answers={
        HTTPStatus.OK: Answer(
            "New tokens; a refresh token only where it replaces the old one.",
            schemas.TokensSchema,
        )
    },
    refusals=(
        *OF_COGNITO,
        *OF_A_TRIGGER,
        errors.RefreshTokenInvalid,
        errors.RefreshTokenReused,
    ),
)
async def refresh(request: web.Request) -> web.Response:
    """Give new tokens."""
    body = await account_body.load(
        request,
        RateLimitedAction.TOKEN,
        schemas.RefreshSchema(),
        refused=AuditEvent.TOKEN_REFRESH_REFUSED,
    )
    async with guarded_call(
        request, RateLimitedAction.TOKEN, refused=AuditEvent.TOKEN_REFRESH_REFUSED
    ):
        tokens = await request.app[keys.IDENTITY_PROVIDER].sessions.refresh(body["refresh_token"])
    emit(request, AuditEvent.TOKEN_REFRESHED, sub=tokens.user_id)
    return request_body.answer(_tokens(tokens))


@operation(
    "Log out of one session, or of all",
    tag=TAG,
    body=schemas.LogOutSchema,
    headers={"Authorization": "The access token, needed to log out everywhere."},
    answers={HTTPStatus.NO_CONTENT: Answer("The sessions have ended.")},
    refusals=(
        *OF_COGNITO,
        errors.AccountNotConfirmed,
        errors.PasswordResetRequired,
        errors.TokenInvalid,
        errors.UnsupportedTokenType,
    ),
)
async def log_out(request: web.Request) -> web.Response:
    """End the session of a refresh token, or every session of an access token's user."""
    body = await account_body.load(
        request,
        RateLimitedAction.TOKEN,
        schemas.LogOutSchema(),
        refused=AuditEvent.SIGN_OUT_REFUSED,
    )
    refresh_token, everywhere = body["refresh_token"], body["everywhere"]
    if refresh_token is None and not everywhere:
        problem = FieldProblem("refreshToken", "Send it, or everywhere: true.")
        raise InvalidFields(problems=(problem,))
    sessions = request.app[keys.IDENTITY_PROVIDER].sessions
    access_token = await bearer_token.sign_in(request) if everywhere else None
    async with guarded_call(request, RateLimitedAction.TOKEN, refused=AuditEvent.SIGN_OUT_REFUSED):
        if access_token is not None:
            await sessions.sign_out_everywhere(access_token)
            emit(
                request,
                AuditEvent.SIGNED_OUT_EVERYWHERE,
                sub=request[keys.IDENTITY].sub,
            )
        if refresh_token is not None:
            await sessions.revoke(refresh_token)
            emit(request, AuditEvent.SIGNED_OUT)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _answered(request: web.Request, outcome: Tokens | Challenge, username: str) -> web.Response:
    if isinstance(outcome, Tokens):
        emit(request, AuditEvent.SIGNED_IN, sub=outcome.user_id, account=username)
        return request_body.answer(_tokens(outcome))
    emit(request, AuditEvent.CHALLENGED, account=username)
    issuer = request.app[keys.CONFIG].auth.totp_issuer
    challenge = otpauth.with_uri(outcome, username, issuer=issuer)
    return request_body.answer({"challenge": _challenge(challenge)})


def _tokens(tokens: Tokens) -> Mapping[str, object]:
    data: dict[str, object] = {
        "userId": tokens.user_id,
        "idToken": tokens.id_token,
        "accessToken": tokens.access_token,
        "tokenType": "Bearer",
        "expiresIn": tokens.expires_in_s,
    }
    if tokens.refresh_token is not None:
        data["refreshToken"] = tokens.refresh_token
    return data


def _challenge(challenge: Challenge) -> Mapping[str, object]:
    data: dict[str, object] = {"name": challenge.name, "parameters": challenge.parameters}
    if challenge.session is not None:
        data["session"] = challenge.session
    if challenge.available:
        data["available"] = list(challenge.available)
    return data
