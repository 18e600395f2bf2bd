"""A browser with an authenticator, in software: creates passkeys and signs in with them."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ES256 = -7  # https://www.iana.org/assignments/cose
USER_PRESENT, USER_VERIFIED, CREDENTIAL_INCLUDED = 0x01, 0x04, 0x40
AAGUID = bytes(16)  # of an unknown maker


def encoded(value: bytes) -> str:
    """Return base64url without padding, as browsers do."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@dataclass(slots=True)
class Credential:
    """A passkey with its private key."""

    key: EllipticCurvePrivateKey = field(repr=False)
    user_handle: str
    sign_count: int = 0

    def cose_key(self) -> bytes:
        """Return the public key in COSE: {1: 2, 3: -7, -1: 1, -2: x, -3: y} in CBOR."""
        point = self.key.public_key().public_numbers()
        x, y = (value.to_bytes(32, "big") for value in (point.x, point.y))
        return bytes.fromhex("a5010203262001215820") + x + bytes.fromhex("225820") + y

    def public_key(self) -> bytes:
        """Return the public key as SubjectPublicKeyInfo, as browsers do."""
        public = self.key.public_key()
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@dataclass(slots=True)
class Authenticator:
    """
    Implements navigator.credentials for a page of *origin*, with responses as of toJSON().

    Unlike a browser, it accepts a relying party that is not the page's.
    """

    origin: str = "http://localhost:8080"
    verifies_user: bool = True
    credentials: dict[str, Credential] = field(default_factory=dict)
    """By credential id, a hash of the public key."""

    def register(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Create a passkey: navigator.credentials.create()."""
        credential = Credential(generate_private_key(SECP256R1()), options["user"]["id"])
        raw_id = hashlib.sha256(credential.public_key()).digest()
        name = encoded(raw_id)
        self.credentials[name] = credential
        attested = AAGUID + len(raw_id).to_bytes(2, "big") + raw_id + credential.cose_key()
        data = self._authenticator_data(options["rp"]["id"], CREDENTIAL_INCLUDED, 0) + attested
        # {"fmt": "none", "attStmt": {}, "authData": data} in CBOR; data is under 256 bytes long
        head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"
        response = {
            "attestationObject": encoded(head + len(data).to_bytes(1, "big") + data),
            "authenticatorData": encoded(data),
            "clientDataJSON": encoded(self._client_data("webauthn.create", options["challenge"])),
            "publicKey": encoded(credential.public_key()),
            "publicKeyAlgorithm": ES256,
            "transports": ["internal", "hybrid"],
        }
        return self._public_key_credential(name, response)

    def sign_in(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Sign with a passkey of the options: navigator.credentials.get()."""
        allowed = [one["id"] for one in options["allowCredentials"]]
        name = next(one for one in allowed if one in self.credentials)
        credential = self.credentials[name]
        credential.sign_count += 1
        data = self._authenticator_data(options["rpId"], 0, credential.sign_count)
        client_data = self._client_data("webauthn.get", options["challenge"])
        signed = data + hashlib.sha256(client_data).digest()
        response = {
            "authenticatorData": encoded(data),
            "clientDataJSON": encoded(client_data),
            "signature": encoded(credential.key.sign(signed, ECDSA(SHA256()))),
            "userHandle": credential.user_handle,
        }
        return self._public_key_credential(name, response)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {
            "type": kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(said, separators=(",", ":")).encode()

    def _authenticator_data(self, relying_party_id: str, flags: int, sign_count: int) -> bytes:
        flags |= USER_PRESENT | (USER_VERIFIED if self.verifies_user else 0)
        party = hashlib.sha256(relying_party_id.encode()).digest()
        return party + bytes([flags]) + sign_count.to_bytes(4, "big")

    @staticmethod
    def _public_key_credential(name: str, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }
