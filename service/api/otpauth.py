"""
What an authenticator app scans: a secret as an `otpauth://` address (Google's key URI format).

pyotp makes the same address, but refuses a secret that it finds too short; what secrets are is for
Cognito to say.
"""

from dataclasses import replace
from typing import Final
from urllib.parse import quote, urlencode

from service.domain.sessions import Challenge

SECRET: Final = "SECRET_CODE"  # noqa: S105 -- the parameter in which a challenge holds the secret
URI: Final = "OTPAUTH_URI"


def otpauth_uri(secret: str, account: str, *, issuer: str) -> str:
    """Return the address; the app shows *issuer* and *account*."""
    label = quote(f"{issuer}:{account}", safe=":")
    return (
        f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
    )


def with_uri(challenge: Challenge, account: str, *, issuer: str) -> Challenge:
    """Return *challenge* with the address beside the secret, if it holds one."""
    secret = challenge.parameters.get(SECRET)
    if secret is None:
        return challenge
    uri = otpauth_uri(secret, account, issuer=issuer)
    return replace(challenge, parameters={**challenge.parameters, URI: uri})
