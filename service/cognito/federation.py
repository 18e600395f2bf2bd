"""The FederatedSignIn port on the domain of a user pool."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import structlog
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from service.aws.errors import translated
from service.aws.failure_advice import AwsResource
from service.cognito.refusals.errors import EVERY_CALL
from service.domain.errors import (
    AuthorizationCodeInvalid,
    InvalidParameter,
    Misconfigured,
    TokenInvalid,
    UpstreamFault,
)
from service.domain.sessions import Tokens
from service.domain.values.json_values import drop_none
from service.observability.upstream_calls import COGNITO_DOMAIN

if TYPE_CHECKING:
    from service.authentication.pool_tokens import TokenPairs
    from service.aws.domain_session import DomainSession
    from service.aws.errors import ErrorTable
    from service.aws.http_session import Response
    from service.config.settings import Config
    from service.domain.federation import AuthorizationCode, AuthorizationRequest
    from service.observability.upstream_calls import UpstreamTelemetry

OPERATION: Final = "token"
# RFC 6749, section 5.2. Statuses have Cognito's names of the same errors.
ERRORS: Final[ErrorTable] = {
    **EVERY_CALL,
    "invalid_client": Misconfigured,
    "invalid_grant": AuthorizationCodeInvalid,
    "invalid_request": InvalidParameter,
    "invalid_scope": Misconfigured,
    "unauthorized_client": Misconfigured,
    "unsupported_grant_type": Misconfigured,
}
OAUTH_STATUSES: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED})
ADVICE: Final = (
    "Compare [federation] domain with [aws.cognito] user-pool-id, client-id and issuers: the domain "
    "issued tokens of another user pool or app client."
)
STATUSES: Final[Mapping[int, str]] = {
    HTTPStatus.FORBIDDEN: "ForbiddenException",
    HTTPStatus.TOO_MANY_REQUESTS: "TooManyRequestsException",
}


class CognitoFederation:
    """The FederatedSignIn port on an open *session*, which the caller closes."""

    def __init__(
        self,
        session: DomainSession,
        *,
        config: Config,
        token_pairs: TokenPairs,
        calls: UpstreamTelemetry,
    ) -> None:
        self._session = session
        self._domain = config.federation.domain
        self._scopes = config.federation.scopes
        self._client_id = config.cognito.client_id
        self._client_secret = config.cognito.client_secret
        self._token_pairs = token_pairs
        self._calls = calls
        self._resource = AwsResource(
            COGNITO_DOMAIN, config.aws.region, client_id=config.cognito.client_id
        )

    def sign_in_url(self, request: AuthorizationRequest) -> str:
        """Return the URL of the authorization endpoint, or of the chosen provider's page."""
        parameters = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": request.redirect_uri,
            "scope": " ".join(self._scopes),
            "state": request.state,
            "code_challenge": request.code_challenge,
            "code_challenge_method": "S256",
            "identity_provider": request.provider,
            "nonce": request.nonce,
        }
        return self._url("/oauth2/authorize", parameters)

    def sign_out_url(self, redirect_uri: str) -> str:
        """Return the URL of the logout endpoint."""
        return self._url("/logout", {"client_id": self._client_id, "logout_uri": redirect_uri})

    async def exchange(self, code: AuthorizationCode) -> Tokens:
        """Exchange a code at the token endpoint, and verify the tokens."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self._client_id,
            "code": code.code,
            "redirect_uri": code.redirect_uri,
            "code_verifier": code.code_verifier,
        }
        with translated(ERRORS, self._resource, OPERATION):
            tokens = await self._tokens(form)
        try:
            user_id = await self._token_pairs.user_id(
                tokens.id_token, tokens.access_token, nonce=code.nonce
            )
        except TokenInvalid as error:
            structlog.get_logger().warning("federated_tokens_not_valid", advice=ADVICE)
            raise UpstreamFault from error
        return replace(tokens, user_id=user_id)

    async def _tokens(self, form: Mapping[str, str]) -> Tokens:
        """Return unverified tokens; raises ClientError for a refusal, and botocore's other errors."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._client_secret is not None:
            headers["Authorization"] = _basic(self._client_id, self._client_secret)
        url = f"{self._session.url}/oauth2/{OPERATION}"
        with self._calls.record(COGNITO_DOMAIN, OPERATION):
            response = await self._session.post(url, headers, urlencode(form).encode())
            content = _object(response)
            if response.status_code != HTTPStatus.OK:
                raise _refusal(response.status_code, content)
            return _parsed(content)

    def _url(self, path: str, parameters: Mapping[str, str | None]) -> str:
        given = urlencode(drop_none(parameters), quote_via=quote, safe="")
        return f"{self._domain}{path}?{given}"


def _basic(client_id: str, client_secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()


def _object(response: Response) -> Mapping[str, Any]:
    """Return the JSON object of a response, empty where it has none."""
    try:
        content = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _refusal(status: int, content: Mapping[str, Any]) -> ClientError:
    """Return the error of a response, as botocore's errors of Cognito."""
    given = content.get("error") if status in OAUTH_STATUSES else STATUSES.get(status)
    # Another text may repeat what was sent.
    code = given if isinstance(given, str) and given in ERRORS else ""
    error = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(error, OPERATION)  # type: ignore[arg-type]  # the stubs require a whole response


def _parsed(content: Mapping[str, Any]) -> Tokens:
    """Return the tokens of a response, without their user; raises ResponseParserError."""
    texts = [content.get(name) for name in ("id_token", "access_token", "token_type")]
    refresh_token, lifetime_s = content.get("refresh_token"), content.get("expires_in")
    if (
        not all(isinstance(text, str) for text in texts)
        or not isinstance(refresh_token, str | None)
        or type(lifetime_s) is not int
        or str(texts[2]).lower() != "bearer"
    ):
        raise ResponseParserError("not a token response")
    return Tokens("", str(texts[0]), str(texts[1]), refresh_token, lifetime_s)
