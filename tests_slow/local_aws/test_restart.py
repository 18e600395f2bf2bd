"""Everything that a pool and a table hold survives SIGKILL and a restart."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import aioboto3
import jwt

import local_aws
from local_aws.cognito import totp
from local_aws.saved_state.file import StateFile
from service.aws.session import sdk_session
from tests.support.srp_client import SrpClient
from tests.support.webauthn_authenticator import Authenticator

PASSWORD = "YourPass123!"  # noqa: S105 -- of a test user
REGION = "eu-central-1"
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_USER_AUTH"]
ITEM: dict[str, Any] = {
    "id": {"S": "a"},
    "at": {"N": "1"},
    "data": {"M": {"bytes": {"B": b"\x00\xff"}, "list": {"L": [{"NULL": True}, {"SS": ["x"]}]}}},
}
ENVIRON = os.environ | {"PYTHONPATH": str(Path(local_aws.__file__).parents[1])}
WRITER = """
import sys
from pathlib import Path
from local_aws.saved_state.file import StateFile
file = StateFile(Path(sys.argv[1]))
for number in range(1_000_000):
    file.replace(b'{"n": %d, "more": "%s"}' % (number, b"x" * 200_000))
    print(number, flush=True)
"""


@contextmanager
def _local_aws(folder: Path, end: signal.Signals) -> Iterator[str]:
    """Run the local AWS in a process that a signal ends; yields its URL."""
    with subprocess.Popen(  # noqa: S603 -- our own module
        [sys.executable, "-m", "local_aws", "--port", "0", "--data", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRON,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.send_signal(end)


class _Calls:
    """Clients of a local AWS."""

    def __init__(self, url: str, cognito: Any, dynamodb: Any) -> None:  # noqa: ANN401 -- generated
        self.url, self.cognito, self.dynamodb = url, cognito, dynamodb


async def _opened(stack: AsyncExitStack, url: str) -> _Calls:
    session = aioboto3.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 -- the local AWS takes anything
        region_name=REGION,
        botocore_session=sdk_session(),
    )
    clients = [
        await stack.enter_async_context(session.client(name, endpoint_url=url))
        for name in ("cognito-idp", "dynamodb")
    ]
    return _Calls(url, *clients)


async def _filled(calls: _Calls, authenticator: Authenticator) -> dict[str, Any]:
    """Create a pool with a user who has all that a user can have, and a table; return the names."""
    cognito = calls.cognito
    created = await cognito.create_user_pool(
        PoolName="kept",
        AutoVerifiedAttributes=["email"],
        Policies={"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}},
        Schema=[{"Name": "team", "AttributeDataType": "String"}],
        DeviceConfiguration={"ChallengeRequiredOnNewDevice": True},
        UserPoolTags={"a": "b"},
    )
    pool: dict[str, Any] = {"UserPoolId": created["UserPool"]["Id"]}
    await cognito.set_user_pool_mfa_config(
        **pool,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
        WebAuthnConfiguration={
            "RelyingPartyId": "localhost",
            "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
        },
    )
    made = await cognito.create_user_pool_client(
        **pool,
        ClientName="kept",
        ExplicitAuthFlows=FLOWS,
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 60},
    )
    client: dict[str, Any] = {"ClientId": made["UserPoolClient"]["ClientId"]}
    await cognito.create_user_pool_domain(**pool, Domain="kept")
    await cognito.create_resource_server(
        **pool, Identifier="api", Name="api", Scopes=[{"ScopeName": "r", "ScopeDescription": "r"}]
    )
    await cognito.create_identity_provider(
        **pool, ProviderName="Idp", ProviderType="OIDC", ProviderDetails={}, AttributeMapping={}
    )
    await cognito.create_group(**pool, GroupName="staff", Precedence=1)
    for name in ("alice", "bob"):
        await cognito.sign_up(
            **client,
            Username=name,
            Password=PASSWORD,
            UserAttributes=[
                {"Name": "email", "Value": f"{name}@example.com"},
                {"Name": "custom:team", "Value": "x"},
            ],
        )
    await cognito.confirm_sign_up(
        **client, Username="alice", ConfirmationCode=await _code(calls, "alice")
    )
    await cognito.admin_add_user_to_group(**pool, Username="alice", GroupName="staff")
    signed_in = await cognito.initiate_auth(
        **client,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "alice", "PASSWORD": PASSWORD},
    )
    tokens = signed_in["AuthenticationResult"]
    access = {"AccessToken": tokens["AccessToken"]}
    secret = (await cognito.associate_software_token(**access))["SecretCode"]
    await cognito.verify_software_token(**access, UserCode=_totp(secret, -1))
    await cognito.set_user_mfa_preference(
        **access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    options = await cognito.start_web_authn_registration(**access)
    credential = authenticator.register(options["CredentialCreationOptions"])
    await cognito.complete_web_authn_registration(**access, Credential=credential)
    device = tokens["NewDeviceMetadata"]["DeviceKey"]
    verifier = {"PasswordVerifier": "AQ==", "Salt": "AQ=="}
    await cognito.confirm_device(
        **access, DeviceKey=device, DeviceName="laptop", DeviceSecretVerifierConfig=verifier
    )
    await calls.dynamodb.create_table(
        TableName="kept",
        KeySchema=[
            {"AttributeName": "id", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-time",
                "KeySchema": [{"AttributeName": "at", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    await calls.dynamodb.update_time_to_live(
        TableName="kept", TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True}
    )
    await calls.dynamodb.create_table(
        TableName="plain",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for table in ("kept", "plain"):
        await calls.dynamodb.put_item(TableName=table, Item=ITEM)
    return {"pool": pool, "client": client, "tokens": tokens, "secret": secret, "device": device}


def _totp(secret: str, steps: int) -> str:
    now = time.time()  # noqa: TID251 -- the clock of the other process
    return totp.code_at(secret, int(now) // totp.STEP_S + steps)


async def _code(calls: _Calls, username: str) -> str:
    def read() -> str:
        with urllib.request.urlopen(f"{calls.url}/local-aws/codes/{username}") as answer:  # noqa: S310 -- ours
            return str(answer.read().decode().strip())

    return await asyncio.to_thread(read)


async def _shown(calls: _Calls, names: dict[str, Any]) -> dict[str, Any]:
    """Return what calls that change nothing show of all this."""
    cognito, dynamodb, pool = calls.cognito, calls.dynamodb, names["pool"]
    access = {"AccessToken": names["tokens"]["AccessToken"]}
    keys = jwt.PyJWKClient(f"{calls.url}/{pool['UserPoolId']}/.well-known/jwks.json")
    claims = {
        name: jwt.decode(
            names["tokens"][name],
            await asyncio.to_thread(keys.get_signing_key_from_jwt, names["tokens"][name]),
            algorithms=["RS256"],
            options={"verify_aud": False},
        )
        for name in ("AccessToken", "IdToken")
    }
    answers = {
        "pool": await cognito.describe_user_pool(**pool),
        "factors": await cognito.get_user_pool_mfa_config(**pool),
        "client": await cognito.describe_user_pool_client(**pool, **names["client"]),
        "provider": await cognito.describe_identity_provider(**pool, ProviderName="Idp"),
        "server": await cognito.describe_resource_server(**pool, Identifier="api"),
        "domain": (await cognito.describe_user_pool_domain(Domain="kept"))["DomainDescription"],
        "users": await cognito.list_users(**pool),
        "alice": await cognito.admin_get_user(**pool, Username="alice"),
        "members": await cognito.list_users_in_group(**pool, GroupName="staff"),
        "groups": await cognito.admin_list_groups_for_user(**pool, Username="alice"),
        "own": await cognito.get_user(**access),
        "passkeys": await cognito.list_web_authn_credentials(**access),
        "devices": await cognito.list_devices(**access),
        "claims": claims,
        "table": await dynamodb.describe_table(TableName="kept"),
        "ttl": await dynamodb.describe_time_to_live(TableName="kept"),
        "items": [(await dynamodb.scan(TableName=name))["Items"] for name in ("kept", "plain")],
        "code": await _code(calls, "bob"),
    }
    for answer in answers.values():
        if isinstance(answer, dict):
            answer.pop("ResponseMetadata", None)
            answer.pop("AWSAccountId", None)  # moto makes up a new one for each call
    return answers


async def _scenario(folder: Path, authenticator: Authenticator) -> None:
    async with AsyncExitStack() as stack:
        with _local_aws(folder, signal.SIGKILL) as url:
            calls = await _opened(stack, url)
            names = await _filled(calls, authenticator)
            before = await _shown(calls, names)
        with _local_aws(folder, signal.SIGTERM) as url:
            calls = await _opened(stack, url)
            assert await _shown(calls, names) == before
            await _used(calls, names)


async def _used(calls: _Calls, names: dict[str, Any]) -> None:
    """Use what was kept: code, refresh token, device, password, authenticator app."""
    cognito, client = calls.cognito, names["client"]
    await cognito.confirm_sign_up(
        **client, Username="bob", ConfirmationCode=await _code(calls, "bob")
    )
    refreshed = await cognito.get_tokens_from_refresh_token(
        **client, RefreshToken=names["tokens"]["RefreshToken"], DeviceKey=names["device"]
    )
    assert refreshed["AuthenticationResult"]["RefreshToken"] != names["tokens"]["RefreshToken"]
    srp = SrpClient(names["pool"]["UserPoolId"], PASSWORD)
    asked = await cognito.initiate_auth(
        **client,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": "alice", "SRP_A": srp.public},
    )
    asked = await cognito.respond_to_auth_challenge(
        **client,
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses=srp.answer(asked["ChallengeParameters"]),
    )
    by_app = await cognito.respond_to_auth_challenge(
        **client,
        ChallengeName="SOFTWARE_TOKEN_MFA",
        Session=asked["Session"],
        ChallengeResponses={
            "USERNAME": "alice",
            "SOFTWARE_TOKEN_MFA_CODE": _totp(names["secret"], 0),
        },
    )
    assert by_app["AuthenticationResult"]["AccessToken"]


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    """What was answered before SIGKILL is shown and used as before, by tokens of before."""
    asyncio.run(_scenario(tmp_path / "data", Authenticator()))


def test_file_is_readable_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    """A writer that is killed at any moment leaves the last content or the one before it."""
    for stop in (0, 1, 2, 5):
        with subprocess.Popen(  # noqa: S603 -- our own code
            [sys.executable, "-c", WRITER, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRON,
        ) as writer:
            assert writer.stdout is not None
            numbers = (int(line) for line in writer.stdout)
            last = next(number for number in numbers if number >= stop)
            writer.kill()
            last = max(last, *numbers, last)
        file = StateFile(tmp_path)
        content = file.read()
        file.close()
        assert content is not None
        assert content["n"] in (last, last + 1)
