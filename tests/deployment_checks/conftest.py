"""Set-ups in a local AWS, right ones and broken ones, and the checks of them."""

import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, TypeAlias

import botocore.session
import pytest

from local_aws.outbox import Delivery
from local_aws.server import local_aws
from service.aws.session import MODEL_EXTRAS
from service.config.loader import Settings
from service.config.settings import Config
from service.deployment_checks.doctor import aws_clients, examine
from service.deployment_checks.results import CheckResult
from tests.least_privilege.guard import Guard
from tests.least_privilege.guarded_moto import guarded_moto
from tests.support.configs import configured
from tests.support.private_authority import PrivateAuthority

REGION = "us-east-1"
SAFE: Settings = {"identity": {"sources": "bearer"}}
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_AUTH"]
KEYS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "right": (("userId", "S"), ("createdAt", "S")),
    "no sort key": (("userId", "S"),),
    "other names": (("user_id", "S"), ("created_at", "S")),
    "number": (("userId", "S"), ("createdAt", "N")),
    "swapped": (("createdAt", "S"), ("userId", "S")),
}

Results: TypeAlias = dict[str, CheckResult]
Examine: TypeAlias = Callable[..., Awaitable[Results]]


class Account:
    """An AWS account in which an operator makes tables, pools and app clients."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.dynamodb = self._client("dynamodb")
        self.cognito = self._client("cognito-idp")

    def _client(self, service: str) -> Any:  # noqa: ANN401 -- botocore makes its methods at run time
        session = botocore.session.Session()
        session.get_component("data_loader").search_paths.append(str(MODEL_EXTRAS))
        return session.create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 -- of a local AWS
        )

    def table(self, kind: str = "right", *, expires_by: str | None = "expiresAt") -> str:
        """Create a table with keys of a kind."""
        name = f"checked-{uuid.uuid4().hex}"
        keys = KEYS[kind]
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": key, "KeyType": role}
                for (key, _), role in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": type_} for key, type_ in keys
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        if expires_by is not None:
            self.dynamodb.update_time_to_live(
                TableName=name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": expires_by},
            )
        return name

    def pool(self, **options: object) -> str:
        """Create a user pool, by default as `[auth-config]` describes it."""
        right: dict[str, object] = {
            "PoolName": "checked",
            "AutoVerifiedAttributes": ["email"],
            "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
        }
        pool_id: str = self.cognito.create_user_pool(**right | options)["UserPool"]["Id"]
        self.cognito.set_user_pool_mfa_config(
            UserPoolId=pool_id,
            MfaConfiguration="OPTIONAL",
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )
        return pool_id

    def app_client(self, pool_id: str, **options: object) -> dict[str, Any]:
        """Create an app client, by default as the service needs it."""
        right: dict[str, object] = {
            "UserPoolId": pool_id,
            "ClientName": "checked",
            "ExplicitAuthFlows": FLOWS,
            "PreventUserExistenceErrors": "ENABLED",
            "EnableTokenRevocation": True,
        }
        created: dict[str, Any] = self.cognito.create_user_pool_client(**right | options)
        client: dict[str, Any] = created["UserPoolClient"]
        return client

    def items(self, table: str) -> list[Any]:
        """Return what is in a table."""
        found: list[Any] = self.dynamodb.scan(TableName=table)["Items"]
        return found

    def users(self, pool_id: str) -> list[Any]:
        """Return the users of a pool."""
        found: list[Any] = self.cognito.list_users(UserPoolId=pool_id)["Users"]
        return found


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    """Serve a local AWS."""

    def ignore(_: Delivery) -> None:
        """Announce a code to nobody."""

    with local_aws(announce=ignore) as local:
        yield Account(local.endpoint_url)


@pytest.fixture(scope="session")
def pool_id(account: Account) -> str:
    """Create a user pool that is right."""
    return account.pool()


@pytest.fixture(scope="session")
def client_id(account: Account, pool_id: str) -> str:
    """Create an app client that is right."""
    created: str = account.app_client(pool_id)["ClientId"]
    return created


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> PrivateAuthority:
    """Return an authority whose file loads in no time; that of all public ones takes 30 ms."""
    return PrivateAuthority(tmp_path_factory.mktemp("authority"), "test")


@pytest.fixture
def sdk(
    account: Account, authority: PrivateAuthority, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """Give the AWS SDK credentials, an authority, and AWS STS its address."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", account.url)
    return monkeypatch


@pytest.fixture
def right(account: Account, pool_id: str, client_id: str) -> Settings:
    """Return the settings of a set-up in which nothing is wrong."""
    return {
        **SAFE,
        "aws": {"region": REGION},
        "aws.cognito": {
            "endpoint-url": account.url,
            "user-pool-id": pool_id,
            "client-id": client_id,
        },
        "aws.dynamodb": {"endpoint-url": account.url, "user-profile-table": account.table()},
    }


@pytest.fixture
def doctor(right: Settings, sdk: pytest.MonkeyPatch) -> Examine:
    """Return what examines the right set-up with other settings over it."""
    del sdk

    async def examined(*settings: Settings) -> Results:
        config: Config = configured(right, *settings)
        async with aws_clients(config) as clients:
            results = await examine(config, clients)
        return {result.name: result for result in results}

    return examined


@pytest.fixture
def guard() -> Iterator[Callable[[str], tuple[Guard, str]]]:
    """Return what opens DynamoDB to a role with a policy."""
    with ExitStack() as stack:
        yield lambda policy: stack.enter_context(guarded_moto(policy))
