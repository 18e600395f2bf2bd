"""Slow, failing and malicious key servers: a request gets 401 or 503, and known keys are unaffected."""

import asyncio
import gzip
import socket
from collections.abc import Callable, Mapping
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from service.authentication.access_token import AccessTokenAuthenticator
from service.authentication.alb_token import AlbAuthenticator
from service.authentication.jwks import REFETCH_INTERVAL_S
from service.authentication.key_client import KeyClient
from service.aws.key_connections import KeyResponse
from service.domain.errors import NotAuthenticated, UpstreamUnavailable
from service.domain.identity import Authenticator, Identity, RequestCredentials
from tests.authentication.trusting import assert_no_leak, json_key_set
from tests.support.access_token_signer import AccessTokenSigner, bearing, jwk
from tests.support.alb_token_signer import SUB, AlbTokenSigner, credentials
from tests.support.clock import Clock
from tests.support.scripted_aws import url_of
from tests.support.scripted_key_server import (
    NOT_FOUND,
    Responder,
    ScriptedKeyServer,
    hanging,
    http,
    ok,
    resetting,
    saying,
    trickling,
)

DEADLINE_S: Final = 3.0
MAX_BYTES: Final = KeyResponse.max_bytes
STRANGER: Final = AlbTokenSigner()
UNKNOWN: Final = AccessTokenSigner()


def pem(key: PublicKeyTypes) -> bytes:
    """Return a key as the key server would."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def bomb() -> bytes:
    """Return 50 MB in 50 KB."""
    return http(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")


LIES: Final[Mapping[str, Responder]] = {
    "says 400": saying(http(b"", 400)),
    "says 429": saying(http(b"", 429)),
    "says 500": saying(http(STRANGER.pem, 500)),
    "says 503": saying(http(b"", 503)),
    "says 204": saying(http(b"", 204)),
    "says 206": saying(http(STRANGER.pem, 206)),
    "says 304": saying(http(b"", 304)),
    "redirects": saying(http(b"", 302, Location="/elsewhere")),
    "redirects to itself": saying(http(b"", 307, Location="")),
    "says nothing": ok(b""),
    "says HTML": ok(b"<!doctype html><title>Sign in</title>"),
    "says bytes": ok(bytes(range(256))),
    "says NUL": ok(b"\0" * 1_000),
    "says 10 MB": ok(b"A" * 10_000_000),
    "says 10 MB in chunks": saying(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"10000\r\n" + b"A" * 65_536 + b"\r\n") * 160
    ),
    "says one byte too many": ok(b"A" * (MAX_BYTES + 1)),
    "sends a bomb": saying(bomb()),
    "sends broken gzip": saying(http(b"not gzip", Content_Encoding="gzip")),
    "sends an unknown encoding": saying(http(b"\x0b\x02\x80", Content_Encoding="br")),
    "cuts its answer off": saying(http(b"A" * 100, Content_Length="1000")),
    "cuts its head off": saying(b"HTTP/1.1 200 OK\r\nContent-"),
    "cuts a chunk off": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nabc"),
    "says a chunk that is none": saying(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc"
    ),
    "says two lengths": saying(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc"
    ),
    "says no HTTP": saying(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "has a head of 1 MB": saying(http(b"", 200, X=("A" * 1_000_000))),
    "hangs up": saying(b""),
    "resets": resetting,
}
NO_KEYS: Final[Mapping[str, Responder]] = {
    "another curve": ok(pem(ec.generate_private_key(ec.SECP384R1()).public_key())),
    "the curve of Bitcoin": ok(pem(ec.generate_private_key(ec.SECP256K1()).public_key())),
    "RSA": ok(pem(rsa.generate_private_key(65_537, 2_048).public_key())),
    "RSA, weak": ok(pem(rsa.generate_private_key(65_537, 1_024).public_key())),  # noqa: S505 -- refused
    "Ed25519": ok(pem(ed25519.Ed25519PrivateKey.generate().public_key())),
    "a private key": ok(
        STRANGER.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    ),
    "half a PEM": ok(STRANGER.pem[:90]),
    "a PEM without its end": ok(STRANGER.pem.partition(b"-----END")[0]),
    "a PEM of nothing": ok(b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"),
    "a PEM of zeros": ok(
        b"-----BEGIN PUBLIC KEY-----\n" + b"A" * 120 + b"\n-----END PUBLIC KEY-----\n"
    ),
    "a certificate": ok(STRANGER.pem.replace(b"PUBLIC KEY", b"CERTIFICATE")),
    "DER": ok(
        STRANGER.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ),
    "a key set": ok(json_key_set(UNKNOWN.jwk)),
}
NO_KEY_SETS: Final[Mapping[str, Responder]] = {
    "404": NOT_FOUND,
    "a PEM": ok(STRANGER.pem),
    "no keys": ok(json_key_set()),
    "1,000 keys": ok(json_key_set(*({"kty": "RSA", "kid": str(n)} for n in range(1_000)))),
    "21 keys": ok(json_key_set(*({**UNKNOWN.jwk, "kid": str(n)} for n in range(21)))),
    "one id twice": ok(
        json_key_set(UNKNOWN.jwk, jwk(AccessTokenSigner().key.public_key(), UNKNOWN.kid))
    ),
    "one key twice": ok(json_key_set(UNKNOWN.jwk, UNKNOWN.jwk)),
    "a secret": ok(json_key_set({"kty": "oct", "kid": UNKNOWN.kid, "k": "AAAA"})),
    "a key for encryption": ok(json_key_set({**UNKNOWN.jwk, "use": "enc"})),
    "a key without n": ok(json_key_set({k: v for k, v in UNKNOWN.jwk.items() if k != "n"})),
    "a key of 512 bits": ok(json_key_set({**UNKNOWN.jwk, "n": "7" * 86})),
    "null": ok(b"null"),
    "a list": ok(b"[]"),
    "a text": ok(b'"keys"'),
    "keys null": ok(b'{"keys":null}'),
    "keys an object": ok(b'{"keys":{"kid":{}}}'),
    "keys a text": ok(b'{"keys":"kty"}'),
    "keys of texts": ok(b'{"keys":["kty"]}'),
    "half of it": ok(json_key_set(UNKNOWN.jwk)[:-2]),
    "bytes that are no UTF-8": ok(b'{"keys":"\xff"}'),
    "5,000 digits": ok(b'{"keys":' + b"9" * 5_000 + b"}"),
    "lists 30,000 deep": ok(b"[" * 30_000 + b"]" * 30_000),
}


@pytest.mark.parametrize("name", [*LIES, *NO_KEYS])
async def test_invalid_load_balancer_key_is_unavailable(
    alb: AlbAuthenticator, balancer: AlbTokenSigner, endpoint: ScriptedKeyServer, name: str
) -> None:
    """A response that is not a key is unavailable; tokens with known keys are accepted meanwhile."""
    endpoint.otherwise = {**LIES, **NO_KEYS}[name]
    shown = credentials(STRANGER.mint())
    assert await alb.identify(credentials(balancer.mint())) == Identity(SUB, "alb")
    async with asyncio.timeout(DEADLINE_S):
        asking = asyncio.create_task(alb.identify(shown))
        await endpoint.was_asked(2)
        new = credentials(balancer.mint({}, {"email": "new@example.com"}))
        assert await alb.identify(new) == Identity(SUB, "alb")
        with pytest.raises(UpstreamUnavailable) as caught:
            await asking

    assert caught.value.retry_after_s == 2
    assert_no_leak(caught.value, shown, STRANGER.kid)


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_missing_key_is_rejected(
    alb: AlbAuthenticator, endpoint: ScriptedKeyServer, status: int
) -> None:
    """Only the statuses of a missing key reject the token; S3 returns 403."""
    endpoint.otherwise = saying(http(b"", status))

    with pytest.raises(NotAuthenticated):
        await alb.identify(credentials(STRANGER.mint()))


@pytest.mark.parametrize("name", [*LIES, *NO_KEY_SETS])
async def test_invalid_key_set_is_unavailable(
    bearer: AccessTokenAuthenticator,
    pool: AccessTokenSigner,
    endpoint: ScriptedKeyServer,
    clock: Clock,
    name: str,
) -> None:
    """A response that is not a key set is unavailable, and known keys stay in use."""
    assert await bearer.identify(bearing(pool.mint())) == Identity(SUB, "bearer")
    endpoint.answers["jwks.json"] = {**LIES, **NO_KEY_SETS}[name]
    clock.now += REFETCH_INTERVAL_S
    shown = bearing(UNKNOWN.mint())
    async with asyncio.timeout(DEADLINE_S):
        asking = asyncio.create_task(bearer.identify(shown))
        await endpoint.was_asked(2)
        assert await bearer.identify(bearing(pool.mint({"n": 1}))) == Identity(SUB, "bearer")
        with pytest.raises(UpstreamUnavailable) as caught:
            await asking

    assert caught.value.retry_after_s == 2
    assert_no_leak(caught.value, shown, UNKNOWN.kid)
    assert await bearer.identify(bearing(pool.mint({"n": 2}))) == Identity(SUB, "bearer")


async def test_endless_response_is_unavailable(  # noqa: PLR0913, PLR0917 -- fixtures
    alb: AlbAuthenticator,
    bearer: AccessTokenAuthenticator,
    balancer: AlbTokenSigner,
    pool: AccessTokenSigner,
    endpoint: ScriptedKeyServer,
    clock: Clock,
) -> None:
    """A hanging or trickling server times out; tokens with known keys do not wait for it."""
    known: tuple[tuple[Authenticator, Callable[[int], RequestCredentials]], ...] = (
        (alb, lambda n: credentials(balancer.mint({}, {"n": n}))),
        (bearer, lambda n: bearing(pool.mint({"n": n}))),
    )
    for source, shown in known:
        assert await source.identify(shown(0)) is not None
    slow = AlbTokenSigner()
    endpoint.answers[STRANGER.kid] = hanging
    endpoint.answers[slow.kid] = trickling(slow.pem)
    endpoint.answers["jwks.json"] = trickling(json_key_set(pool.jwk, UNKNOWN.jwk))
    clock.now += REFETCH_INTERVAL_S
    async with asyncio.timeout(DEADLINE_S):
        asking = [
            asyncio.create_task(alb.identify(credentials(STRANGER.mint()))),
            asyncio.create_task(alb.identify(credentials(slow.mint()))),
            asyncio.create_task(bearer.identify(bearing(UNKNOWN.mint()))),
        ]
        await endpoint.was_asked(5)
        for source, shown in known:
            assert await source.identify(shown(1)) is not None
        assert not any(task.done() for task in asking)
        ends = await asyncio.gather(*asking, return_exceptions=True)

    assert [type(end) for end in ends] == [UpstreamUnavailable] * 3


async def test_redirect_is_not_followed(alb: AlbAuthenticator, endpoint: ScriptedKeyServer) -> None:
    """A key is believed from its one address only, even if a redirect leads to a good one."""
    endpoint.otherwise = saying(http(b"", 302, Location="/elsewhere"))
    endpoint.answers["elsewhere"] = ok(STRANGER.pem)

    with pytest.raises(UpstreamUnavailable):
        await alb.identify(credentials(STRANGER.mint()))

    assert endpoint.asked == [STRANGER.kid]


async def test_unreachable_server_is_unavailable(server: KeyClient) -> None:
    """A refused connection and an unknown host are unavailable."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = url_of(closed)
    for url in (refusing, "http://does-not-exist.invalid/", "http://[::1:/"):
        with pytest.raises(UpstreamUnavailable):
            await server.fetch(url)


async def test_answer_in_pieces_is_read_to_its_end(
    server: KeyClient, endpoint: ScriptedKeyServer
) -> None:
    """However the network cuts an answer up, it is one; the largest may be as large as allowed."""
    body = b"A" * MAX_BYTES
    size = MAX_BYTES // 8
    chunk = f"{size:x}\r\n".encode() + b"A" * size + b"\r\n"

    async def in_pieces(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _piece in range(8):
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")

    endpoint.otherwise = in_pieces

    assert await server.fetch(endpoint.url) == body


async def test_answer_that_is_too_long_is_none(
    server: KeyClient, endpoint: ScriptedKeyServer
) -> None:
    """One byte more than allowed is too much, whatever the bytes are."""
    endpoint.otherwise = ok(b"A" * (MAX_BYTES + 1))

    with pytest.raises(UpstreamUnavailable):
        await server.fetch(endpoint.url)
