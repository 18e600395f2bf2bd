"""The sign-up and sign-in options of this deployment, from which front ends build their forms."""

from http import HTTPStatus

from aiohttp import web

from service.api import keys, request_body
from service.api.operations import Success, operation
from service.api.schemas.auth_config import OfferSchema
from service.config.settings import AuthConfigConfig
from service.domain.password_rules import PasswordRules

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
        },
        "flows": list(options.flows),
        "firstFactors": list(options.first_factors),
        "mfa": list(options.mfa),
        "passkeys": options.passkeys,
        "password": {
            "minLength": options.password_min_length,
            "requires": list(options.password_requires),
        },
    }
    return request_body.answer(data)


def password_rules(options: AuthConfigConfig) -> PasswordRules:
    """Return the password rules of the options."""
    return PasswordRules(options.password_min_length, options.password_requires)
