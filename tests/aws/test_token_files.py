"""Tokens for credentials are read from files that end with a line feed."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiobotocore.session import AioSession
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.aws.credential_chain import credential_resolver
from service.deployment_checks.doctor import aws_clients
from tests.support.configs import configured

ROLE = "arn:aws:iam::123456789012:role/service"
CREDENTIALS = {
    "AccessKeyId": "key",
    "SecretAccessKey": "s",
    "Token": "t",
    "Expiration": "2999-01-01T00:00:00Z",
}
ASSUMED = f"""\
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>key</AccessKeyId>
<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>{CREDENTIALS["Expiration"]}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"""


class Issuer:
    """A server of credentials, as EKS and STS have them, that records the tokens."""

    def __init__(self) -> None:
        self.tokens: list[str | None] = []

    async def container(self, request: web.Request) -> web.Response:
        """Respond as the EKS Pod Identity Agent."""
        self.tokens.append(request.headers.get("Authorization"))
        return web.json_response(CREDENTIALS)

    async def sts(self, request: web.Request) -> web.Response:
        """Respond as STS."""
        self.tokens.append(str((await request.post())["WebIdentityToken"]))
        return web.Response(text=ASSUMED, content_type="text/xml")


@pytest.fixture(name="issuer")
async def _issuer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[tuple[Issuer, str, Path]]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    issuer, app = Issuer(), web.Application()
    app.add_routes([web.get("/", issuer.container), web.post("/", issuer.sts)])
    server = TestServer(app)
    await server.start_server()
    yield issuer, str(server.make_url("/")), tmp_path / "token"
    await server.close()


async def _access_key() -> str:
    found = await credential_resolver(AioSession(), "us-east-1").load_credentials()
    key: str = (await found.get_frozen_credentials()).access_key
    return key


@pytest.mark.parametrize("written", ["a.b.c", "a.b.c\n", " a.b.c\r\n"], ids=ascii)
async def test_container_token_is_sent_without_its_line_feed(
    issuer: tuple[Issuer, str, Path], monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """The token of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE has no white space around it."""
    server, url, file = issuer
    file.write_bytes(written.encode())
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))

    assert await _access_key() == "key"
    assert server.tokens == ["a.b.c"]


async def test_container_without_a_token_gets_credentials(
    issuer: tuple[Issuer, str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials of ECS need no token."""
    server, url, _ = issuer
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)

    assert await _access_key() == "key"
    assert server.tokens == [None]


async def test_container_token_of_two_lines_is_refused(
    issuer: tuple[Issuer, str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line feed inside a token cannot be sent."""
    _, url, file = issuer
    file.write_text("a\nb\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))

    with pytest.raises(ValueError, match="not a legal header value"):
        await _access_key()


async def test_web_identity_token_is_sent_without_its_line_feed(
    issuer: tuple[Issuer, str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token of AWS_WEB_IDENTITY_TOKEN_FILE has no white space around it."""
    server, url, file = issuer
    file.write_text("a.b.c\n", encoding="utf-8")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))

    assert await _access_key() == "key"
    assert server.tokens == ["a.b.c"]


async def test_doctor_reads_the_same_token(
    issuer: tuple[Issuer, str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clients of `doctor` take the same credentials."""
    server, url, file = issuer
    file.write_text("a.b.c\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))

    async with aws_clients(configured()):
        pass

    assert server.tokens == ["a.b.c"]
