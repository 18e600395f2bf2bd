"""In a network with a proxy and a private authority every command reaches AWS and the deployment."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from local_aws.server import LocalAws
from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests.support.alb_token_signer import ARN, CLIENT, SUB, AlbTokenSigner
from tests.support.forward_proxy import ForwardProxy, forward_proxy
from tests.support.private_authority import PrivateAuthority
from tests_slow.commands.running import Ended, Running, becomes, run, running
from tests_slow.commands.tls_aws import ALB_KEYS, TlsAws, tls_aws

DEPLOYMENT: Final = "api.example.com"
HOSTS: Final = (DEPLOYMENT, ALB_KEYS, "*.us-east-1.amazonaws.com", "*.amazonaws.com")
USER: Final = "proxy-user:Pr0xy-pass"
PROFILE: Final = "/v1/user/profile"
READY_WITHIN_S: Final = 15.0
PLAIN: Final = {"HTTPS_PROXY": "http://{user}@127.0.0.1:{port}", "AWS_CA_BUNDLE": "{both}"}
FIPS: Final = {
    "https_proxy": "http://{user}@127.0.0.1:{port}",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_CA_BUNDLE": "{both}",
}
BY_PROFILE: Final = {"HTTPS_PROXY": "{user}@127.0.0.1:{port}", "AWS_PROFILE": "company"}


@dataclass(frozen=True, slots=True)
class Network:
    """A network whose servers have certificates of a private authority, and *proxy* as its way out."""

    aws: TlsAws
    proxy: ForwardProxy
    folder: Path

    def configure(self, text: str) -> None:
        """Write the service's `config.ini`."""
        (self.folder / "config.ini").write_text(text, encoding="utf-8")

    def filled(self, text: str) -> str:
        """Return *text* with the proxy's user and port, and the files of authorities, in it."""
        parts = {"user": USER, "port": str(self.proxy.port), "folder": str(self.folder)}
        parts |= {name: f"{self.folder}/{name}.pem" for name in ("both", "other", "private")}
        for name, value in parts.items():
            text = text.replace(f"{{{name}}}", value)
        return text


@pytest.fixture(name="network")
async def _network(tmp_path: Path, own_local_aws: LocalAws) -> AsyncIterator[Network]:
    authority, other = (PrivateAuthority(tmp_path, name) for name in ("private", "other"))
    both = f"# Roots\n{other.bundle.read_text()}\n{authority.bundle.read_text()}"
    (tmp_path / "both.pem").write_text(both, encoding="utf-8")
    tls = authority.server_context(*HOSTS)
    async with AsyncExitStack() as stack:
        aws = await stack.enter_async_context(tls_aws(tls, {"": own_local_aws.endpoint_url}))
        there = ("127.0.0.1", aws.port)
        proxy = await stack.enter_async_context(forward_proxy(there, user=USER))
        network = Network(aws, proxy, tmp_path)
        (tmp_path / ".aws").mkdir()
        profile = network.filled("[profile company]\nca_bundle = {both}\n")
        (tmp_path / ".aws/config").write_text(profile, encoding="utf-8")
        yield network


def _environ(network: Network, table: str, variables: Mapping[str, str]) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return {
        **keys,
        "AWS_REGION": "us-east-1",
        "AWS_DYNAMODB_USER_PROFILE_TABLE": table,
        "AWS_DYNAMODB_READ_TIMEOUT_S": "20",
        "AWS_COGNITO_READ_TIMEOUT_S": "20",
        "IDENTITY_SOURCES": "alb bearer",
        "IDENTITY_ALB_ARN": ARN,
        "IDENTITY_ALB_CLIENT_ID": CLIENT,
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
        **{name: network.filled(value) for name, value in variables.items()},
    }


async def _set_up(network: Network, name: str, environ: Mapping[str, str]) -> Ended:
    arguments = ("setup", "--user-pool", name, "--write", "config.ini")
    return await run(*arguments, folder=network.folder, environ=environ)


@pytest.fixture(name="configuration", scope="module")
def _configuration(
    placed: Mapping[str, str], name: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Return the configuration that `setup` has written, without a proxy."""
    folder = tmp_path_factory.mktemp("setup")
    environ = {**placed, "AWS_DYNAMODB_USER_PROFILE_TABLE": f"{name}-network"}
    arguments = ("setup", "--user-pool", f"{name}-network", "--write", "config.ini")
    ended = asyncio.run(run(*arguments, folder=folder, environ=environ))
    assert ended.status == 0, ended.errors
    return (folder / "config.ini").read_text(encoding="utf-8")


async def _listening(program: Running, workers: int = 1) -> str:
    """Return the service's URL when all workers listen."""
    for _ in range(workers):
        listening = json.loads(await program.until('"listening"'))
    return f"http://127.0.0.1:{listening['port']}"


async def _health(session: aiohttp.ClientSession, url: str) -> tuple[int, int]:
    """Return the statuses of /health/live and /health/ready."""
    async with (
        session.get(f"{url}/health/live") as live,
        session.get(f"{url}/health/ready") as ready,
    ):
        return live.status, ready.status


async def _signed_up(session: aiohttp.ClientSession, url: str, cognito_url: str) -> str:
    """Return the name of a new user."""
    name = new_user()
    body = {"username": name, "password": PASSWORD, "attributes": {"email": name}}
    async with session.post(f"{url}/api/auth/signup", json=body) as answer:
        assert answer.status == 201
    code = await Mailbox(session, cognito_url).code(name)
    async with session.post(
        f"{url}/api/auth/confirm", json={"username": name, "code": code}
    ) as answer:
        assert answer.status == 200
    return name


async def _status_of_alb(session: aiohttp.ClientSession, url: str, network: Network) -> int:
    """Return the status for a token that a load balancer has signed."""
    signer = AlbTokenSigner()
    network.aws.pems[signer.kid] = signer.pem
    async with session.get(f"{url}/api/auth/config") as answer:
        assert answer.status == 200
    pool_id = next(
        line.rpartition("=")[2].strip()
        for line in (network.folder / "config.ini").read_text(encoding="utf-8").splitlines()
        if line.startswith("user-pool-id")
    )
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool_id}"
    changes = {"iss": issuer, "exp": int(time.time()) + 120}  # noqa: TID251 -- the service reads the machine's clock
    headers = {"x-amzn-oidc-data": signer.mint(changes, changes), "x-amzn-oidc-identity": SUB}
    async with session.get(f"{url}{PROFILE}", headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize(
    "variables", [PLAIN, FIPS, BY_PROFILE], ids=["plain", "fips", "by profile"]
)
async def test_every_command_works_through_the_proxy(
    network: Network, own_local_aws: LocalAws, name: str, variables: Mapping[str, str]
) -> None:
    """`setup`, `doctor`, `serve` and `smoke` succeed, and every connection leaves by the proxy."""
    environ = _environ(network, f"{name}-network", variables)
    set_up = await _set_up(network, f"{name}-network", environ)
    doctor = await run("doctor", "--json", folder=network.folder, environ=environ)
    async with (
        running("serve", folder=network.folder, environ=environ) as program,
        aiohttp.ClientSession() as session,
    ):
        url = await _listening(program)
        network.aws.urls[DEPLOYMENT] = url
        await becomes(f"{url}/health/ready", 200, READY_WITHIN_S)
        username = await _signed_up(session, url, own_local_aws.endpoint_url)
        alb_status = await _status_of_alb(session, url, network)
        # `smoke` has no AWS profile to read; it tries the redirect from HTTP, too.
        proxy = network.filled(PLAIN["HTTPS_PROXY"])
        given = {"SMOKE_USERNAME": username, "SMOKE_PASSWORD": PASSWORD, "HTTP_PROXY": proxy}
        smoke = await run(
            "smoke",
            f"https://{DEPLOYMENT}",
            "--json",
            folder=network.folder,
            environ={**environ, "AWS_CA_BUNDLE": network.filled("{both}"), **given},
        )
        ended = await program.end(signal.SIGTERM)

    assert set_up.status == 0, set_up.errors
    assert (doctor.status, json.loads(doctor.output)["ok"]) == (0, True), doctor.output
    assert (smoke.status, json.loads(smoke.output)["ok"]) == (0, True), smoke.output
    assert alb_status == 404  # a caller who is known, and has no profile
    assert set(network.proxy.hosts) >= {*network.aws.hosts}
    kind = "-fips" if variables is FIPS else ""
    aws = {f"{each}{kind}.us-east-1.amazonaws.com" for each in ("cognito-idp", "dynamodb")}
    called = {ALB_KEYS, DEPLOYMENT, *aws}
    assert called <= {*network.aws.hosts}
    events = [json.loads(line) for line in ended.output.splitlines()]
    assert [event for event in events if event["level"] in ("warning", "error")] == []
    assert ended.errors == ""


@pytest.mark.parametrize(
    ("refusal", "workers"),
    [
        (b"", 2),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", 1),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", 1),
    ],
    ids=["closes", "407", "502"],
)
async def test_service_is_ready_soon_after_the_proxy_is(
    network: Network, name: str, configuration: str, refusal: bytes, workers: int
) -> None:
    """While the proxy fails, the service is alive and not ready, and the log names HTTPS_PROXY."""
    environ = _environ(network, f"{name}-network", PLAIN) | {"SERVER_WORKERS": str(workers)}
    network.configure(configuration)
    network.proxy.refusal = refusal
    async with (
        running("serve", folder=network.folder, environ=environ) as program,
        aiohttp.ClientSession() as session,
    ):
        url = await _listening(program, workers)
        statuses = await _health(session, url)
        network.proxy.refusal = None
        for _ in range(10 * workers - 9):  # by chance each worker has some of these
            await becomes(f"{url}/health/ready", 200, READY_WITHIN_S)
        ended = await program.end(signal.SIGTERM)

    assert statuses == (200, 503)
    assert "HTTPS_PROXY" in ended.output
    assert "Pr0xy-pass" not in ended.output
    assert "Traceback" not in ended.output + ended.errors


async def test_untrusted_certificate_is_named_in_the_log(
    network: Network, name: str, configuration: str
) -> None:
    """With the bundle of another authority it is alive and not ready; the log names AWS_CA_BUNDLE."""
    environ = _environ(network, f"{name}-network", PLAIN)
    network.configure(configuration)
    wrong = environ | {"AWS_CA_BUNDLE": network.filled("{other}")}
    async with (
        running("serve", folder=network.folder, environ=wrong) as program,
        aiohttp.ClientSession() as session,
    ):
        url = await _listening(program)
        statuses = await _health(session, url)
        ended = await program.end(signal.SIGTERM)

    assert statuses == (200, 503)
    events = [json.loads(line) for line in ended.output.splitlines()]
    unavailable = [event for event in events if event["event"] == "keys_unavailable"]
    assert {event["setting"] for event in unavailable} == {"AWS_CA_BUNDLE"}
    assert "Traceback" not in ended.output + ended.errors


async def test_proxy_that_cannot_be_used_ends_the_start(
    network: Network, name: str, configuration: str
) -> None:
    """A SOCKS proxy is refused with one sentence, which does not have its password."""
    environ = _environ(network, f"{name}-network", PLAIN)
    network.configure(configuration)
    wrong = environ | {"HTTPS_PROXY": f"socks5://{USER}@127.0.0.1:1080"}

    ended = await run("serve", folder=network.folder, environ=wrong)

    assert ended.status == 2
    assert "HTTPS_PROXY or HTTP_PROXY is not the URL of an HTTP proxy" in ended.errors
    assert "Pr0xy-pass" not in ended.output + ended.errors
    assert "Traceback" not in ended.output + ended.errors
