"""The tokens that the local load balancer signs, in the form of AWS's."""

import base64
import json
import uuid
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local_aws.load_balancer_sign_ins import Person, UserPool

ARN: Final = (
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/local/50dc6c495c0c9188"
)
SIGNED_FOR_S: Final = 120  # about as long as AWS's tokens last


class Signer:
    """
    The load balancer's key, and the tokens that it signs; *clock* is in seconds since 1970.

    Tokens name the load balancer *arn* and the client *client_id*, by default the pool's.
    """

    def __init__(
        self,
        pool: UserPool,
        clock: Callable[[], float],
        *,
        arn: str = ARN,
        client_id: str | None = None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._arn = arn
        self.client_id = client_id or pool.client_id
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.key_id = str(uuid.uuid4())

    @property
    def public_key(self) -> bytes:
        """The public key in PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def data(self, person: Person) -> str:
        """Return an `x-amzn-oidc-data`; its parts are padded, as AWS's are."""
        expires_at = int(self._clock()) + SIGNED_FOR_S
        header = {
            "typ": "JWT",
            "kid": self.key_id,
            "alg": "ES256",
            "iss": self._pool.issuer,
            "client": self.client_id,
            "signer": self._arn,
            "exp": expires_at,
        }
        payload = {
            "sub": person.sub,
            "username": person.username,
            "exp": expires_at,
            "iss": self._pool.issuer,
        }
        signed = ".".join(_part(json.dumps(value).encode()) for value in (header, payload))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{_part(r.to_bytes(32) + s.to_bytes(32))}"


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode()
