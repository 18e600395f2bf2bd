"""The client credentials grant (RFC 6749, section 4.4): tokens of an app client itself."""

import uuid
from collections.abc import Mapping
from typing import Any

from local_aws.cognito import signing_keys
from local_aws.cognito.resource_servers import custom_scopes
from local_aws.cognito.settings import App, setting
from local_aws.cognito.state import Cognito


def granted_scopes(app: App, given: Mapping[str, str]) -> list[str] | None:
    """Return the scopes of a request, by default all of the client's; None if one is not allowed."""
    existing = custom_scopes(app.pool)
    allowed = [
        scope for scope in setting(app.client, "AllowedOAuthScopes", []) if scope in existing
    ]
    asked = given.get("scope", "").split() or allowed
    return list(dict.fromkeys(asked)) if asked and set(asked) <= set(allowed) else None


def issue(cognito: Cognito, app: App, scopes: list[str]) -> dict[str, Any]:
    """Return a new access token; it names the client as `sub`, and no user."""
    now = int(cognito.now())
    claims: dict[str, Any] = {
        "sub": app.client.id,
        "token_use": "access",
        "scope": " ".join(scopes),
        "auth_time": now,
        "iss": cognito.issuer(app.pool),
        "exp": now + app.access_token_s,
        "iat": now,
        "version": 2,
        "jti": str(uuid.uuid4()),
        "client_id": app.client.id,
    }
    token = signing_keys.signed(cognito, app.pool, claims)
    return {"AccessToken": token, "ExpiresIn": app.access_token_s, "TokenType": "Bearer"}
