"""The sign-up and sign-in options of this deployment, from which front ends build their forms."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from service.api import keys
from service.api.operations import Success, operation
from service.api.request_parsing import request_body
from service.api.schemas.auth_config import OfferSchema
from service.api.sign_in_steps import SENT_FIRST_FACTORS
from service.config.settings import AuthConfigConfig
from service.domain.mfa import PASSKEY
from service.domain.passwords import PasswordRules

TAG = "accounts"


@operation(
    "Read the sign-up and sign-in options",
    tag=TAG,
    operation_id="showOffer",
    answers={HTTPStatus.OK: Success("The options of this deployment.", OfferSchema)},
)
async def show(request: web.Request) -> web.Response:
    """Return the options, which come from the settings and not from the user pool."""
    config = request.app[keys.CONFIG]
    options = config.auth_config
    data: dict[str, object] = {
        "signUp": {
            "enabled": options.sign_up,
            "uniform": config.auth.uniform_signup,
            "attributes": list(config.auth.writable_attributes),
            "passwordless": signs_in_by_code(options),
        },
        "flows": list(options.flows),
        "firstFactors": list(options.first_factors),
        "mfa": list(options.mfa),
        "passkeys": options.passkeys,
        "metadata": list(config.auth.client_metadata),
        "sessions": options.sessions,
        "refreshCookie": config.auth.refresh_cookie != "false",
        "password": {
            "minLength": options.password_min_length,
            "requires": list(options.password_requires),
        },
    }
    federation = config.federation
    if federation.domain is not None:
        data["federation"] = {
            "providers": list(federation.providers),
            "redirectUris": list(federation.redirect_uris),
        }
    if options.passkeys:
        data["webAuthn"] = _web_authn(options)
    return request_body.answer(data)


def signs_in_by_code(options: AuthConfigConfig) -> bool:
    """Return whether a one-time code is one of the first factors, so that no password is needed."""
    return not SENT_FIRST_FACTORS.isdisjoint(options.first_factors)


def _web_authn(options: AuthConfigConfig) -> Mapping[str, object]:
    data: dict[str, object] = {
        "userVerification": options.passkey_user_verification,
        "secondFactor": PASSKEY in options.mfa,
    }
    if options.passkey_relying_party_id is not None:
        data["relyingPartyId"] = options.passkey_relying_party_id
    return data


def password_rules(options: AuthConfigConfig) -> PasswordRules:
    """Return the password rules of the options."""
    return PasswordRules(options.password_min_length, options.password_requires)
