"""SECRET_HASH: the proof that an app client with a secret owes Cognito with most calls."""

import base64
import hashlib
import hmac


def secret_hash(client_id: str, client_secret: str, username: str) -> str:
    """Return Base64(HMAC-SHA256(secret, user name + client id)), as Cognito's guide defines it."""
    message = (username + client_id).encode()
    digest = hmac.new(client_secret.encode(), message, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
