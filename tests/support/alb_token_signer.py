"""Signs `x-amzn-oidc-data` tokens as an Application Load Balancer does, valid and invalid ones."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.domain.identity import RequestCredentials
from tests.support.clock import NOW
from tests.support.raw_jwt import Changes, Sign, changed, compact, es256

ARN: Final = (
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/front/50dc6c495c0c9188"
)
CLIENT: Final = "7example23client"
ISSUER: Final = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example01"
OTHER_FORM: Final = "https://issuer-cognito-idp.us-east-1.amazonaws.com/us-east-1_Example01"
SUB: Final = "5d9f1f3e-1111-4222-8333-944444444444"
EXPIRY: Final = int(NOW) + 120  # a load balancer's token is valid for two minutes


class AlbTokenSigner:
    """A load balancer with one key at a time."""

    def __init__(self, arn: str = ARN) -> None:
        self.arn = arn
        self.rotate()

    def rotate(self) -> None:
        """Replace the key."""
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.kid = str(uuid.uuid4())

    @property
    def pem(self) -> bytes:
        """The public key, as the key server publishes it."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def header(self) -> Mapping[str, Any]:
        """The header of a valid token."""
        return {
            "typ": "JWT",
            "kid": self.kid,
            "alg": "ES256",
            "iss": ISSUER,
            "client": CLIENT,
            "signer": self.arn,
            "exp": EXPIRY,
        }

    @property
    def payload(self) -> Mapping[str, Any]:
        """The payload of a valid token."""
        return {"sub": SUB, "email": "a@example.com", "username": SUB, "exp": EXPIRY, "iss": ISSUER}

    def mint(
        self,
        header: Changes | None = None,
        payload: Changes | None = None,
        *,
        sign: Sign | None = None,
        padded: bool = True,
    ) -> str:
        """Return a token that is valid but for the changes; padded, as a load balancer's is."""
        return compact(
            changed(self.header, header or {}),
            changed(self.payload, payload or {}),
            sign or es256(self.key),
            padded=padded,
        )


def credentials(token: str, *, identity: tuple[str, ...] = (SUB,)) -> RequestCredentials:
    """Return the credentials of a request behind a load balancer."""
    return RequestCredentials(peer=None, oidc_data=(token,), oidc_identity=identity)
