"""Verification of WebAuthn responses (https://www.w3.org/TR/webauthn-3/, section 7)."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from local_aws.cognito.errors import (
    InvalidParameterException,
    WebAuthnChallengeNotFoundException,
    WebAuthnCredentialNotSupportedException,
    WebAuthnOriginNotAllowedException,
    WebAuthnRelyingPartyMismatchException,
)

ES256 = -7  # https://www.iana.org/assignments/cose
CREATE = "webauthn.create"
GET = "webauthn.get"
USER_PRESENT, USER_VERIFIED, CREDENTIAL_INCLUDED = 0x01, 0x04, 0x40
HEADER_BYTES = 37  # hash of the relying party id (32), flags (1), signature counter (4)
AAGUID_BYTES = 16


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The relying party of a credential."""

    id: str
    verification: str
    """User verification: "required" or "preferred"."""


def encoded(value: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def text(holder: Mapping[str, Any], name: str) -> str:
    """Return a member that must be a string."""
    value = holder.get(name)
    if not isinstance(value, str):
        raise InvalidParameterException(f"Invalid credential: {name} is missing")
    return value


def decoded(holder: Mapping[str, Any], name: str) -> bytes:
    """Return the bytes of a member that must be base64url."""
    value = text(holder, name)
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidParameterException(f"Invalid credential: {name} is not base64url") from None


def response(credential: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the authenticator's response of a public key credential."""
    answer = credential.get("response")
    if credential.get("type") != "public-key" or not isinstance(answer, dict):
        raise InvalidParameterException("Invalid credential: it is no PublicKeyCredential")
    return answer


def check_client_data(data: bytes, kind: str, challenge: str, party: RelyingParty) -> None:
    """Check the type, challenge and origin in clientDataJSON."""
    try:
        said = json.loads(data)
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.get("type") != kind:
        raise InvalidParameterException(f"Invalid credential: clientDataJSON is no {kind}")
    if said.get("challenge") != challenge:
        raise WebAuthnChallengeNotFoundException
    if not _is_allowed(text(said, "origin"), party.id):
        raise WebAuthnOriginNotAllowedException


def _is_allowed(origin: str, party_id: str) -> bool:
    try:
        address = urlsplit(origin)
    except ValueError:
        return False
    host = address.hostname or ""
    # Browsers allow passkeys only in secure contexts; localhost counts as one.
    secure = address.scheme == "https" or (address.scheme, host) == ("http", "localhost")
    return secure and (host == party_id or host.endswith(f".{party_id}"))


def check_authenticator_data(data: bytes, party: RelyingParty) -> int:
    """Check relying party and flags; return the signature counter."""
    if len(data) < HEADER_BYTES:
        raise InvalidParameterException("Invalid credential: authenticatorData is too short")
    if data[:32] != hashlib.sha256(party.id.encode()).digest():
        raise WebAuthnRelyingPartyMismatchException
    needed = USER_PRESENT | (USER_VERIFIED if party.verification == "required" else 0)
    if data[32] & needed != needed:
        raise WebAuthnCredentialNotSupportedException
    return int.from_bytes(data[33:HEADER_BYTES], "big")


def public_key(der: bytes) -> EllipticCurvePublicKey:
    """Return an ES256 key from its SubjectPublicKeyInfo."""
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidParameterException("Invalid credential: publicKey is no key") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise WebAuthnCredentialNotSupportedException
    return key


def attested(credential_id: bytes, key: EllipticCurvePublicKey) -> bytes:
    """
    Return the attested credential data after the AAGUID.

    The key is encoded as COSE and CTAP2 do: kty EC2, alg ES256, crv P-256, x, y, in this order.
    """
    point = key.public_numbers()
    x, y = (value.to_bytes(32, "big") for value in (point.x, point.y))
    cose = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y
    return len(credential_id).to_bytes(2, "big") + credential_id + cose


def is_signed(key: EllipticCurvePublicKey, signature: bytes, data: bytes, client: bytes) -> bool:
    """Return whether the signature covers authenticator data and client data."""
    try:
        key.verify(signature, data + hashlib.sha256(client).digest(), ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
