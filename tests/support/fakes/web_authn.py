"""What authenticators sign, as far as a pool in memory looks at it (WebAuthn, section 7)."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from service.domain.errors import (
    InvalidCredentials,
    InvalidFields,
    PasskeyChallengeExpired,
    PasskeyRejected,
    ServiceError,
)
from tests.support.fakes.user import MemoryUser

ES256 = -7
CREATE = "webauthn.create"
GET = "webauthn.get"
FLAGS, USER_VERIFIED = 32, 0x04  # a position in the authenticator data, and a bit there


def encoded(data: bytes) -> str:
    """Return bytes as base64url."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """Return the bytes of base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def challenge(number: int) -> str:
    """Return the challenge of that number, in base64url."""
    return encoded(hashlib.sha256(str(number).encode()).digest())


def descriptors(user: MemoryUser) -> list[dict[str, str]]:
    """Name the user's credentials as browsers want them named."""
    return [{"type": "public-key", "id": name} for name in user.passkeys]


def member(holder: Mapping[str, Any], name: str, field: str = "credential") -> Any:  # noqa: ANN401 -- any JSON
    """Return a member of the credential in *field*; raises InvalidFields without it."""
    if name not in holder:
        raise InvalidFields.of(field, "Is not valid.")
    return holder[name]


def check_page(response: Mapping[str, Any], kind: str, challenge: str, party: str) -> None:
    """Check what the browser says was asked for, and on which page."""
    said = json.loads(decoded(member(response, "clientDataJSON")))
    if said["type"] != kind:
        raise InvalidFields.of("credential", "Is not valid.")
    if said["challenge"] != challenge:
        raise PasskeyChallengeExpired
    host = urlsplit(said["origin"]).hostname or ""
    if host != party and not host.endswith(f".{party}"):
        raise PasskeyRejected


def check_user_verified(response: Mapping[str, Any]) -> None:
    """Refuse a passkey whose authenticator has not verified the user."""
    if not decoded(member(response, "authenticatorData"))[FLAGS] & USER_VERIFIED:
        raise PasskeyRejected


def check_sign_in(user: MemoryUser, credential: str, challenge: str, party: str) -> None:
    """Check what a passkey signed; whatever is wrong is an InvalidCredentials."""
    try:
        given = json.loads(credential)
    except ValueError:
        raise InvalidFields.of("answer.credential", "Is not valid.") from None
    response = member(given, "response", "answer.credential")
    stored = user.passkeys.get(member(given, "id", "answer.credential"))
    if stored is None:
        raise InvalidCredentials
    key = load_der_public_key(stored.public_key)
    assert isinstance(key, EllipticCurvePublicKey)
    page = hashlib.sha256(decoded(response["clientDataJSON"])).digest()
    signed = decoded(response["authenticatorData"]) + page
    try:
        check_page(response, GET, challenge, party)
        key.verify(decoded(response["signature"]), signed, ECDSA(SHA256()))
    except (ServiceError, InvalidSignature):
        raise InvalidCredentials from None
