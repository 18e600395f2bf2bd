"""
Strict parsing of signed tokens, before their verification.

PyJWT verifies signatures only. Some of its versions reject the padding of load balancers; others accept
what this module rejects: non-canonical encodings, repeated names, claims of the wrong type, and headers
that supply a key.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from service.domain.errors import TokenInvalid
from service.domain.identity import is_subject

Claims: TypeAlias = Mapping[str, Any]

MAX_CHARACTERS: Final = 16_384  # the limit of an ALB's headers
PARTS: Final = 3
MAX_DEPTH: Final = 16  # claims are nested two or three levels deep
# Headers that supply a key or require an extension.
REFUSED_HEADERS: Final = frozenset({"b64", "crit", "jku", "jwk", "x5c", "x5t", "x5t#S256", "x5u"})

LATEST: Final = 2.0**53  # beyond it JSON numbers are not exact (RFC 8259, section 6)
# Claims that are strings (RFC 7519, section 4.1; RFC 8693, section 4.2).
TEXTS: Final = ("iss", "jti", "scope", "sub")

_PART: Final = re.compile(r"[A-Za-z0-9_-]+={0,2}")


@dataclass(frozen=True, slots=True)
class Token:
    """The unverified header and payload of a token, its signed bytes and its signature."""

    header: Claims = field(repr=False)
    payload: Claims = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def verify(self, key: EllipticCurvePublicKey | RSAPublicKey, *, algorithm: str) -> None:
        """Verify the signature; raises TokenInvalid."""
        if not jwt.get_algorithm_by_name(algorithm).verify(self.signed, key, self.signature):
            raise TokenInvalid


def parse(text: str, *, algorithm: str) -> Token:
    """Return the parsed token; raises TokenInvalid where it is malformed or of another algorithm."""
    parts = text.split(".")
    if len(text) > MAX_CHARACTERS or len(parts) != PARTS:
        raise TokenInvalid
    header_bytes, payload_bytes, signature = (_decoded(part) for part in parts)
    header, payload = _object(header_bytes), _object(payload_bytes)
    if header.get("alg") != algorithm or REFUSED_HEADERS & header.keys():
        raise TokenInvalid
    _check_types(payload)
    return Token(header, payload, text.rpartition(".")[0].encode(), signature)


def text(claims: Claims, name: str) -> str:
    """Return a required string claim; raises TokenInvalid."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise TokenInvalid
    return value


def subject(claims: Claims) -> str:
    """Return the `sub`; raises TokenInvalid."""
    sub = text(claims, "sub")
    if not is_subject(sub):
        raise TokenInvalid
    return sub


def moment(claims: Claims, name: str) -> float | None:
    """Return an optional claim in seconds since 1970; raises TokenInvalid."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenInvalid
    if not -LATEST <= value <= LATEST:  # also rejects infinity and NaN
        raise TokenInvalid
    return value


def required_moment(claims: Claims, name: str) -> float:
    """Return a required claim in seconds since 1970; raises TokenInvalid."""
    value = moment(claims, name)
    if value is None:
        raise TokenInvalid
    return value


def check_begun(claims: Claims, *, now: float, skew_s: float) -> None:
    """Check that `iat` and `nbf` are at most *skew_s* in the future; raises TokenInvalid."""
    for name in ("iat", "nbf"):
        begin = moment(claims, name)
        if begin is not None and begin > now + skew_s:
            raise TokenInvalid


def _check_types(payload: Claims) -> None:
    """Check the types of registered claims, used here or not; raises TokenInvalid."""
    audience = payload.get("aud", [])
    audiences = audience if isinstance(audience, list) else [audience]
    texts = [payload[name] for name in TEXTS if name in payload]
    if not all(isinstance(value, str) for value in (*texts, *audiences)):
        raise TokenInvalid


def _decoded(part: str) -> bytes:
    """Return the bytes of a part with or without padding; raises TokenInvalid unless canonical."""
    if not _PART.fullmatch(part):
        raise TokenInvalid
    bare = part.rstrip("=")
    try:
        decoded = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except ValueError:
        raise TokenInvalid from None
    canonical = base64.urlsafe_b64encode(decoded).decode()
    if part not in (canonical, canonical.rstrip("=")):
        raise TokenInvalid
    return decoded


def _object(part: bytes) -> Claims:
    try:
        value = _DECODER.decode(part.decode())
    except (ValueError, RecursionError):
        raise TokenInvalid from None
    if not isinstance(value, dict):
        raise TokenInvalid
    _check_depth(value, MAX_DEPTH)
    return value


def _check_depth(value: object, left: int) -> None:
    """Check the depth of nesting; the interpreter's own limit depends on its version."""
    if isinstance(value, dict | list):
        if not left:
            raise TokenInvalid
        for entry in value.values() if isinstance(value, dict) else value:
            _check_depth(entry, left - 1)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise TokenInvalid
    return result


def _no_constant(_: str) -> NoReturn:
    raise TokenInvalid


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_without_repetition, parse_constant=_no_constant
)
