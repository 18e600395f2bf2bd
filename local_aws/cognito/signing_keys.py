"""The keys that sign tokens: two for each pool, one for access tokens and one for id tokens."""

import base64
import functools
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from joserfc import jwt
from joserfc.jwk import RSAKey
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito.records import PoolKeys
from local_aws.cognito.state import Cognito

KEY_BITS = 2_048
ALGORITHM = "RS256"
ID_TOKEN = "id"  # noqa: S105 -- a claim


def signed(cognito: Cognito, pool: Pool, claims: dict[str, Any]) -> str:
    """Return a JWT, signed by the pool's key for its `token_use`."""
    keys = _keys(cognito, pool)
    pem = keys.identity if claims["token_use"] == ID_TOKEN else keys.access
    key = _imported(pem)
    header = {"kid": _public(pem)["kid"], "alg": ALGORITHM}
    return str(jwt.encode(header, claims, key, algorithms=[ALGORITHM]))


def key_set(cognito: Cognito, pool: Pool) -> dict[str, Any]:
    """Return the pool's JSON Web Key Set, the key for id tokens first, as on AWS."""
    keys = _keys(cognito, pool)
    return {"keys": [_public(keys.identity), _public(keys.access)]}


def _keys(cognito: Cognito, pool: Pool) -> PoolKeys:
    """Return the pool's keys, which are made when they are needed first: that takes 0.1 s."""
    keys = cognito.pool_keys(pool)
    if not keys.access:
        keys.access, keys.identity = _new_key(), _new_key()
    return keys


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@functools.lru_cache
def _imported(pem: str) -> RSAKey:
    return RSAKey.import_key(pem)


@functools.lru_cache
def _public(pem: str) -> dict[str, Any]:
    """Return a key as the key set lists it; its id has the form of AWS's."""
    public = load_pem_private_key(pem.encode(), password=None).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    kid = base64.b64encode(hashlib.sha256(der).digest()).decode()
    numbers = _imported(pem).as_dict(private=False)
    return {
        "alg": ALGORITHM,
        "e": numbers["e"],
        "kid": kid,
        "kty": "RSA",
        "n": numbers["n"],
        "use": "sig",
    }
