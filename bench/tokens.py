"""Signers of tokens for the known users: a user pool and a load balancer."""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

REGION: Final = "us-east-1"
POOL: Final = f"{REGION}_Bench0001"
CLIENT: Final = "1bench2client3"
ISSUER: Final = f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}"
ARN: Final = (
    f"arn:aws:elasticloadbalancing:{REGION}:123456789012:loadbalancer/app/bench/50dc6c495c0c9188"
)
POOL_KID: Final = "YmVuY2ggYmVuY2ggYmVuY2ggYmVuY2ggYmVuY2ghISE="
BALANCER_KID: Final = "0f9d8c7b-6a59-4483-9271-605f4e3d2c1b"
LASTS_S: Final = 6 * 3_600  # longer than any run
JTI: Final = "d1d1d1d1-2222-4333-8444-555555555555"


class UserPool:
    """Signs as Cognito does."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65_537, 2_048)

    def jwks(self) -> bytes:
        """Return the public key as the pool publishes it."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return json.dumps(
            {"keys": [{**key, "alg": "RS256", "kid": POOL_KID, "use": "sig"}]}
        ).encode()

    def access_token(self, sub: str) -> str:
        """Return an access token of about a kilobyte."""
        return self._signed(
            {
                "sub": sub,
                "cognito:groups": ["readers"],
                "client_id": CLIENT,
                "origin_jti": JTI,
                "event_id": JTI,
                "token_use": "access",
                "scope": "aws.cognito.signin.user.admin",
                "username": sub,
                "version": 2,
            }
        )

    def sign_in(self, sub: str) -> bytes:
        """Return Cognito's answer to a password sign-in."""
        identity = {
            "sub": sub,
            "aud": CLIENT,
            "token_use": "id",
            "cognito:username": sub,
            "email": "asha.rao@example.com",
            "email_verified": True,
            "origin_jti": JTI,
            "event_id": JTI,
        }
        result = {
            "AccessToken": self.access_token(sub),
            "ExpiresIn": 3_600,
            "IdToken": self._signed(identity),
            "RefreshToken": base64.urlsafe_b64encode(b"refresh " * 150).decode(),
            "TokenType": "Bearer",
        }
        return json.dumps({"AuthenticationResult": result, "ChallengeParameters": {}}).encode()

    def _signed(self, claims: Mapping[str, Any]) -> str:
        now = int(time.time())
        times = {"auth_time": now, "iat": now, "exp": now + LASTS_S, "jti": JTI, "iss": ISSUER}
        header = {"kid": POOL_KID, "alg": "RS256"}
        return _compact(header, {**claims, **times}, self._key, padded=False)


class LoadBalancer:
    """Signs as an Application Load Balancer does."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def pem(self) -> bytes:
        """Return the public key as the region's key server publishes it."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def token(self, sub: str) -> str:
        """Return an `x-amzn-oidc-data`."""
        expiry = int(time.time()) + LASTS_S
        header = {
            "typ": "JWT",
            "kid": BALANCER_KID,
            "alg": "ES256",
            "iss": ISSUER,
            "client": CLIENT,
            "signer": ARN,
            "exp": expiry,
        }
        payload = {
            "sub": sub,
            "email_verified": "true",
            "email": "asha.rao@example.com",
            "username": sub,
            "exp": expiry,
            "iss": ISSUER,
        }
        return _compact(header, payload, self._key, padded=True)  # as a load balancer's is


def _compact(
    header: Mapping[str, Any],
    payload: Mapping[str, Any],
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    padded: bool,
) -> str:
    """Return a signed token; PyJWT never pads."""

    def encoded(part: bytes) -> str:
        text = base64.urlsafe_b64encode(part).decode()
        return text if padded else text.rstrip("=")

    signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, payload))
    algorithm = jwt.get_algorithm_by_name(str(header["alg"]))
    return f"{signed}.{encoded(algorithm.sign(signed.encode(), key))}"
