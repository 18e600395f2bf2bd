"""The offer: what this deployment lets people do, so that a client can draw its forms."""

from http import HTTPStatus

from aiohttp import web

from service.api import keys, request_body
from service.api.operations import Answer, operation
from service.api.schemas.auth_config import OfferSchema
from service.config.settings import AuthConfigConfig
from service.domain.password_rules import PasswordRules

TAG = "accounts"


@operation(
    "What does this deployment offer?",
    tag=TAG,
    operation_id="showOffer",
    answers={HTTPStatus.OK: Answer("What signing up and in can be like here.", OfferSchema)},
)
async def show(request: web.Request) -> web.Response:
    """Answer from the settings; the user pool is not asked."""
    config = request.app[keys.CONFIG]
    offer = config.auth_config
    data: dict[str, object] = {
        "signUp": {
            "enabled": offer.sign_up,
            "uniform": config.auth.uniform_signup,
            "attributes": list(config.auth.writable_attributes),
        },
        "flows": list(offer.flows),
        "firstFactors": list(offer.first_factors),
        "mfa": list(offer.mfa),
        "passkeys": offer.passkeys,
        "password": {
            "minLength": offer.password_min_length,
            "requires": list(offer.password_requires),
        },
    }
    return request_body.answer(data)


def offered_rules(offer: AuthConfigConfig) -> PasswordRules:
    """Return the password rules of an offer."""
    return PasswordRules(offer.password_min_length, offer.password_requires)
