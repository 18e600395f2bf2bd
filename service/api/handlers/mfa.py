"""The signed-in user's second factors: preferences and authenticator apps."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from service.api import http_errors, otpauth
from service.api.audit_log import AuditEvent, emit
from service.api.cognito_call import CognitoCall, cognito_operation
from service.api.operations import Success
from service.api.request_parsing import request_body
from service.api.schemas import mfa as schemas
from service.domain import errors
from service.domain.accounts import account_of
from service.domain.mfa import MfaPreferences
from service.domain.values.json_values import drop_none
from service.rate_limiting.limited_actions import RateLimitedAction

TAG = "second factors"
LABELS = ("email", "phone_number", "preferred_username")  # attributes that identify the account


@cognito_operation(
    "Read which second factors are enabled",
    tag=TAG,
    answers={HTTPStatus.OK: Success("The factors.", schemas.EnabledFactorsSchema)},
    limit=RateLimitedAction.READ,
    operation_id="readMfa",
)
async def show(call: CognitoCall) -> web.Response:
    """Return the caller's factors."""
    async with call.guarded():
        preferences = await call.provider.factors.preferences(call.access_token)
    return request_body.answer(preferences_data(preferences))


def preferences_data(preferences: MfaPreferences) -> Mapping[str, object]:
    """Return the JSON of a user's factors."""
    return drop_none({"enabled": list(preferences.enabled), "preferred": preferences.preferred})


@cognito_operation(
    "Choose which second factors are enabled",
    tag=TAG,
    body=schemas.MfaPreferencesSchema,
    answers={HTTPStatus.NO_CONTENT: Success("Exactly these factors are enabled.")},
    limit=RateLimitedAction.UPDATE,
    refused=AuditEvent.MFA_CHANGE_REFUSED,
    refusals=(errors.MfaNotConfigured,),
    operation_id="chooseMfa",
)
async def prefer(call: CognitoCall) -> web.Response:
    """Enable exactly the factors of the body."""
    preferences = await call.load_body()
    async with call.guarded():
        await call.provider.factors.prefer(call.access_token, preferences)
    event = AuditEvent.MFA_ENABLED if preferences.enabled else AuditEvent.MFA_DISABLED
    factors = " ".join(preferences.enabled) or None
    emit(call.request, event, sub=call.sub, detail=factors)
    return web.Response(status=HTTPStatus.NO_CONTENT)


@cognito_operation(
    "Begin to set up an authenticator app",
    tag=TAG,
    answers={HTTPStatus.OK: Success("The secret for the app.", schemas.TotpSecretSchema)},
    limit=RateLimitedAction.UPDATE,
    refused=AuditEvent.MFA_CHANGE_REFUSED,
    refusals=(errors.AccountChanged, http_errors.CrossSiteRefused, errors.MfaNotConfigured),
    operation_id="beginTotp",
)
async def associate_totp(call: CognitoCall) -> web.Response:
    """Return a new secret for the caller's authenticator app."""
    async with call.guarded():
        account = await account_of(call.provider.own_account, call.access_token, sub=call.sub)
        secret = await call.provider.factors.associate_totp(call.access_token)
    label = next(
        (account.attributes[name] for name in LABELS if account.attributes.get(name)),
        account.username,
    )
    issuer = call.config.auth.totp_issuer
    uri = otpauth.otpauth_uri(secret, label, issuer=issuer)
    return request_body.answer({"secret": secret, "uri": uri})


@cognito_operation(
    "Finish setting up an authenticator app",
    tag=TAG,
    body=schemas.VerifyTotpSchema,
    answers={HTTPStatus.NO_CONTENT: Success("The app is set up; PUT /api/auth/mfa enables it.")},
    limit=RateLimitedAction.UPDATE,
    audit=AuditEvent.TOTP_VERIFIED,
    refused=AuditEvent.MFA_CHANGE_REFUSED,
    refusals=(errors.CodeMismatch, errors.MfaNotConfigured),
    operation_id="verifyTotp",
)
async def verify_totp(call: CognitoCall) -> web.Response:
    """Verify a code of the caller's authenticator app."""
    body = await call.load_body()
    async with call.guarded():
        await call.provider.factors.verify_totp(
            call.access_token, body["code"], body["device_name"]
        )
    return web.Response(status=HTTPStatus.NO_CONTENT)
