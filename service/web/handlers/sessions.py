"""Sessions: logging in, refreshing, logging out."""

from http import HTTPStatus

from aiohttp import web

from service.domain import errors
from service.domain.accounts import Challenge, Tokens
from service.domain.errors import FieldProblem, InvalidFields
from service.web import bearer, bodies, keys
from service.web.operations import OF_A_TRIGGER, OF_COGNITO, OF_SENDING, Answer, operation
from service.web.schemas import accounts as schemas

TAG = "sessions"


@operation(
    "Log in",
    tag=TAG,
    body=schemas.LogInSchema,
    answers={
        HTTPStatus.OK: Answer(
            "Tokens, or the challenge that comes before them.",
            (schemas.TokensSchema, schemas.ChallengedSchema),
        )
    },
    refusals=(
        *OF_COGNITO,
        *OF_A_TRIGGER,
        *OF_SENDING,
        errors.AccountNotConfirmed,
        errors.ChallengeExpired,
        errors.InvalidCredentials,
        errors.PasswordResetRequired,
    ),
)
async def log_in(request: web.Request) -> web.Response:
    """Sign in by password."""
    body = await bodies.load(request, schemas.LogInSchema())
    provider = request.app[keys.IDENTITY_PROVIDER]
    outcome = await provider.log_in(body["username"], body["password"])
    return bodies.answer(
        _challenge(outcome) if isinstance(outcome, Challenge) else _tokens(outcome)
    )


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
        errors.TooManyAttempts,
    ),
)
async def refresh(request: web.Request) -> web.Response:
    """Give new tokens."""
    body = await bodies.load(request, schemas.RefreshSchema())
    return bodies.answer(
        _tokens(await request.app[keys.IDENTITY_PROVIDER].refresh(body["refresh_token"]))
    )


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
    ),
)
async def log_out(request: web.Request) -> web.Response:
    """End the session of a refresh token, or every session of an access token's user."""
    body = await bodies.load(request, schemas.LogOutSchema())
    refresh_token, everywhere = body["refresh_token"], body["everywhere"]
    if refresh_token is None and not everywhere:
        problem = FieldProblem("refreshToken", "Send it, or everywhere: true.")
        raise InvalidFields(problems=(problem,))
    provider = request.app[keys.IDENTITY_PROVIDER]
    if everywhere:
        await provider.sign_out_everywhere(bearer.access_token(request))
    if refresh_token is not None:
        await provider.revoke(refresh_token)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _tokens(tokens: Tokens) -> dict[str, object]:
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


def _challenge(challenge: Challenge) -> dict[str, object]:
    data: dict[str, object] = {"name": challenge.name, "parameters": challenge.parameters}
    if challenge.session is not None:
        data["session"] = challenge.session
    if challenge.available:
        data["available"] = list(challenge.available)
    return {"challenge": data}
