"""Bad access tokens: the named list of all that must never be believed."""

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.authentication.access_token import AccessTokenAuthenticator
from tests.authentication.mangling import MANGLED, NO_NAMES, NO_OBJECTS, NO_TEXTS, NO_TIMES, each
from tests.authentication.trusting import SKEW_S, refused
from tests.support.access_token_signer import EXPIRY, AccessTokenSigner, bearing
from tests.support.alb_token_signer import CLIENT, ISSUER, SUB
from tests.support.clock import NOW
from tests.support.raw_jwt import ABSENT, Sign, changed, compact, decoded, encoded, es256, rs256
from tests.support.scripted_key_server import ScriptedKeyServer

Bad: TypeAlias = Callable[[AccessTokenSigner], str]
STRANGER: Final = rsa.generate_private_key(65_537, 2_048)


def payload(**changes: Any) -> Bad:  # noqa: ANN401 -- any JSON
    """Return a function that mints a token with a different payload."""
    return lambda pool: pool.mint(changes)


def header(**changes: Any) -> Bad:  # noqa: ANN401 -- any JSON
    """Return a function that mints a token with a different header."""
    return lambda pool: pool.mint({}, changes)


def signed(sign: Callable[[AccessTokenSigner], Sign], **changes: str) -> Bad:
    """Return a function that mints a token with a different signature."""
    return lambda pool: pool.mint({}, changes, sign=sign(pool))


def mangled(mangle: Callable[[str], str]) -> Bad:
    """Return a function that damages the text of a valid token."""
    return lambda pool: mangle(pool.mint())


def broken_header(change: Callable[[bytes], bytes]) -> Bad:
    """Return a function that signs a header that is not one object."""
    return lambda pool: pool.mint({}, change(changed(pool.header, {})))


def broken_payload(change: Callable[[bytes], bytes]) -> Bad:
    """Return a function that signs a payload that is not one object."""
    return lambda pool: pool.mint(change(changed(pool.payload, {})))


def pem(pool: AccessTokenSigner) -> bytes:
    """Return the pool's public key as a PEM."""
    return pool.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def pss(pool: AccessTokenSigner) -> Sign:
    """Sign with the pool's key, but as PS256 does."""
    scheme = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
    return lambda message: pool.key.sign(message, scheme, SHA256())


def id_token(pool: AccessTokenSigner) -> str:
    """Return the pool's id token for the same user and client."""
    gone = dict.fromkeys(("client_id", "scope", "username", "version"), ABSENT)
    return pool.mint({**gone, "token_use": "id", "aud": CLIENT, "cognito:username": "alice"})


KINDS: Final[Mapping[str, Bad]] = {
    "alg none": signed(lambda _: lambda _: b"x", alg="none"),
    "alg none without signature": lambda pool: pool.mint({}, {"alg": "none"}, sign=lambda _: b""),
    "alg HS256 with the public key as the secret": signed(
        lambda pool: lambda message: hmac.digest(pem(pool), message, "sha256"), alg="HS256"
    ),
    "alg HS256 with the key set's modulus as the secret": signed(
        lambda pool: lambda message: hmac.digest(pool.jwk["n"].encode(), message, "sha256"),
        alg="HS256",
    ),
    "alg RS384": signed(
        lambda pool: lambda message: pool.key.sign(message, padding.PKCS1v15(), SHA384()),
        alg="RS384",
    ),
    "alg PS256": signed(pss, alg="PS256"),
    "alg ES256": signed(lambda _: es256(ec.generate_private_key(ec.SECP256R1())), alg="ES256"),
    "alg in small letters": header(alg="rs256"),
    "alg missing": header(alg=ABSENT),
    "alg listed": header(alg=["RS256"]),
    "crit": header(crit=["exp"]),
    "crit empty": header(crit=[]),
    "b64 false": header(b64=False),
    "jku": header(jku="https://evil.example/jwks.json"),
    "jwk": header(jwk={"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
    "x5c": header(x5c=["MIIB"]),
    "x5u": header(x5u="https://evil.example/cert.pem"),
    "kid missing": header(kid=ABSENT),
    "kid listed": lambda pool: pool.mint({}, {"kid": [pool.kid]}),
    "issuer missing": payload(iss=ABSENT),
    "issuer another pool": payload(iss=ISSUER[:-1] + "2"),
    "issuer another region": payload(iss=ISSUER.replace("us-east-1", "us-east-2")),
    "issuer cut off": payload(iss=ISSUER[:-1]),
    "issuer with a slash behind": payload(iss=ISSUER + "/"),
    "issuer with more behind": payload(iss=ISSUER + "x"),
    "issuer behind another host": payload(iss="https://evil.example/" + ISSUER),
    "issuer as a user of another host": payload(iss=ISSUER + "@evil.example"),
    "issuer with a dot for the hyphen": payload(iss=ISSUER.replace("https://", "https://issuer.")),
    "issuer without TLS": payload(iss=ISSUER.replace("https", "http")),
    "issuer in capitals": payload(iss=ISSUER.upper()),
    "issuer listed": payload(iss=[ISSUER]),
    "issuer in the header only": lambda pool: pool.mint({"iss": ABSENT}, {"iss": ISSUER}),
    "an id token": id_token,
    "an id token that names the client": payload(token_use="id"),  # noqa: S106 -- a kind of token
    "a refresh token": lambda _: ".".join(encoded(b"x" * size) for size in (40, 256, 12, 900, 16)),
    "of the client credentials grant": payload(sub=CLIENT, username=ABSENT),
    "sub the client's, with a user name": payload(sub=CLIENT),
    "sub and user name the client's": payload(sub=CLIENT, username=CLIENT),
    "no user name": payload(username=ABSENT),
    "user name empty": payload(username=""),
    "user name null": payload(username=None),
    "user name a number": payload(username=7),
    "user names": payload(username=["alice"]),
    "token_use missing": payload(token_use=ABSENT),
    "token_use in capitals": payload(token_use="ACCESS"),  # noqa: S106 -- a kind of token
    "token_use listed": payload(token_use=["access", "id"]),
    "token_use null": payload(token_use=None),
    "client missing": payload(client_id=ABSENT),
    "client another": payload(client_id="another"),
    "client cut off": payload(client_id=CLIENT[:-1]),
    "client with more behind": payload(client_id=CLIENT + "x"),
    "client listed": payload(client_id=[CLIENT]),
    "client null": payload(client_id=None),
    "client as the audience only": payload(client_id=ABSENT, aud=CLIENT),
    "expiry missing": payload(exp=ABSENT),
    "expiry in the header only": lambda pool: pool.mint({"exp": ABSENT}, {"exp": EXPIRY}),
    "expired": payload(exp=NOW - 1),
    "expired this moment": payload(exp=NOW),
    "expiry zero": payload(exp=0),
    "expiry negative": payload(exp=-EXPIRY),
    "issued nowhen": payload(iat=ABSENT),
    "issued later": payload(iat=NOW + SKEW_S + 1),
    "valid later": payload(nbf=NOW + SKEW_S + 1),
    "audiences not all texts": payload(aud=["a", 5]),
    "audience an object": payload(aud={}),
    "sub missing": payload(sub=ABSENT),
    "sub not ASCII": payload(sub="al\u00efce"),
    "sub of 256 characters": payload(sub="x" * 256),
    "sub with a space": payload(sub="alice smith"),
    "sub with a line end": payload(sub=f"{SUB}\n"),
    "sub with a NUL": payload(sub=f"{SUB}\0"),
    "sub a lone surrogate": payload(sub="\ud800"),
    "20 KB": payload(address="x" * 15_000),
    "padded": lambda pool: pool.mint(padded=True),
    "encrypted": lambda pool: f"{pool.mint()}.{encoded(b'iv')}.{encoded(b'tag')}",
}

UNKNOWN: Final[Mapping[str, Bad]] = {
    "kid unknown": header(kid="unknown"),
    "kid in small letters": lambda pool: pool.mint({}, {"kid": pool.kid.swapcase()}),
    "kid with a NUL behind": lambda pool: pool.mint({}, {"kid": pool.kid + "\0"}),
    "kid a path": header(kid="../../../../dev/null"),
    "kid a URL": header(kid="https://evil.example/jwks.json"),
}


def resigned(change: Callable[[bytes], bytes]) -> Bad:
    """Return a function that mints a token and changes its signature."""
    return lambda pool: pool.mint(sign=lambda message: change(rs256(pool.key)(message)))


def swapped(pool: AccessTokenSigner) -> str:
    """Return a token with the signature of another one of the same pool."""
    return pool.mint().rpartition(".")[0] + "." + pool.mint({"version": 3}).rpartition(".")[2]


def rewritten(pool: AccessTokenSigner) -> str:
    """Return a token with another user's payload under the original signature."""
    head, body, signature = pool.mint().split(".")
    sub = str(pool.payload["sub"]).encode()
    return f"{head}.{encoded(decoded(body).replace(sub, b'mallory'))}.{signature}"


FORGED: Final[Mapping[str, Bad]] = {
    "first bit": resigned(lambda signature: bytes((signature[0] ^ 0x80,)) + signature[1:]),
    "last bit": resigned(lambda signature: signature[:-1] + bytes((signature[-1] ^ 1,))),
    "one byte short": resigned(lambda signature: signature[:-1]),
    "one byte long": resigned(lambda signature: signature + b"\0"),
    "a zero in front": resigned(lambda signature: b"\0" + signature),
    "all zero": resigned(lambda signature: bytes(len(signature))),
    "one": resigned(lambda signature: b"\1".rjust(len(signature), b"\0")),
    "all ones": resigned(lambda signature: b"\xff" * len(signature)),
    "one letter": resigned(lambda _: b"x"),
    "another key under the same id": signed(lambda _: rs256(STRANGER)),
    "PS256 under the name RS256": signed(pss),
    "ES256 under the name RS256": signed(lambda _: es256(ec.generate_private_key(ec.SECP256R1()))),
    "HMAC under the name RS256": signed(
        lambda pool: lambda message: hmac.digest(pem(pool), message, "sha256")
    ),
    "another hash": signed(
        lambda pool: lambda message: pool.key.sign(message, padding.PKCS1v15(), SHA384())
    ),
    "of the payload alone": lambda pool: pool.mint(
        sign=lambda message: rs256(pool.key)(message.partition(b".")[2])
    ),
    "of another token": swapped,
    "of what was in the token before": rewritten,
    "of the bytes instead of their text": lambda pool: compact(
        json.dumps(dict(pool.header)).encode(),
        json.dumps(dict(pool.payload)).encode(),
        lambda message: rs256(pool.key)(
            b".".join(decoded(p.decode()) for p in message.split(b"."))
        ),
    ),
}

BAD: Final[Mapping[str, Bad]] = {
    **KINDS,
    **UNKNOWN,
    **{f"text: {name}": mangled(mangle) for name, mangle in MANGLED.items()},
    **{f"header: {name}": broken_header(change) for name, change in NO_OBJECTS.items()},
    **{f"payload: {name}": broken_payload(change) for name, change in NO_OBJECTS.items()},
    **each("header", header, "alg kid", NO_NAMES),
    **each("payload", payload, "exp nbf iat", NO_TIMES),
    **each("payload", payload, "iss sub token_use client_id", NO_NAMES),
    **each("payload", payload, "jti scope", NO_TEXTS),
    **{f"signature: {name}": bad for name, bad in FORGED.items()},
}


@pytest.mark.parametrize("name", BAD)
async def test_invalid_token_is_rejected(
    bearer: AccessTokenAuthenticator, pool: AccessTokenSigner, name: str
) -> None:
    """Every invalid token gets the same error, which contains nothing of the token."""
    await refused(bearer, bearing(BAD[name](pool)))


@pytest.mark.parametrize("name", KINDS)
async def test_wrong_claim_is_rejected_before_keys_are_fetched(
    bearer: AccessTokenAuthenticator,
    pool: AccessTokenSigner,
    endpoint: ScriptedKeyServer,
    name: str,
) -> None:
    """Claims are checked first: another client's token causes no fetch of keys."""
    await refused(bearer, bearing(KINDS[name](pool)))

    assert endpoint.asked == []


def test_at_least_60_bad_tokens_are_named() -> None:
    """The list is as long as was promised."""
    assert len(BAD) >= 60
