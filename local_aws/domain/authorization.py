"""The parameters of the authorization endpoint, and what an app client allows of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.cognitoidp.models import CognitoIdpUserPool as Pool
from moto.cognitoidp.models import cognitoidp_backends
from werkzeug.datastructures import MultiDict

from local_aws.cognito.directory import find_app
from local_aws.cognito.errors import ResourceNotFoundException
from local_aws.cognito.settings import App, setting

COGNITO = "COGNITO"  # the provider that is the pool itself
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class PageError(Exception):
    """A request that cannot be redirected back, because its client or redirect URI is not valid."""


class RedirectError(Exception):
    """An error that is returned to the redirect URI (RFC 6749, section 4.1.2.1)."""

    def __init__(self, redirect_uri: str, state: str | None, error: str, description: str) -> None:
        super().__init__(error)
        self.redirect_uri = redirect_uri
        self.parameters = {"error": error, "error_description": description, "state": state}


@dataclass(frozen=True, slots=True)
class Authorization:
    """A valid request for a code; *provider* is None where the user chooses."""

    app: App
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    challenge: str | None
    provider: str | None


def single(parameters: MultiDict[str, str]) -> Mapping[str, str]:
    """Return the parameters; raises PageError where one occurs twice."""
    if any(len(values) > 1 for values in parameters.listvalues()):
        raise PageError("A parameter occurs twice.")
    return parameters.to_dict()


def domain_app(client_id: str | None) -> App:
    """Return the client of a pool that has a domain; raises PageError."""
    try:
        app = find_app(client_id or "")
    except ResourceNotFoundException:
        raise PageError("There is no such app client (client_id).") from None
    if not has_domain(app.pool):
        raise PageError("The user pool of this app client has no domain: see CreateUserPoolDomain.")
    return app


def has_domain(pool: Pool) -> bool:
    """Return whether a domain was created for the pool."""
    backend = cognitoidp_backends[pool.account_id][pool.region]
    return any(domain.user_pool_id == pool.id for domain in backend.user_pool_domains.values())


def providers(app: App) -> list[str]:
    """Return the identity providers that the client supports and the pool has."""
    supported: list[str] = setting(app.client, "SupportedIdentityProviders", [])
    return [name for name in supported if name == COGNITO or name in app.pool.identity_providers]


def checked(given: Mapping[str, str]) -> Authorization:
    """Return a valid request; raises PageError, and RedirectError once the redirect URI is valid."""
    app = domain_app(given.get("client_id"))
    redirect_uri = given.get("redirect_uri", "")
    if redirect_uri not in setting(app.client, "CallbackURLs", []):
        raise PageError(
            "redirect_mismatch: this redirect_uri is no callback URL of the app client."
        )
    problem = _problem(app, given)
    if problem is not None:
        raise RedirectError(redirect_uri, given.get("state"), *problem)
    allowed: list[str] = setting(app.client, "AllowedOAuthScopes", [])
    return Authorization(
        app,
        redirect_uri,
        scopes=tuple(given["scope"].split()) if "scope" in given else tuple(allowed),
        state=given.get("state"),
        nonce=given.get("nonce"),
        challenge=given.get("code_challenge"),
        provider=given.get("identity_provider"),
    )


def _problem(app: App, given: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the error and its description, or None."""
    client: Mapping[str, Any] = app.client.extended_config
    flows = client.get("AllowedOAuthFlows", [])
    if not client["AllowedOAuthFlowsUserPoolClient"] or "code" not in flows:
        return "unauthorized_client", "The app client does not allow the code flow"
    if not set(given.get("scope", "").split()) <= set(client.get("AllowedOAuthScopes", [])):
        return "invalid_scope", "The app client does not allow this scope"
    wrong = [name for name, is_right in _RULES.items() if not is_right(app, given)]
    return ("invalid_request", f"Not valid: {wrong[0]}") if wrong else None


_RULES: Mapping[str, Callable[[App, Mapping[str, str]], bool]] = {
    "response_type": lambda _, given: given.get("response_type") == "code",
    "code_challenge_method": lambda _, given: (
        ("code_challenge_method" in given) == ("code_challenge" in given)
        and given.get("code_challenge_method", "S256") == "S256"
    ),
    "code_challenge": lambda _, given: (
        "code_challenge" not in given or CHALLENGE.fullmatch(given["code_challenge"]) is not None
    ),
    "identity_provider": lambda app, given: (
        given.get("identity_provider", COGNITO) in [*providers(app), COGNITO]
    ),
}
