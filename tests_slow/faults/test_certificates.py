"""Upstreams with a wrong certificate or an unknown host name: no request is sent to them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.aws.http_session import GuardedSession
from service.circuit_breaker import Breaker
from service.domain.errors import UpstreamUnavailable
from tests.support.configs import configured
from tests.support.scripted_aws import answer
from tests_slow.faults.requesting import CALLS, KEY, ask

HERE = x509.IPAddress(ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("other.example.com")
PROXY = "http://127.0.0.1:1"

# Makes a certificate for a name, with its key in the same file.
Signed = Callable[[x509.GeneralName], Path]


def _authority(directory: Path, name: str) -> tuple[Path, Signed]:
    """Return the certificate of a new authority, and a function that issues certificates."""
    key, own = ec.generate_private_key(ec.SECP256R1()), _name(name)

    def made(of: x509.Name, its: ec.EllipticCurvePrivateKey, what: x509.ExtensionType) -> bytes:
        now = datetime.now(UTC)  # noqa: TID251 -- OpenSSL reads the machine's clock
        builder = x509.CertificateBuilder(own, of, its.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1))
        builder = builder.not_valid_after(now + timedelta(days=1)).add_extension(
            what, critical=True
        )
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def signed(who: x509.GeneralName) -> Path:
        its = ec.generate_private_key(ec.SECP256R1())
        file = directory / f"{name}-{who.value}.pem"
        private = its.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(made(_name("server"), its, x509.SubjectAlternativeName([who])) + private)
        return file

    bundle = directory / f"{name}.pem"
    bundle.write_bytes(made(own, key, x509.BasicConstraints(ca=True, path_length=None)))
    return bundle, signed


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@pytest.fixture(name="certificates")
def _certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Make certificates of a trusted and of an untrusted authority."""
    bundle, known = _authority(tmp_path, "known")
    _, unknown = _authority(tmp_path, "unknown")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    return {
        "right": known(HERE),
        "of another name": known(ELSEWHERE),
        "of nobody known": unknown(HERE),
    }


@asynccontextmanager
async def _upstream(certificate: Path | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve over TLS or in plain text; yields the address and the requests that were received."""
    reply: list[bytes] = []
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply.append(await reader.read(65_536))
        writer.write(answer({"UserPools": [], "Item": KEY}))
        writer.close()

    # asyncio logs failed handshakes, which are expected here.
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", reply


TIMES = {"connect-timeout-s": "2", "read-timeout-s": "2"}


@CALLS
async def test_right_certificate_is_accepted(
    certificates: dict[str, Path], upstream: str, transport: str
) -> None:
    """The request is sent to an upstream whose certificate has the requested name."""
    async with _upstream(certificates["right"]) as (url, reply):
        await ask(url, upstream, transport, **TIMES)

    assert b"X-Amz-Target" in b"".join(reply)


@CALLS
@pytest.mark.parametrize("certificate", ["of another name", "of nobody known", "none"])
async def test_wrong_certificate_receives_no_request(
    certificates: dict[str, Path], certificate: str, upstream: str, transport: str
) -> None:
    """No request, and so no password, is sent to an upstream with any other certificate."""
    async with _upstream(certificates.get(certificate)) as (url, reply):
        with pytest.raises(UpstreamUnavailable):
            await ask(url, upstream, transport, **TIMES)

    assert b"X-Amz-Target" not in b"".join(reply)


@CALLS
async def test_unknown_host_name_is_unavailable(upstream: str, transport: str) -> None:
    """An upstream whose name cannot be resolved is UpstreamUnavailable."""
    with pytest.raises(UpstreamUnavailable):
        await ask("http://nowhere.invalid", upstream, transport, **TIMES)


async def test_certificates_are_checked_behind_a_proxy_too() -> None:
    """A proxy in the environment does not turn off the check of certificates."""
    breaker = Breaker("cognito", configured().upstreams)
    opened = GuardedSession(breaker=breaker, timeout=(1, 1), proxies={"https": PROXY})
    connector = opened._create_connector(PROXY)  # type: ignore[attr-defined]  # noqa: SLF001 -- the stubs lack it; no server is asked
    context = connector._ssl  # noqa: SLF001 -- likewise
    await connector.close()

    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
