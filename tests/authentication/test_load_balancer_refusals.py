"""Bad tokens in the load balancer's header: the named list of all that must never be believed."""

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA384

from service.authentication.alb_token import AlbAuthenticator
from tests.authentication.mangling import MANGLED, NO_NAMES, NO_OBJECTS, NO_TEXTS, NO_TIMES, each
from tests.authentication.trusting import SKEW_S, refused
from tests.support.alb_token_signer import (
    ARN,
    CLIENT,
    EXPIRY,
    ISSUER,
    SUB,
    AlbTokenSigner,
    credentials,
)
from tests.support.clock import NOW
from tests.support.raw_jwt import ABSENT, Sign, changed, compact, decoded, encoded, es256, rs256
from tests.support.scripted_key_server import ScriptedKeyServer

Bad: TypeAlias = Callable[[AlbTokenSigner], str]
STRANGER: Final = generate_private_key(65_537, 2_048)


def header(**changes: Any) -> Bad:  # noqa: ANN401 -- any JSON
    """Return a function that mints a token with a different header."""
    return lambda lb: lb.mint(changes)


def payload(**changes: Any) -> Bad:  # noqa: ANN401 -- any JSON
    """Return a function that mints a token with a different payload."""
    return lambda lb: lb.mint({}, changes)


def signed(sign: Callable[[AlbTokenSigner], Sign], **changes: str) -> Bad:
    """Return a function that mints a token with a different signature."""
    return lambda lb: lb.mint(changes, sign=sign(lb))


def mangled(mangle: Callable[[str], str]) -> Bad:
    """Return a function that damages the text of a valid token."""
    return lambda lb: mangle(lb.mint())


def broken_header(change: Callable[[bytes], bytes]) -> Bad:
    """Return a function that signs a header that is not one object."""
    return lambda lb: lb.mint(change(changed(lb.header, {})))


def broken_payload(change: Callable[[bytes], bytes]) -> Bad:
    """Return a function that signs a payload that is not one object."""
    return lambda lb: lb.mint({}, change(changed(lb.payload, {})))


def hmacs(lb: AlbTokenSigner) -> Sign:
    """Sign with the public key as the secret."""
    return lambda message: hmac.digest(lb.pem, message, "sha256")


KINDS: Final[Mapping[str, Bad]] = {
    "alg none": signed(lambda _: lambda _: b"x", alg="none"),
    "alg none without signature": lambda lb: lb.mint({"alg": "none"}, sign=lambda _: b""),
    "alg nOnE": signed(lambda _: lambda _: b"x", alg="nOnE"),
    "alg HS256 with the public key as the secret": signed(hmacs, alg="HS256"),
    "alg RS256": signed(lambda _: rs256(STRANGER), alg="RS256"),
    "alg PS256": header(alg="PS256"),
    "alg ES384": signed(lambda _: es256(ec.generate_private_key(ec.SECP384R1())), alg="ES384"),
    "alg ES512": header(alg="ES512"),
    "alg ES256K": signed(lambda _: es256(ec.generate_private_key(ec.SECP256K1())), alg="ES256K"),
    "alg EdDSA": signed(lambda _: Ed25519PrivateKey.generate().sign, alg="EdDSA"),
    "alg in small letters": header(alg="es256"),
    "alg with a space": header(alg="ES256 "),
    "alg missing": header(alg=ABSENT),
    "alg a list": header(alg=["ES256"]),
    "crit empty": header(crit=[]),
    "crit exp": header(crit=["exp"]),
    "crit b64": header(crit=["b64"], b64=True),
    "b64 false": header(b64=False),
    "jku": header(jku="https://evil.example/jwks.json"),
    "jwk": header(jwk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
    "x5c": header(x5c=["MIIB"]),
    "x5t": header(x5t="AA"),
    "x5t of SHA-256": lambda lb: lb.mint({"x5t#S256": "AA"}),
    "x5u": header(x5u="https://evil.example/cert.pem"),
    "kid missing": header(kid=ABSENT),
    "kid without hyphens": lambda lb: lb.mint({"kid": lb.kid.replace("-", "")}),
    "kid in braces": lambda lb: lb.mint({"kid": f"{{{lb.kid}}}"}),
    "kid a URN": lambda lb: lb.mint({"kid": f"urn:uuid:{lb.kid}"}),
    "kid with a line end": lambda lb: lb.mint({"kid": f"{lb.kid}\n"}),
    "kid with a path": lambda lb: lb.mint({"kid": f"../{lb.kid}"}),
    "kid with a path behind": lambda lb: lb.mint({"kid": f"{lb.kid}/../x"}),
    "kid with a query": lambda lb: lb.mint({"kid": f"{lb.kid}?x"}),
    "kid with a fragment": lambda lb: lb.mint({"kid": f"{lb.kid}#x"}),
    "kid climbing": header(kid="../../../../etc/passwd"),
    "kid a URL": header(kid="https://evil.example/"),
    "kid a host": header(kid="@evil.example/"),
    "kid cut off": lambda lb: lb.mint({"kid": lb.kid[:-1]}),
    "kid of letters beyond f": header(kid="gggggggg-gggg-gggg-gggg-gggggggggggg"),
    "kid in full-width digits": header(kid="\uff11" * 8 + "-1111-1111-1111-111111111111"),
    "kid listed": lambda lb: lb.mint({"kid": [lb.kid]}),
    "signer missing": header(signer=ABSENT),
    "signer of another account": header(signer=ARN.replace("123456789012", "210987654321")),
    "signer of another region": header(signer=ARN.replace("us-east-1", "us-east-2")),
    "signer of another partition": header(signer=ARN.replace("arn:aws:", "arn:aws-cn:")),
    "signer of another name": header(signer=ARN.replace("front", "other")),
    "signer recreated": header(signer=ARN[:-1] + "9"),
    "signer cut off": header(signer=ARN[:-1]),
    "signer with more behind": header(signer=ARN + "0"),
    "signer with more in front": header(signer=" " + ARN),
    "signer in capitals": header(signer=ARN.upper()),
    "signer listed": header(signer=[ARN]),
    "signer with a Cyrillic letter": header(signer=ARN.replace("aws", "\u0430ws")),
    "signer in the payload only": lambda lb: lb.mint({"signer": ABSENT}, {"signer": ARN}),
    "signer another in the payload": payload(signer=ARN + "0"),
    "signer null in the payload": payload(signer=None),
    "signer listed in the payload": payload(signer=[ARN]),
    "client missing": header(client=ABSENT),
    "client another": header(client="another"),
    "client cut off": header(client=CLIENT[:-1]),
    "client with more behind": header(client=CLIENT + "x"),
    "client in capitals": header(client=CLIENT.upper()),
    "client listed": header(client=[CLIENT]),
    "client in the payload only": lambda lb: lb.mint({"client": ABSENT}, {"client": CLIENT}),
    "client another in the payload": payload(client="another"),
    "client null in the payload": payload(client=None),
    "client listed in the payload": payload(client=[CLIENT]),
    "issuer missing": header(iss=ABSENT),
    "issuer another pool": header(iss=ISSUER[:-1] + "2"),
    "issuer cut off": header(iss=ISSUER[:-1]),
    "issuer with a slash behind": header(iss=ISSUER + "/"),
    "issuer with more behind": header(iss=ISSUER + "x"),
    "issuer behind another host": header(iss="https://evil.example/" + ISSUER),
    "issuer without TLS": header(iss=ISSUER.replace("https", "http")),
    "issuer in capitals": header(iss=ISSUER.upper()),
    "issuer listed": header(iss=[ISSUER]),
    "issuer in the payload only": header(iss=ABSENT),
    "issuer another in the payload": payload(iss="https://evil.example"),
    "issuer of the other form in the payload": payload(
        iss=ISSUER.replace("cognito-idp", "issuer-cognito-idp")
    ),
    "issuer listed in the payload": payload(iss=[ISSUER]),
    "expiry nowhere": lambda lb: lb.mint({"exp": ABSENT}, {"exp": ABSENT}),
    "expired in both": lambda lb: lb.mint({"exp": NOW - 1}, {"exp": NOW - 1}),
    "expired in the header only": header(exp=NOW - 1),
    "expired in the payload only": payload(exp=NOW - 1),
    "expired this moment": header(exp=NOW),
    "expired by a fraction": payload(exp=NOW - 0.001),
    "expiry zero": payload(exp=0),
    "expiry negative": payload(exp=-EXPIRY),
    "valid later, by the header": header(nbf=NOW + SKEW_S + 1),
    "valid later, by the payload": payload(nbf=NOW + SKEW_S + 1),
    "issued later": payload(iat=NOW + SKEW_S + 1),
    "audiences not all texts": payload(aud=["a", 5]),
    "audience null": payload(aud=None),
    "sub missing": payload(sub=ABSENT),
    "sub not ASCII": payload(sub="al\u00efce"),
    "sub of 256 characters": payload(sub="x" * 256),
    "sub with a space": payload(sub="alice smith"),
    "sub with a line end": payload(sub=f"{SUB}\r\n"),
    "sub with a NUL": payload(sub=f"{SUB}\0"),
    "sub a lone surrogate": payload(sub="\ud800"),
    "sub in full-width letters": payload(sub="\uff41lice"),
    "sub in the header only": lambda lb: lb.mint({"sub": SUB}, {"sub": ABSENT}),
    "20 KB": payload(address="x" * 15_000),
    "encrypted": lambda lb: f"{lb.mint()}.{encoded(b'iv')}.{encoded(b'tag')}",
}


UNSEEN: Final[Mapping[str, Bad]] = {
    **KINDS,
    **{f"text: {name}": mangled(mangle) for name, mangle in MANGLED.items()},
    **{f"header: {name}": broken_header(change) for name, change in NO_OBJECTS.items()},
    **{f"payload: {name}": broken_payload(change) for name, change in NO_OBJECTS.items()},
    **each("header", header, "exp nbf iat", NO_TIMES),
    **each("header", header, "alg kid signer client iss", NO_NAMES),
    **each("payload", payload, "exp nbf iat", NO_TIMES),
    **each("payload", payload, "iss sub", NO_NAMES),
    **each("payload", payload, "jti scope", NO_TEXTS),
}


@pytest.mark.parametrize("name", UNSEEN)
async def test_invalid_token_is_rejected_before_any_key_is_fetched(
    alb: AlbAuthenticator, balancer: AlbTokenSigner, endpoint: ScriptedKeyServer, name: str
) -> None:
    """Claims are checked first: another load balancer's token causes no fetch of a key."""
    await refused(alb, credentials(UNSEEN[name](balancer)))

    assert endpoint.asked == []


def resigned(change: Callable[[bytes], bytes]) -> Bad:
    """Return a function that mints a token and changes its signature."""
    return lambda lb: lb.mint(sign=lambda message: change(es256(lb.key)(message)))


def swapped(lb: AlbTokenSigner) -> str:
    """Return a token with the signature of another one of the same load balancer."""
    first, second = lb.mint(), lb.mint({}, {"email": "b@example.com"})
    return first.rpartition(".")[0] + "." + second.rpartition(".")[2]


def rewritten(lb: AlbTokenSigner) -> str:
    """Return a token with another user's payload under the original signature."""
    head, text, signature = lb.mint().split(".")
    body = decoded(text).replace(b"a@example.com", b"b@example.com")
    return f"{head}.{encoded(body, padded=True)}.{signature}"


def raw_signature(der: bytes) -> bytes:
    """Return a signature as JOSE writes it."""
    return b"".join(number.to_bytes(32, "big") for number in utils.decode_dss_signature(der))


def der(signature: bytes) -> bytes:
    """Return a signature as X.509 writes it."""
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    return utils.encode_dss_signature(r, s)


FORGED: Final[Mapping[str, Bad]] = {
    "first bit": resigned(lambda signature: bytes((signature[0] ^ 0x80,)) + signature[1:]),
    "last bit": resigned(lambda signature: signature[:-1] + bytes((signature[-1] ^ 1,))),
    "one byte short": resigned(lambda signature: signature[:-1]),
    "one byte long": resigned(lambda signature: signature + b"\0"),
    "half": resigned(lambda signature: signature[:32]),
    "twice": resigned(lambda signature: signature * 2),
    "halves exchanged": resigned(lambda signature: signature[32:] + signature[:32]),
    "DER": resigned(der),
    "all zero": resigned(lambda _: bytes(64)),
    "all ones": resigned(lambda _: b"\xff" * 64),
    "one and one": resigned(lambda _: (bytes(31) + b"\1") * 2),
    "r zero": resigned(lambda signature: bytes(32) + signature[32:]),
    "s zero": resigned(lambda signature: signature[:32] + bytes(32)),
    "one letter": resigned(lambda _: b"x"),
    "HMAC with the public key as the secret": signed(hmacs),
    "RS256 under the name ES256": signed(lambda _: rs256(STRANGER)),
    "another key under the same id": signed(
        lambda _: es256(ec.generate_private_key(ec.SECP256R1()))
    ),
    "another curve": signed(lambda _: es256(ec.generate_private_key(ec.SECP384R1()))),
    "another hash": signed(
        lambda lb: lambda message: raw_signature(lb.key.sign(message, ec.ECDSA(SHA384())))
    ),
    "of the payload alone": lambda lb: lb.mint(
        sign=lambda message: es256(lb.key)(message.partition(b".")[2])
    ),
    "of another token": swapped,
    "of what was in the token before": rewritten,
    "of the token unpadded": lambda lb: lb.mint(
        sign=lambda message: es256(lb.key)(message.replace(b"=", b""))
    ),
    "of the bytes instead of their text": lambda lb: compact(
        json.dumps(dict(lb.header)).encode(),
        json.dumps(dict(lb.payload)).encode(),
        lambda message: es256(lb.key)(b".".join(decoded(p.decode()) for p in message.split(b"."))),
    ),
}


@pytest.mark.parametrize("name", FORGED)
async def test_forged_signature_is_refused(
    alb: AlbAuthenticator, balancer: AlbTokenSigner, name: str
) -> None:
    """Only the load balancer's own key proves that the token is from it."""
    await refused(alb, credentials(FORGED[name](balancer)))


async def test_key_of_nobody_is_refused(alb: AlbAuthenticator, balancer: AlbTokenSigner) -> None:
    """A key id that the key server does not know is as good as none."""
    await refused(alb, credentials(balancer.mint({"kid": "11111111-2222-4333-8444-555555555555"})))


def test_at_least_100_invalid_tokens_are_tested() -> None:
    """There are at least 100 distinct invalid tokens."""
    assert len({*UNSEEN, *FORGED}) >= 100
