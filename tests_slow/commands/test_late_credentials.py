"""A service that starts before its credentials exist serves soon after they come, and says what to do."""

import asyncio
import hashlib
import json
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from local_aws.server import LocalAws
from tests.least_privilege.plugin import Guarded
from tests.support.scripted_key_server import (
    Responder,
    ScriptedKeyServer,
    hanging,
    http,
    key_endpoint,
    ok,
    resetting,
    saying,
)
from tests_slow.commands import provisioned
from tests_slow.commands.running import PATIENCE_S, Ended, Running, becomes, running

TABLE: Final = "profiles-of-late-roles"
READY_WITHIN_S: Final = 15.0
FAILING: Final = saying(http(b"{}", 500))
LATER: Final = timedelta(hours=6)
EXPIRING: Final = timedelta(seconds=6)
ROLE: Final = "arn:aws:iam::123456789012:role/user-profiles"
ROLES: Final = "latest/meta-data/iam/security-credentials/"
SSO_START: Final = "https://sso.example.com/start"
METADATA: Final = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "{url}"}
CONTAINER: Final = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}container"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where credentials come from: *endpoint* serves all of them, *folder* is the service's home."""

    endpoint: ScriptedKeyServer
    folder: Path

    def fail(self, otherwise: Responder) -> None:
        """Answer every request so."""
        self.endpoint.answers.clear()
        self.endpoint.otherwise = otherwise

    def give(self, lasting: timedelta = LATER) -> None:
        """Serve credentials that expire after *lasting*."""
        self.endpoint.otherwise = ok(_credentials(lasting))
        self.endpoint.answers |= {
            "latest/api/token": ok(b"token"),
            ROLES: ok(b"role"),
            f"{ROLES}role": ok(_credentials(lasting)),
            "sts/": saying(http(_assumed_role(), Content_Type="text/xml")),
            "sso/federation/credentials?role_name=role&account_id=123456789012": ok(_sso_role()),
        }

    def write(self, name: str, text: str) -> None:
        """Write a file into the service's home."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _expiration(lasting: timedelta = LATER) -> datetime:
    return datetime.now(UTC) + lasting  # noqa: TID251 -- botocore reads the machine's clock


def _credentials(lasting: timedelta) -> bytes:
    parts = {"AccessKeyId": "test", "SecretAccessKey": "test", "Token": "t", "Code": "Success"}
    return json.dumps({**parts, "Expiration": _expiration(lasting).isoformat()}).encode()


def _assumed_role() -> bytes:
    return f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>test</AccessKeyId>
<SecretAccessKey>test</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>{_expiration().isoformat()}</Expiration></Credentials>
<AssumedRoleUser><Arn>{ROLE}/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>""".encode()


def _sso_role() -> bytes:
    expiration = int(_expiration().timestamp() * 1_000)
    parts = {"accessKeyId": "test", "secretAccessKey": "test", "sessionToken": "t"}
    return json.dumps({"roleCredentials": {**parts, "expiration": expiration}}).encode()


def _sign_in(source: Source, lasting: timedelta) -> None:
    """Write the token of `aws sso login`."""
    name = hashlib.sha1(SSO_START.encode()).hexdigest()  # noqa: S324 -- the SDK's name of the file
    token = {"accessToken": "t", "expiresAt": _expiration(lasting).isoformat()}
    source.write(f".aws/sso/cache/{name}.json", json.dumps(token))


def _sign_out(source: Source) -> None:
    """Write an AWS profile that signs in, with an expired sign-in."""
    source.write(
        ".aws/config",
        f"[default]\nsso_start_url = {SSO_START}\nsso_region = us-east-1\n"
        "sso_account_id = 123456789012\nsso_role_name = role\n",
    )
    _sign_in(source, -LATER)


def _nothing(_: Source) -> None:
    """Change nothing beside the endpoint."""


@dataclass(frozen=True, slots=True)
class Case:
    """A source of credentials: the service's *environ*, how it *lacks* them, and how they *come*."""

    environ: Mapping[str, str]
    otherwise: Responder
    lack: Callable[[Source], None] = _nothing
    come: Callable[[Source], None] = _nothing


CASES: Final[Mapping[str, Case]] = {
    "no metadata service": Case(METADATA, resetting),
    "metadata service that hangs": Case(METADATA, hanging),
    "instance without a role": Case(METADATA, saying(http(b"", 404))),
    "container endpoint that fails": Case(CONTAINER, FAILING),
    "container endpoint that hangs": Case(CONTAINER, hanging),
    "token of the pod that is missing": Case(
        {**CONTAINER, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{folder}/pod"},
        FAILING,
        come=lambda source: source.write("pod", "token"),
    ),
    "web identity token that is missing": Case(
        {
            "AWS_ENDPOINT_URL_STS": "{url}sts/",
            "AWS_ROLE_ARN": ROLE,
            "AWS_WEB_IDENTITY_TOKEN_FILE": "{folder}/identity",
        },
        FAILING,
        come=lambda source: source.write("identity", "token"),
    ),
    "role that trusts the token later": Case(
        {
            "AWS_ENDPOINT_URL_STS": "{url}sts/",
            "AWS_ROLE_ARN": ROLE,
            "AWS_WEB_IDENTITY_TOKEN_FILE": "{folder}/identity",
        },
        saying(
            http(
                b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized to perform "
                b"sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>",
                403,
                Content_Type="text/xml",
            )
        ),
        lack=lambda source: source.write("identity", "token"),
    ),
    "credentials file that is missing": Case(
        {"AWS_EC2_METADATA_DISABLED": "true"},
        FAILING,
        come=lambda source: source.write(
            ".aws/credentials",
            "[default]\naws_access_key_id = test\naws_secret_access_key = test\n",
        ),
    ),
    "credential process that fails": Case(
        {"AWS_EC2_METADATA_DISABLED": "true"},
        FAILING,
        lack=lambda source: source.write(
            ".aws/config", f"[default]\ncredential_process = cat {source.folder}/made\n"
        ),
        come=lambda source: source.write(
            "made", json.dumps({"Version": 1, **json.loads(_credentials(LATER))})
        ),
    ),
    "sign-in that has expired": Case(
        {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_SSO": "{url}sso/"},
        FAILING,
        lack=_sign_out,
        come=lambda source: _sign_in(source, LATER),
    ),
}


@pytest.fixture(name="environ", scope="module")
def _environ(own_local_aws: LocalAws, guarded: Guarded) -> Mapping[str, str]:
    """Return the settings of a service whose table exists, without credentials."""
    url = own_local_aws.endpoint_url
    return {
        **asyncio.run(provisioned.create(url, TABLE)),
        "AWS_COGNITO_ENDPOINT_URL": url,
        "AWS_DYNAMODB_ENDPOINT_URL": guarded(TABLE),
        "AWS_DYNAMODB_USER_PROFILE_TABLE": TABLE,
        "AWS_DYNAMODB_READ_TIMEOUT_S": "20",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
    }


async def _status(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status


@asynccontextmanager
async def _serving(
    source: Source, environ: Mapping[str, str], workers: int = 1
) -> AsyncIterator[tuple[Running, str]]:
    """Start the service; yields its URL when all workers listen."""
    placed = {
        name: value.replace("{url}", source.endpoint.url).replace("{folder}", str(source.folder))
        for name, value in environ.items()
    }
    placed["SERVER_WORKERS"] = str(workers)
    async with running("serve", folder=source.folder, environ=placed, measured=True) as program:
        for _ in range(workers):
            listening = json.loads(await program.until('"listening"'))
        yield program, f"http://127.0.0.1:{listening['port']}"


def _check_log(ended: Ended, *, worker_count: int = 1) -> None:
    """Assert that the log names what is missing, once in each worker, and has no traceback."""
    events = [json.loads(line) for line in ended.output.splitlines()]
    missing = [event for event in events if event["event"] == "credentials_missing"]
    assert len(missing) == worker_count, missing
    assert all(event["advice"] for event in missing)
    assert [event["event"] for event in events].count("credentials_found") == worker_count
    assert "Traceback" not in ended.output + ended.errors


@pytest.mark.parametrize("name", CASES)
async def test_service_is_ready_soon_after_its_credentials_come(
    environ: Mapping[str, str], tmp_path: Path, name: str
) -> None:
    """It listens, is alive and not ready, and looks again until there are credentials."""
    case = CASES[name]
    async with key_endpoint() as endpoint:
        source = Source(endpoint, tmp_path)
        source.fail(case.otherwise)
        case.lack(source)
        async with _serving(source, {**environ, **case.environ}) as (program, url):
            if not any('"credentials_missing"' in line for line in program.lines):
                await program.until('"credentials_missing"')
            assert await _status(f"{url}/health/live") == 200
            assert await _status(f"{url}/health/ready") == 503

            source.give()
            case.come(source)
            await becomes(f"{url}/health/ready", 200, READY_WITHIN_S)
            _check_log(await program.end(signal.SIGTERM))


async def test_each_worker_finds_late_credentials(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    """With several workers, none stays without credentials."""
    async with key_endpoint() as endpoint:
        source = Source(endpoint, tmp_path)
        source.fail(resetting)
        async with _serving(source, {**environ, **METADATA}, workers=2) as (program, url):
            assert await _status(f"{url}/health/ready") == 503

            source.give()
            for _ in range(2):
                await program.until('"credentials_found"')
            for _ in range(20):  # by chance each worker has some of these
                await becomes(f"{url}/health/ready", 200, READY_WITHIN_S)
            _check_log(await program.end(signal.SIGTERM), worker_count=2)


@pytest.mark.parametrize("environment", [CONTAINER, METADATA], ids=["container", "metadata"])
async def test_service_recovers_from_credentials_that_have_expired(
    environ: Mapping[str, str], tmp_path: Path, environment: Mapping[str, str]
) -> None:
    """When the credentials expire while their endpoint fails, it is ready again soon after that."""
    async with key_endpoint() as endpoint:
        source = Source(endpoint, tmp_path)
        source.give(EXPIRING)
        async with _serving(source, {**environ, **environment}) as (program, url):
            await becomes(f"{url}/health/ready", 200, READY_WITHIN_S)
            source.fail(FAILING)
            assert "advice" in json.loads(await program.until('"credentials_not_renewed"'))
            await becomes(f"{url}/health/ready", 503, PATIENCE_S)
            assert await _status(f"{url}/health/live") == 200

            source.give()
            await becomes(f"{url}/health/ready", 200, READY_WITHIN_S)
            ended = await program.end(signal.SIGTERM)
    assert "Traceback" not in ended.output + ended.errors
