"""Sign-in on the pages of the user pool's domain, by authorization code with PKCE."""

from http import HTTPStatus

from aiohttp import web

from service.api import keys
from service.api.audit_log import AuditEvent, emit
from service.api.cognito_call import CognitoCall, cognito_operation
from service.api.handlers.sessions import TAG, tokens_data
from service.api.operations import Success, operation
from service.api.request_parsing import request_body
from service.api.schemas import federation as schemas
from service.api.schemas.account_fields import MAX_VALUES
from service.api.schemas.sessions import TokensSchema
from service.config.settings import FederationConfig
from service.domain import errors
from service.domain.federation import FederatedSignIn
from service.rate_limiting.limited_actions import RateLimitedAction


@operation(
    "Begin a federated sign-in",
    tag=TAG,
    operation_id="beginFederatedSignIn",
    body=schemas.FederatedSignInSchema,
    answers={HTTPStatus.OK: Success("The URL at which the user signs in.", schemas.UrlSchema)},
    refusals=(errors.FeatureUnavailable,),
)
async def begin(request: web.Request) -> web.Response:
    """Return the URL of the sign-in; nothing is stored."""
    federation, config = _federation(request)
    schema = schemas.FederatedSignInSchema(
        redirect_uris=config.redirect_uris, providers=config.providers
    )
    wanted = await request_body.load(request, schema, max_values=MAX_VALUES)
    return request_body.answer({"url": federation.sign_in_url(wanted)})


@cognito_operation(
    "Complete a federated sign-in",
    tag=TAG,
    operation_id="completeFederatedSignIn",
    body=schemas.FederatedTokensSchema,
    answers={HTTPStatus.OK: Success("The tokens of the signed-in user.", TokensSchema)},
    limit=RateLimitedAction.TOKEN,
    refused=AuditEvent.SIGN_IN_REFUSED,
    refusals=(errors.AuthorizationCodeInvalid,),
)
async def complete(call: CognitoCall) -> web.Response:
    """Exchange the code that the user returned with, once."""
    federation, config = _federation(call.request)
    code = await call.load_body(redirect_uris=config.redirect_uris)
    async with call.guarded():
        tokens = await federation.exchange(code)
    data = tokens_data(call.request, tokens)
    emit(call.request, AuditEvent.SIGNED_IN, sub=tokens.user_id)
    return request_body.answer(data)


@operation(
    "Begin a federated sign-out",
    tag=TAG,
    operation_id="beginFederatedSignOut",
    body=schemas.RedirectSchema,
    answers={HTTPStatus.OK: Success("The URL that ends the browser's session.", schemas.UrlSchema)},
    refusals=(errors.FeatureUnavailable,),
)
async def end(request: web.Request) -> web.Response:
    """Return the URL of the sign-out. Tokens stay valid: log out of the session as well."""
    federation, config = _federation(request)
    schema = schemas.RedirectSchema(redirect_uris=config.redirect_uris)
    body = await request_body.load(request, schema, max_values=MAX_VALUES)
    return request_body.answer({"url": federation.sign_out_url(body["redirect_uri"])})


def _federation(request: web.Request) -> tuple[FederatedSignIn, FederationConfig]:
    """Return the port and its settings; raises FeatureUnavailable without a domain."""
    port = request.app[keys.IDENTITY_PROVIDER].federation
    if port is None:
        raise errors.FeatureUnavailable
    return port, request.app[keys.CONFIG].federation
