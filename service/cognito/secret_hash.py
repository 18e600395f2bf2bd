"""SECRET_HASH, which Cognito requires from app clients with a secret."""

import base64
import hashlib
import hmac


def secret_hash(client_id: str, client_secret: str, username: str) -> str:
    """Return Base64(HMAC-SHA256(secret, username + client id)) (Cognito developer guide)."""
    message = (username + client_id).encode()
    digest = hmac.new(client_secret.encode(), message, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
