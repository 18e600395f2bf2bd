"""Signs access tokens as a Cognito user pool does, valid and invalid ones."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import rsa

from service.domain.identity import RequestCredentials
from tests.support.alb_token_signer import CLIENT, ISSUER, SUB
from tests.support.clock import NOW
from tests.support.raw_jwt import ABSENT, Changes, Sign, changed, compact, encoded, rs256

ISSUED: Final = int(NOW) - 60
EXPIRY: Final = ISSUED + 3_600
SERVICE: Final = "3example4567890abcdefghijkl"  # the app client of a service
READ: Final = "profiles/profiles.read"
# The changes that make a user's token one of the client credentials grant.
OF_SERVICE: Final[Mapping[str, Any]] = {
    "sub": SERVICE,
    "client_id": SERVICE,
    "scope": READ,
    **dict.fromkeys(("username", "cognito:groups", "origin_jti", "event_id"), ABSENT),
}


class AccessTokenSigner:
    """A user pool with one key at a time."""

    def __init__(self) -> None:
        self.rotate()

    def rotate(self) -> None:
        """Replace the key."""
        self.key = rsa.generate_private_key(65_537, 2_048)
        self.kid = encoded(uuid.uuid4().bytes * 2) + "="  # in the form of Cognito's

    @property
    def jwk(self) -> Mapping[str, Any]:
        """The public key, as the pool's JWKS has it."""
        return jwk(self.key.public_key(), self.kid)

    @property
    def header(self) -> Mapping[str, Any]:
        """The header of a valid token."""
        return {"kid": self.kid, "alg": "RS256"}

    @property
    def payload(self) -> Mapping[str, Any]:
        """The payload of a valid token."""
        return {
            "sub": SUB,
            "cognito:groups": ["readers"],
            "iss": ISSUER,
            "client_id": CLIENT,
            "origin_jti": "c1c1c1c1-2222-4333-8444-555555555555",
            "event_id": "e1e1e1e1-2222-4333-8444-555555555555",
            "token_use": "access",
            "scope": "aws.cognito.signin.user.admin",
            "auth_time": ISSUED,
            "iat": ISSUED,
            "exp": EXPIRY,
            "jti": "d1d1d1d1-2222-4333-8444-555555555555",
            "username": "alice",
            "version": 2,
        }

    def mint(
        self,
        payload: Changes | None = None,
        header: Changes | None = None,
        *,
        sign: Sign | None = None,
        padded: bool = False,
    ) -> str:
        """Return an access token that is valid but for the changes."""
        return compact(
            changed(self.header, header or {}),
            changed(self.payload, payload or {}),
            sign or rs256(self.key),
            padded=padded,
        )


def jwk(key: rsa.RSAPublicKey, kid: str) -> Mapping[str, Any]:
    """Return a public key in the form of Cognito's JWKS."""
    numbers = key.public_numbers()
    n, e = (
        encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))
        for number in (numbers.n, numbers.e)
    )
    return {"alg": "RS256", "e": e, "kid": kid, "kty": "RSA", "n": n, "use": "sig"}


def credentials(*authorization: str) -> RequestCredentials:
    """Return the credentials of a request with these Authorization headers."""
    return RequestCredentials(peer=None, authorization=authorization)


def bearing(token: str) -> RequestCredentials:
    """Return the credentials of a request with this access token."""
    return credentials(f"Bearer {token}")
