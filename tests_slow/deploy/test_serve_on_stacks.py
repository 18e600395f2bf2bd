"""The service serves with the environment of its task definition, on the stacks' table and pool."""

import base64
import json
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from local_aws.load_balancer import local_load_balancer
from local_aws.load_balancer_sign_ins import UserPool
from tests.least_privilege.plugin import Guarded
from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests_slow.commands.running import Running, becomes, run, running
from tests_slow.deploy.stacks import HOST, REGION, Cloud, Parameters, Stack

PROFILE: Final = "/v1/user/profile"
CITY: Final = {"city": "Mumbai", "country": "India"}
BROWSERS: Final[Parameters] = {"BrowserDomainPrefix": "profiles", "DomainName": HOST}


class Deployment:
    """The service as its task definition describes it, and a user who has an account there."""

    def __init__(
        self, program: Running, url: str, session: aiohttp.ClientSession, mailbox: Mailbox
    ) -> None:
        self.program = program
        self.url = url
        self._session = session
        self._mailbox = mailbox

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        url: str | None = None,
    ) -> tuple[int, Any]:
        """Call the service; returns the status, and the JSON of the answer."""
        async with self._session.request(
            method, (url or self.url) + path, json=body, headers=headers
        ) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def user(self) -> tuple[str, Mapping[str, str]]:
        """Sign somebody up and in; returns the user name, and the tokens."""
        username = new_user()
        account = {"username": username, "password": PASSWORD}
        status, _ = await self.call(
            "POST", "/api/auth/signup", {**account, "attributes": {"email": username}}
        )
        assert status == 201
        code = {"username": username, "code": await self._mailbox.code(username)}
        status, _ = await self.call("POST", "/api/auth/confirm", code)
        assert status == 200
        status, tokens = await self.call("POST", "/api/auth/login", account)
        assert status == 200
        return username, tokens


def signed_in(username: str) -> Mapping[str, str]:
    """Return what the local load balancer takes for a browser's session."""
    credentials = base64.b64encode(f"{username}:{PASSWORD}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


def environment(
    cloud: Cloud, stack: Stack, role_url: str, more: Mapping[str, str]
) -> dict[str, str]:
    """
    Return the environment of the task definition, with what a task gets beside it.

    That is the secret, credentials, an address to listen on, and where AWS is on this machine.
    """
    secrets = {secret["name"] for secret in cloud.task(stack)["secrets"]}
    assert secrets == {"LOG_HASH_KEY"}
    return {
        **cloud.environment(stack),
        "LOG_HASH_KEY": "k" * 48,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_COGNITO_ENDPOINT_URL": cloud.url,
        "AWS_DYNAMODB_ENDPOINT_URL": role_url,
        "AWS_DYNAMODB_READ_TIMEOUT_S": "20",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
        "SERVER_DRAIN_S": "0",
        **more,
    }


@asynccontextmanager
async def deployed(
    cloud: Cloud, environ: Mapping[str, str], folder: Path
) -> AsyncIterator[Deployment]:
    """Run `serve` in that environment until the block ends."""
    async with (
        running("serve", folder=folder, environ=environ) as program,
        aiohttp.ClientSession() as session,
    ):
        listening = json.loads(await program.until('"listening"'))
        url = f"http://{listening['host']}:{listening['port']}"
        await becomes(f"{url}/health/ready", 200)
        yield Deployment(program, url, session, Mailbox(session, cloud.url))


async def test_api_client_writes_and_reads_a_profile(
    cloud: Cloud, guarded: Guarded, tmp_path: Path
) -> None:
    """Without browsers, a bearer token is the identity, and a plain header is not."""
    data = cloud.data()
    stack = cloud.service(data)
    environ = environment(cloud, stack, guarded(data.outputs["TableName"]), {})

    async with deployed(cloud, environ, tmp_path) as deployment:
        ready, _ = await deployment.call("GET", "/health/ready")
        _, tokens = await deployment.user()
        bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
        created, _ = await deployment.call("POST", PROFILE, CITY, headers=bearer)
        read, profile = await deployment.call("GET", PROFILE, headers=bearer)
        plain, _ = await deployment.call(
            "GET", PROFILE, headers={"x-amzn-oidc-identity": tokens["userId"]}
        )
        id_token, _ = await deployment.call(
            "GET", PROFILE, headers={"Authorization": f"Bearer {tokens['idToken']}"}
        )
        ended = await deployment.program.end(signal.SIGTERM)

    assert (ready, created, read) == (200, 201, 200)
    assert profile["userId"] == tokens["userId"]
    assert profile | CITY == profile
    assert (plain, id_token) == (401, 401)
    assert (ended.status, ended.errors) == (0, "")
    assert tokens["userId"] not in ended.output  # hashed


async def test_browser_and_api_client_share_a_profile(
    cloud: Cloud, guarded: Guarded, tmp_path: Path
) -> None:
    """With browsers, the load balancer of the stack signs for its client, and tokens are taken too."""
    data = cloud.data(BROWSERS)
    stack = cloud.service(data)
    pool = UserPool(
        endpoint_url=cloud.url,
        region=REGION,
        user_pool_id=data.outputs["UserPoolId"],
        client_id=data.outputs["ClientId"],
    )
    async with local_load_balancer(
        pool=pool,
        arn=stack.outputs["LoadBalancerArn"],
        client_id=data.outputs["BrowserClientId"],
    ) as balancer:
        keys = {"IDENTITY_ALB_KEY_URL": balancer.key_url}
        environ = environment(cloud, stack, guarded(data.outputs["TableName"]), keys)
        async with deployed(cloud, environ, tmp_path) as deployment:
            balancer.target = deployment.url
            username, tokens = await deployment.user()
            session = signed_in(username)
            bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
            created, _ = await deployment.call(
                "POST", PROFILE, CITY, url=balancer.url, headers=session
            )
            by_session, seen = await deployment.call(
                "GET", PROFILE, url=balancer.url, headers=session
            )
            by_token, _ = await deployment.call("GET", PROFILE, headers=bearer, url=balancer.url)
            account, own = await deployment.call(
                "GET", "/api/auth/me", url=balancer.url, headers=session
            )
            nobody, _ = await deployment.call("GET", PROFILE, url=balancer.url)
            plain, _ = await deployment.call(
                "GET", PROFILE, headers={"x-amzn-oidc-identity": tokens["userId"]}
            )

    assert (created, by_session, by_token, account) == (201, 200, 200, 200)
    assert seen["userId"] == own["userId"] == tokens["userId"]
    assert (nobody, plain) == (401, 401)


async def test_doctor_and_smoke_pass_on_the_stacks(
    cloud: Cloud, guarded: Guarded, tmp_path: Path
) -> None:
    """The set-up that the templates make is right, and so is what is served through the load balancer."""
    data = cloud.data(BROWSERS)
    stack = cloud.service(data)
    pool = UserPool(
        endpoint_url=cloud.url,
        region=REGION,
        user_pool_id=data.outputs["UserPoolId"],
        client_id=data.outputs["ClientId"],
    )
    async with local_load_balancer(
        pool=pool,
        arn=stack.outputs["LoadBalancerArn"],
        client_id=data.outputs["BrowserClientId"],
    ) as balancer:
        keys = {"IDENTITY_ALB_KEY_URL": balancer.key_url}
        environ = environment(cloud, stack, guarded(data.outputs["TableName"]), keys)
        persons = {
            **environ,
            "AWS_DYNAMODB_ENDPOINT_URL": cloud.url,
            "AWS_ENDPOINT_URL_STS": cloud.url,
        }
        doctor = await run("doctor", "--json", folder=tmp_path, environ=persons)
        async with deployed(cloud, environ, tmp_path) as deployment:
            balancer.target = deployment.url
            serving, _ = await deployment.call("GET", "/health/serving")
            smoke = await run(
                "smoke", balancer.url, "--create-user", "--json", folder=tmp_path, environ=persons
            )

    examined, smoked = json.loads(doctor.output), json.loads(smoke.output)
    wrong = {check["name"] for check in examined["checks"] if check["status"] == "wrong"}
    assert wrong == {"table TTL"}  # moto ignores TimeToLiveSpecification
    assert {check["status"] for check in smoked["checks"]} == {"ok"}
    assert (serving, smoked["ok"], smoke.status) == (200, True, 0)


@pytest.mark.parametrize("named", ["LoadBalancerArn", "BrowserClientId"])
async def test_other_load_balancers_are_not_believed(
    named: str, cloud: Cloud, guarded: Guarded, tmp_path: Path
) -> None:
    """A signature counts only if it names the load balancer of the stack, and its client."""
    data = cloud.data(BROWSERS)
    stack = cloud.service(data)
    right = {
        "LoadBalancerArn": stack.outputs["LoadBalancerArn"],
        "BrowserClientId": data.outputs["BrowserClientId"],
    }
    other = right | {named: right[named][:-1] + ("0" if right[named][-1] != "0" else "1")}
    pool = UserPool(
        endpoint_url=cloud.url,
        region=REGION,
        user_pool_id=data.outputs["UserPoolId"],
        client_id=data.outputs["ClientId"],
    )
    async with local_load_balancer(
        pool=pool, arn=other["LoadBalancerArn"], client_id=other["BrowserClientId"]
    ) as balancer:
        keys = {"IDENTITY_ALB_KEY_URL": balancer.key_url}
        environ = environment(cloud, stack, guarded(data.outputs["TableName"]), keys)
        async with deployed(cloud, environ, tmp_path) as deployment:
            balancer.target = deployment.url
            username, _ = await deployment.user()
            session = signed_in(username)
            status, _ = await deployment.call("GET", PROFILE, url=balancer.url, headers=session)

    assert status == 401
