"""The token endpoint (RFC 6749, section 3.2) and the user info endpoint."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from local_aws.cognito import tokens
from local_aws.cognito.errors import CognitoError
from local_aws.cognito.resource_servers import CLIENT_CREDENTIALS
from local_aws.cognito.settings import App
from local_aws.cognito.state import Call
from local_aws.domain import client_credentials
from local_aws.domain.authorization import PageError, domain_app, single
from local_aws.domain.state import DomainState, IssuedCode

MEMBERS = {
    "id_token": "IdToken",
    "access_token": "AccessToken",
    "refresh_token": "RefreshToken",
    "expires_in": "ExpiresIn",
    "token_type": "TokenType",
}


class OAuthError(Exception):
    """A refusal of the token endpoint (RFC 6749, section 5.2)."""


class TokenEndpoint:
    """Exchanges codes and refresh tokens, and describes users."""

    def __init__(self, state: DomainState) -> None:
        self._state = state

    def token(self, request: Request) -> Response:
        """Return tokens, or the error as JSON."""
        try:
            result = self._result(request)
        except PageError:
            return _json({"error": "invalid_request"}, status=400)
        except OAuthError as refusal:
            return _json({"error": str(refusal)}, status=400)
        return _json({name: result[own] for name, own in MEMBERS.items() if own in result})

    def user_info(self, request: Request) -> Response:
        """Return the attributes of the user of an access token with the scope openid."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            grant = tokens.live_grant(self._state.cognito, token)
        except CognitoError as refusal:
            return _unauthorized(str(refusal.message))
        if scheme.lower() != "bearer" or "openid" not in grant.scopes:
            return _unauthorized("The access token needs the scope openid")
        app = App(grant.pool, grant.pool.clients[grant.client_id])
        own = tokens.readable_attributes(app, grant.user)
        return _json({"sub": grant.user.id, **own, "username": grant.user.username})

    def _result(self, request: Request) -> dict[str, Any]:
        given = single(request.form)
        app = _authenticated(request, given)
        grants = self._grants()
        if given.get("grant_type") not in grants:
            raise OAuthError("unsupported_grant_type")
        grant_type = given["grant_type"]
        _check_flow(app, CLIENT_CREDENTIALS if grant_type == CLIENT_CREDENTIALS else "code")
        return grants[grant_type](app, given)

    def _grants(self) -> Mapping[str, Callable[[App, Mapping[str, str]], dict[str, Any]]]:
        return {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh_token,
            CLIENT_CREDENTIALS: self._by_client_credentials,
        }

    def _by_client_credentials(self, app: App, given: Mapping[str, str]) -> dict[str, Any]:
        scopes = client_credentials.granted_scopes(app, given)
        if scopes is None:
            raise OAuthError("invalid_scope")
        return client_credentials.issue(self._state.cognito, app, scopes)

    def _by_code(self, app: App, given: Mapping[str, str]) -> dict[str, Any]:
        if "code" not in given or "redirect_uri" not in given:
            raise OAuthError("invalid_request")
        issued = self._state.take_code(given["code"], app.client.id)
        if issued is None or issued.grant.revoked or not _fits(issued, given):
            raise OAuthError("invalid_grant")
        cognito, nonce = self._state.cognito, issued.authorization.nonce
        result = tokens.issue(cognito, app, issued.grant, nonce=nonce)
        return {**result, "RefreshToken": issued.refresh_token}

    def _by_refresh_token(self, app: App, given: Mapping[str, str]) -> dict[str, Any]:
        if "refresh_token" not in given:
            raise OAuthError("invalid_request")
        call = Call("token", {}, self._state.cognito)
        try:
            return tokens.exchange(call, app, given["refresh_token"])
        except CognitoError:
            raise OAuthError("invalid_grant") from None


def _authenticated(request: Request, given: Mapping[str, str]) -> App:
    """Return the client, by HTTP Basic or by the form; raises OAuthError."""
    client_id, secret = given.get("client_id"), given.get("client_secret")
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            basic_id, _, secret = (
                base64.b64decode(credentials, validate=True).decode().partition(":")
            )
        except ValueError:
            raise OAuthError("invalid_client") from None
        if client_id not in {None, basic_id}:
            raise OAuthError("invalid_client")
        client_id = basic_id
    try:
        app = domain_app(client_id)
    except PageError:
        raise OAuthError("invalid_client") from None
    expected = app.client.secret if app.client.generate_secret else None
    if (secret is None) != (expected is None) or not hmac.compare_digest(
        (secret or "").encode(), (expected or "").encode()
    ):
        raise OAuthError("invalid_client")
    return app


def _check_flow(app: App, flow: str) -> None:
    client: Mapping[str, Any] = app.client.extended_config
    allows = client["AllowedOAuthFlowsUserPoolClient"]
    if not allows or flow not in client.get("AllowedOAuthFlows", []):
        raise OAuthError("unauthorized_client")


def _fits(issued: IssuedCode, given: Mapping[str, str]) -> bool:
    """Return whether redirect URI and verifier are those of the authorization."""
    authorization, verifier = issued.authorization, given.get("code_verifier")
    if given["redirect_uri"] != authorization.redirect_uri:
        return False
    if authorization.challenge is None or verifier is None:
        return authorization.challenge is None and verifier is None
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return hmac.compare_digest(challenge, authorization.challenge)


def _unauthorized(description: str) -> Response:
    response = _json({"error": "invalid_token", "error_description": description}, status=401)
    response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return response


def _json(content: Mapping[str, object], *, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(
        json.dumps(content), status=status, content_type="application/json", headers=headers
    )
