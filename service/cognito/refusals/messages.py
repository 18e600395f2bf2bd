"""
The meanings of NotAuthorizedException, which AWS distinguishes by the message alone.

AWS documents the exceptions and not their messages. The texts are from its guides, from its re:Post
articles and from public issues of its SDKs; case and punctuation differ between operations and years.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from service.domain.errors import (
    AccountNotConfirmed,
    Blocked,
    ChallengeExpired,
    CodeMismatch,
    FeatureUnavailable,
    InsufficientScope,
    InvalidCredentials,
    InvalidFields,
    Misconfigured,
    PasswordResetRequired,
    RefreshTokenInvalid,
    RefreshTokenReused,
    ServiceError,
    SignUpDisabled,
    TemporaryPasswordExpired,
    TokenInvalid,
    TooManyAttempts,
    UserDisabled,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

# The first pattern that is found decides.
_NOT_AUTHORIZED: Final[tuple[tuple[str, type[ServiceError]], ...]] = (
    # "Unable to verify secret hash for client …", "Client … is configured with secret but SECRET_HASH
    # was not received", "SecretHash does not match for the client: …"
    (r"secret", Misconfigured),
    # "Token is not from a supported provider of this identity pool.", "Invalid login token. …": an
    # endpoint of identity pools
    (r"identity pool|login token", Misconfigured),
    # "Access Token does not have required scopes"
    (r"\bscopes?\b|aws\.cognito\.signin", InsufficientScope),
    # "Password attempts exceeded", "Too many invalid credentials attempts. User temporarily locked. …"
    (r"attempts? (limit )?exceeded|too many .*attempts|\blocked\b", TooManyAttempts),
    # "Temporary password has expired and must be reset by an administrator.", "User account has
    # expired, it must be reset by an administrator."
    (r"must be reset by an administrator|password has expired", TemporaryPasswordExpired),
    (r"\buser (account )?((is|has been) )?(disabled|not enabled)", UserDisabled),
    (r"\bnot confirmed", AccountNotConfirmed),
    (r"password reset (is )?required", PasswordResetRequired),
    # "Invalid session for the user.", "… session is expired.", "… session can only be used once.",
    # "Invalid code or auth state for the user."
    (r"\bsession\b|auth state", ChallengeExpired),
    # "A client attempted to write unauthorized attribute"
    (r"unauthorized attribute", InvalidFields),
    # "User cannot be confirmed. Current status is CONFIRMED", "User cannot confirm because …"
    (r"\bcannot (be )?confirm", CodeMismatch),
    (r"(incorrect|invalid) (username|password)|username or password", InvalidCredentials),
    (r"sign ?up is not permitted", SignUpDisabled),
    (r"security reasons|\brisk|account takeover", Blocked),  # of threat protection
    # "SMS MFA is not enabled for the user pool", and users of an external provider
    (
        r"not (enabled|supported|configured) (for|in|by)\b|\b(external|federated)\b",
        FeatureUnavailable,
    ),
    (r"refresh token .*(reuse|already)", RefreshTokenReused),
    (r"refresh token", RefreshTokenInvalid),
    # "Access Token has been revoked", "Invalid Access Token", "Could not verify signature for …"
    (r"access ?token|\btoken (is|has)\b|invalid token|signature|not authenticated", TokenInvalid),
)
NOT_AUTHORIZED: Final = tuple((re.compile(text), error) for text, error in _NOT_AUTHORIZED)


def lower_message(error: ClientError) -> str:
    """Return the message in lower case."""
    return str(error.response["Error"].get("Message") or "").lower()


def meaning_of(error: ClientError) -> type[ServiceError] | None:
    """Return the meaning of NotAuthorizedException, None for an unknown message."""
    text = lower_message(error)
    return next((meaning for pattern, meaning in NOT_AUTHORIZED if pattern.search(text)), None)
