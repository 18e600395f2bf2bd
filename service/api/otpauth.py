"""
The `otpauth://` URI of a TOTP secret, which authenticator apps scan (Google's key URI format).

pyotp builds the same URI but rejects secrets that it considers too short; Cognito chooses the secrets.
"""

from dataclasses import replace
from typing import Final
from urllib.parse import quote, urlencode

from service.domain.sessions import Challenge

SECRET: Final = "SECRET_CODE"  # noqa: S105 -- a parameter's name
URI: Final = "OTPAUTH_URI"


def otpauth_uri(secret: str, account: str, *, issuer: str) -> str:
    """Return the URI; the app displays *issuer* and *account*."""
    label = quote(f"{issuer}:{account}", safe=":")
    return (
        f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
    )


def with_uri(challenge: Challenge, account: str, *, issuer: str) -> Challenge:
    """Return *challenge* with the URI added to its parameters if they have a secret."""
    secret = challenge.parameters.get(SECRET)
    if secret is None:
        return challenge
    uri = otpauth_uri(secret, account, issuer=issuer)
    return replace(challenge, parameters={**challenge.parameters, URI: uri})
