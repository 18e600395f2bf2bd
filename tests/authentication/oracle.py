"""An independent verifier, written with `cryptography` alone."""

import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

from tests.authentication.trusting import ISSUERS, SECOND_ARN, SKEW_S
from tests.support.alb_token_signer import ARN, CLIENT
from tests.support.clock import NOW
from tests.support.raw_jwt import decoded


def signed_parts(
    token: str, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Return header and payload, None where the signature is not the key's."""
    signed, _, last = token.rpartition(".")
    head, _, body = signed.partition(".")
    signature = decoded(last)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed.encode(), padding.PKCS1v15(), SHA256())
        elif len(signature) == 64:
            r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
            der = utils.encode_dss_signature(r, s)
            key.verify(der, signed.encode(), ec.ECDSA(SHA256()))
        else:
            return None
    except InvalidSignature:
        return None
    return json.loads(decoded(head)), json.loads(decoded(body))


def load_balancer_proves(
    token: str, key: ec.EllipticCurvePublicKey, kid: str, identity: str
) -> bool:
    """Return whether a load balancer's token proves *identity*."""
    parts = signed_parts(token, key)
    if parts is None:
        return False
    header, payload = parts
    return (
        header.get("alg") == "ES256"
        and header.get("kid") == kid
        and header.get("signer") in [ARN, SECOND_ARN]
        and header.get("client") == CLIENT
        and header.get("iss") in [*ISSUERS]
        and all(payload[k] == header[k] for k in ("signer", "client", "iss") if k in payload)
        and ("exp" in header or "exp" in payload)
        and all(_in_time(part) for part in parts)
        and not header.keys() & {"crit", "b64", "jku", "jwk", "x5c", "x5t", "x5u"}
        and _typed(payload)
        and payload.get("sub") == identity
    )


def access_token_proves(token: str, key: rsa.RSAPublicKey, kid: str, identity: str) -> bool:
    """Return whether an access token proves *identity*."""
    parts = signed_parts(token, key)
    if parts is None:
        return False
    header, payload = parts
    return (
        header.get("alg") == "RS256"
        and header.get("kid") == kid
        and payload.get("iss") in [*ISSUERS]
        and payload.get("token_use") == "access"
        and payload.get("client_id") == CLIENT
        and type(payload.get("username")) is str
        and payload["username"] != ""
        and "exp" in payload
        and "iat" in payload
        and _in_time(payload)
        and not header.keys() & {"crit", "b64", "jku", "jwk", "x5c", "x5t", "x5u"}
        and _typed(payload)
        and payload.get("sub") == identity
    )


def _number(value: object) -> bool:
    return type(value) in {int, float} and -(2**53) <= value <= 2**53  # type: ignore[operator]  # of these types only


def _in_time(part: Mapping[str, Any]) -> bool:
    times = {name: part[name] for name in ("exp", "nbf", "iat") if name in part}
    return all(map(_number, times.values())) and (
        times.get("exp", NOW + 1) > NOW
        and times.get("nbf", 0) <= NOW + SKEW_S
        and times.get("iat", 0) <= NOW + SKEW_S
    )


def _typed(payload: Mapping[str, Any]) -> bool:
    audience = payload.get("aud", "")
    return all(type(payload[name]) is str for name in ("jti", "scope") if name in payload) and (
        type(audience) is str
        or (type(audience) is list and all(type(entry) is str for entry in audience))
    )
