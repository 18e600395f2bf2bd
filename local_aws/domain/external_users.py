"""Users of other identity providers, who have an account in the pool after their first sign-in."""

import json
import uuid
from collections.abc import Mapping

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.utils import expand_attrs

from local_aws.cognito.directory import EXTERNAL_PROVIDER
from local_aws.cognito.settings import App
from local_aws.cognito.state import Cognito


def signed_in(cognito: Cognito, app: App, provider: str, email: str) -> User:
    """
    Return the user whom *provider* knows by an e-mail address, created at the first sign-in.

    Its attributes are those that the provider's AttributeMapping takes from the claims.
    """
    own_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{provider}:{email.casefold()}"))
    username = f"{provider}_{own_id}"
    configured = app.pool.identity_providers[provider].extended_config or {}
    claims = {
        "sub": own_id,
        "email": email,
        "email_verified": "true",
        "name": email.partition("@")[0],
    }
    attributes = _mapped(configured.get("AttributeMapping") or {}, claims)
    user = app.pool.users.get(username)
    if user is None:
        attributes["identities"] = json.dumps(
            [
                {
                    "userId": own_id,
                    "providerName": provider,
                    "providerType": configured.get("ProviderType", "OIDC"),
                    "issuer": None,
                    "primary": True,
                    "dateCreated": int(cognito.now() * 1_000),
                }
            ],
            separators=(",", ":"),
        )
        user = User(app.pool.id, username, None, EXTERNAL_PROVIDER, [])
        app.pool.users[username] = user
    user.update_attributes(expand_attrs(attributes))
    return user


def _mapped(mapping: Mapping[str, str], claims: Mapping[str, str]) -> dict[str, str]:
    found = {
        attribute: claims[claim]
        for attribute, claim in mapping.items()
        if attribute != "username" and claim in claims
    }
    if "email" in found:
        found.setdefault("email_verified", "false")
    return found
