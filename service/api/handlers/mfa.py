"""The signed-in user's second factors: preferences, authenticator apps."""

from http import HTTPStatus

from aiohttp import web

from service.api import account_body, http_errors, keys, otpauth, request_body
from service.api.audit_log import AuditEvent, emit
from service.api.cognito_guard import guarded_call
from service.api.operations import OF_COGNITO, Answer, operation
from service.api.schemas import mfa as schemas
from service.domain import errors
from service.domain.accounts import account_of
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "second factors"
LABELS = ("email", "phone_number", "preferred_username")  # what a person knows the account by


@operation(
    "Read which second factors are enabled",
    tag=TAG,
    answers={HTTPStatus.OK: Answer("The factors.", schemas.EnabledFactorsSchema)},
    refusals=OF_COGNITO,
    operation_id="readMfa",
)
async def show(request: web.Request) -> web.Response:
    """Answer with the caller's factors."""
    async with guarded_call(request, RateLimitedAction.READ):
        preferences = await request.app[keys.IDENTITY_PROVIDER].factors.preferences(
            request[keys.ACCESS_TOKEN]
        )
    data: dict[str, object] = {"enabled": list(preferences.enabled)}
    if preferences.preferred is not None:
        data["preferred"] = preferences.preferred
    return request_body.answer(data)


@operation(
    "Choose which second factors are enabled",
    tag=TAG,
    body=schemas.MfaPreferencesSchema,
    answers={HTTPStatus.NO_CONTENT: Answer("Exactly these factors are enabled.")},
    refusals=OF_COGNITO,
    operation_id="chooseMfa",
)
async def prefer(request: web.Request) -> web.Response:
    """Enable exactly the factors that the body lists."""
    preferences = await account_body.load(
        request,
        RateLimitedAction.UPDATE,
        schemas.MfaPreferencesSchema(),
        refused=AuditEvent.MFA_CHANGE_REFUSED,
    )
    access_token = request[keys.ACCESS_TOKEN]
    async with guarded_call(
        request, RateLimitedAction.UPDATE, refused=AuditEvent.MFA_CHANGE_REFUSED
    ):
        await request.app[keys.IDENTITY_PROVIDER].factors.prefer(access_token, preferences)
    enabled = AuditEvent.MFA_ENABLED if preferences.enabled else AuditEvent.MFA_DISABLED
    emit(request, enabled, sub=request[keys.IDENTITY].sub)
    return web.Response(status=HTTPStatus.NO_CONTENT)


@operation(
    "Begin to set up an authenticator app",
    tag=TAG,
    answers={HTTPStatus.OK: Answer("The secret for the app.", schemas.TotpSecretSchema)},
    refusals=(
        *OF_COGNITO,
        errors.AccountChanged,
        http_errors.CrossSiteRefused,
        errors.MfaNotConfigured,
    ),
    operation_id="beginTotp",
)
async def associate_totp(request: web.Request) -> web.Response:
    """Give the caller a secret for an authenticator app."""
    provider = request.app[keys.IDENTITY_PROVIDER]
    access_token = request[keys.ACCESS_TOKEN]
    async with guarded_call(
        request, RateLimitedAction.UPDATE, refused=AuditEvent.MFA_CHANGE_REFUSED
    ):
        account = await account_of(
            provider.own_account, access_token, sub=request[keys.IDENTITY].sub
        )
        secret = await provider.factors.associate_totp(access_token)
    label = next(
        (account.attributes[name] for name in LABELS if account.attributes.get(name)),
        account.username,
    )
    issuer = request.app[keys.CONFIG].auth.totp_issuer
    uri = otpauth.otpauth_uri(secret, label, issuer=issuer)
    return request_body.answer({"secret": secret, "uri": uri})


@operation(
    "Finish setting up an authenticator app",
    tag=TAG,
    body=schemas.VerifyTotpSchema,
    answers={HTTPStatus.NO_CONTENT: Answer("The app is set up; enable it with PUT.")},
    refusals=(*OF_COGNITO, errors.CodeMismatch, errors.MfaNotConfigured),
    operation_id="verifyTotp",
)
async def verify_totp(request: web.Request) -> web.Response:
    """Prove that the caller's app has the secret."""
    body = await account_body.load(
        request,
        RateLimitedAction.UPDATE,
        schemas.VerifyTotpSchema(),
        refused=AuditEvent.MFA_CHANGE_REFUSED,
    )
    access_token = request[keys.ACCESS_TOKEN]
    async with guarded_call(
        request, RateLimitedAction.UPDATE, refused=AuditEvent.MFA_CHANGE_REFUSED
    ):
        await request.app[keys.IDENTITY_PROVIDER].factors.verify_totp(
            access_token, body["code"], body["device_name"]
        )
    emit(request, AuditEvent.TOTP_VERIFIED, sub=request[keys.IDENTITY].sub)
    return web.Response(status=HTTPStatus.NO_CONTENT)
