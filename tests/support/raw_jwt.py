"""JWTs assembled by hand (RFC 7515), including invalid ones that no library makes."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

Sign: TypeAlias = Callable[[bytes], bytes]
Changes: TypeAlias = Mapping[str, Any] | bytes  # new values by name, or the bytes of a whole part

ABSENT: Final = object()  # as a change: remove the member


class Raw(str):
    """A value that is written into the JSON verbatim, such as a number of 400 digits."""

    __slots__ = ()


def encoded(data: bytes, *, padded: bool = False) -> str:
    """Return base64url."""
    text = base64.urlsafe_b64encode(data).decode()
    return text if padded else text.rstrip("=")


def decoded(part: str) -> bytes:
    """Return the bytes of a part."""
    return base64.urlsafe_b64decode(part.rstrip("=") + "=" * (-len(part.rstrip("=")) % 4))


def changed(values: Mapping[str, Any], changes: Changes) -> bytes:
    """Return *values* with *changes* as JSON, or the bytes that replace them."""
    if isinstance(changes, bytes):
        return changes
    members = (
        f"{json.dumps(name)}:{value if isinstance(value, Raw) else json.dumps(value)}"
        for name, value in {**values, **changes}.items()
        if value is not ABSENT
    )
    return f"{{{','.join(members)}}}".encode()


def compact(header: bytes, payload: bytes, sign: Sign, *, padded: bool = False) -> str:
    """Return a signed token of these bytes."""
    signed = f"{encoded(header, padded=padded)}.{encoded(payload, padded=padded)}"
    return f"{signed}.{encoded(sign(signed.encode()), padded=padded)}"


def es256(key: ec.EllipticCurvePrivateKey) -> Sign:
    """Return a function that signs with ES256: two numbers of 32 bytes each (RFC 7518, section 3.4)."""

    def sign(message: bytes) -> bytes:
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
        size = (key.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return sign


def rs256(key: rsa.RSAPrivateKey) -> Sign:
    """Return a function that signs with RS256."""
    return lambda message: key.sign(message, padding.PKCS1v15(), SHA256())
