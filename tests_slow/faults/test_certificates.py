"""Upstreams with a wrong certificate or an unknown host name: no request is sent to them."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError
from cryptography import x509

from service.aws.http_session import GuardedSession
from service.aws.session import open_session
from service.circuit_breaker import Breaker
from service.domain.errors import UpstreamUnavailable
from tests.support.configs import configured
from tests.support.private_authority import PrivateAuthority, server_context
from tests.support.scripted_aws import answer
from tests_slow.faults.requesting import CALLS, KEY, ask

HERE = x509.IPAddress(ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("other.example.com")
PROXY = "http://127.0.0.1:1"


@pytest.fixture(name="certificates")
def _certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Make certificates of a trusted and of an untrusted authority."""
    known, unknown = (PrivateAuthority(tmp_path, name) for name in ("known", "unknown"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(known.bundle))
    return {
        "right": known.certificate(HERE),
        "of another name": known.certificate(ELSEWHERE),
        "of nobody known": unknown.certificate(HERE),
    }


@asynccontextmanager
async def _upstream(certificate: Path | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve over TLS or in plain text; yields the address and the requests that were received."""
    reply: list[bytes] = []
    context = None if certificate is None else server_context(certificate)

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


@pytest.mark.parametrize("certificate", ["right", "of another name", "of nobody known"])
async def test_identity_token_is_sent_to_the_right_certificate_alone(
    certificates: dict[str, Path],
    certificate: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The calls that fetch credentials verify the name of the server, too."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    (token := tmp_path / "token").write_text("identity-token", encoding="utf-8")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/user-profiles")
    async with _upstream(certificates[certificate]) as (url, reply):
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        async with open_session("us-east-1") as session:
            found: Any = await session.get_credentials()  # type: ignore[misc]  # a coroutine in aioboto3
            with pytest.raises(BotoCoreError):  # the answer is not one of AWS STS
                await found.get_frozen_credentials()

    assert (b"identity-token" in b"".join(reply)) is (certificate == "right")


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
