"""The table, the user pool and the app client are created once, and found afterwards."""

import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from socket import socket
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from botocore.exceptions import ClientError, EndpointConnectionError
from structlog.testing import capture_logs

from local_aws.outbox import Delivery
from local_aws.server import LocalAws, local_aws
from service.aws.clients import Clients, open_clients
from service.commands import provisioning, table_setup
from service.startup_errors import AwsUnusable, TableUnusable
from tests.support.configs import CREDENTIALS, configured
from tests.support.scripted_aws import HANG, ScriptedAws, answer, refusal, scripted_server, url_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

IN_USE = refusal("ResourceInUseException")
SHARED = f"provisioned-{uuid.uuid4().hex}"


def _silently(_: Delivery) -> None:
    """Drop a code."""


@pytest.fixture(name="own_local_aws", scope="module")
def _own_local_aws() -> Iterator[LocalAws]:
    with local_aws(announce=_silently) as local:
        yield local


@asynccontextmanager
async def _clients(url: str) -> AsyncIterator[Clients]:
    servers = {"endpoint-url": url, "read-timeout-s": "20"}
    config = configured({"aws.cognito": servers, "aws.dynamodb": servers})
    async with open_clients(config, CREDENTIALS) as clients:
        yield clients


@pytest_asyncio.fixture(name="own", scope="module", loop_scope="module")
async def _own(own_local_aws: LocalAws) -> AsyncIterator[Clients]:
    """Open clients of the local AWS."""
    async with _clients(own_local_aws.endpoint_url) as clients:
        yield clients


class StandIn(NamedTuple):
    """A scripted AWS, and clients of it."""

    server: ScriptedAws
    clients: Clients


@pytest_asyncio.fixture(name="stand_in", scope="module", loop_scope="module")
async def _stand_in() -> AsyncIterator[StandIn]:
    """Open the scripted AWS once: opening clients is slow."""
    async with scripted_server(HANG) as server, _clients(server.url) as clients:
        yield StandIn(server, clients)


@pytest.fixture(name="name")
def _name() -> str:
    return f"provisioned-{uuid.uuid4().hex}"


@pytest_asyncio.fixture(name="pool_id", scope="module", loop_scope="module")
async def _pool_id(own: Clients) -> str:
    """Create a pool once: generating its keys is slow."""
    return await provisioning.create_user_pool(own.cognito, SHARED)


async def test_table_is_created_for_profiles(own: Clients, name: str) -> None:
    """The table has the two keys of profiles as strings, and on-demand billing."""
    await table_setup.create_table(own.dynamodb.aioboto3, name)

    table = (await own.dynamodb.aioboto3.describe_table(TableName=name))["Table"]
    assert table["KeySchema"] == [
        {"AttributeName": "userId", "KeyType": "HASH"},
        {"AttributeName": "createdAt", "KeyType": "RANGE"},
    ]
    assert table["AttributeDefinitions"] == [
        {"AttributeName": "userId", "AttributeType": "S"},
        {"AttributeName": "createdAt", "AttributeType": "S"},
    ]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


async def test_deleted_profiles_expire(own: Clients, name: str) -> None:
    """Time to live is on for the attribute expiresAt."""
    await table_setup.create_table(own.dynamodb.aioboto3, name)

    told = await own.dynamodb.aioboto3.describe_time_to_live(TableName=name)
    assert told["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expiresAt",
    }


async def test_table_is_found_again(own: Clients, name: str) -> None:
    """A second run finds the table and its items."""
    await table_setup.create_table(own.dynamodb.aioboto3, name)
    key = {"userId": {"S": "u"}, "createdAt": {"S": "t"}}
    await own.dynamodb.aioboto3.put_item(TableName=name, Item=key)
    with capture_logs() as logs:
        await table_setup.create_table(own.dynamodb.aioboto3, name)

    assert [(event["event"], event["table"]) for event in logs] == [("table_found", name)]
    assert (await own.dynamodb.aioboto3.get_item(TableName=name, Key=key))["Item"] == key


async def test_table_without_expiry_gets_it(own: Clients, name: str) -> None:
    """A table that was created by hand gets its time to live."""
    await own.dynamodb.aioboto3.create_table(
        TableName=name,
        KeySchema=table_setup.KEY_SCHEMA,
        AttributeDefinitions=table_setup.ATTRIBUTES,
        BillingMode="PAY_PER_REQUEST",
    )
    await table_setup.create_table(own.dynamodb.aioboto3, name)

    told = await own.dynamodb.aioboto3.describe_time_to_live(TableName=name)
    assert told["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"id": ("HASH", "S")}, "id (HASH, S)"),
        ({"userId": ("HASH", "S")}, "userId (HASH, S)"),
        (
            {"userId": ("HASH", "S"), "createdAt": ("RANGE", "N")},
            "userId (HASH, S) and createdAt (RANGE, N)",
        ),
        (
            {"createdAt": ("HASH", "S"), "userId": ("RANGE", "S")},
            "createdAt (HASH, S) and userId (RANGE, S)",
        ),
    ],
    ids=["another key", "no sort key", "a number", "swapped"],
)
async def test_other_table_is_refused(
    keys: dict[str, Any], found: str, own: Clients, name: str
) -> None:
    """A table with other keys is refused; the message has its keys and the needed ones."""
    await own.dynamodb.aioboto3.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, (kind, _) in keys.items()],
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": type_} for key, (_, type_) in keys.items()
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(TableUnusable) as refused:
        await table_setup.create_table(own.dynamodb.aioboto3, name)

    assert str(refused.value) == (
        f"The table {name} has the keys {found}; "
        "profiles need userId (HASH, S) and createdAt (RANGE, S). Keys cannot be changed: "
        "choose another name with AWS_DYNAMODB_USER_PROFILE_TABLE."
    )
    told = await own.dynamodb.aioboto3.describe_time_to_live(TableName=name)
    assert told["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"


def _table(status: str) -> bytes:
    return answer(
        {
            "Table": {
                "TableStatus": status,
                "KeySchema": table_setup.KEY_SCHEMA,
                "AttributeDefinitions": table_setup.ATTRIBUTES,
            }
        }
    )


def _time_to_live(status: str, attribute: str) -> bytes:
    told = {"TimeToLiveStatus": status, "AttributeName": attribute}
    return answer({"TimeToLiveDescription": told})


async def test_table_is_waited_for(stand_in: StandIn) -> None:
    """A table that is being created is changed only when it is active."""
    answers = (
        answer({}),
        _table("CREATING"),
        _table("CREATING"),
        _table("ACTIVE"),
        answer({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}),
        answer({}),
    )
    stand_in.server.plan(*answers)
    await table_setup.create_table(stand_in.clients.dynamodb.aioboto3, "t")

    assert stand_in.server.operations == [
        "CreateTable",
        "DescribeTable",
        "DescribeTable",
        "DescribeTable",
        "DescribeTimeToLive",
        "UpdateTimeToLive",
    ]
    assert stand_in.server.requests[-1][1]["TimeToLiveSpecification"] == {
        "Enabled": True,
        "AttributeName": "expiresAt",
    }


async def test_table_that_never_becomes_active_is_given_up(stand_in: StandIn) -> None:
    """Waiting for a table ends with an error that names the table and the time."""
    stand_in.server.plan(answer({}), _table("CREATING"))
    with pytest.raises(TableUnusable, match=r"The table t is not active after 0\.05 s\."):
        await table_setup.create_table(
            stand_in.clients.dynamodb.aioboto3, "t", active_within_s=0.05
        )

    assert "UpdateTimeToLive" not in stand_in.server.operations


@pytest.mark.parametrize("table", ["ACTIVE", "UPDATING"])
@pytest.mark.parametrize("status", ["ENABLED", "ENABLING"])
async def test_table_that_is_as_it_should_be_is_left_alone(
    table: str, status: str, stand_in: StandIn
) -> None:
    """Time to live that is on is not turned on again; AWS would refuse it."""
    answers = (IN_USE, _table(table), _time_to_live(status, "expiresAt"))
    stand_in.server.plan(*answers)
    with capture_logs() as logs:
        await table_setup.create_table(stand_in.clients.dynamodb.aioboto3, "t")

    assert stand_in.server.operations == ["CreateTable", "DescribeTable", "DescribeTimeToLive"]
    assert [event["event"] for event in logs] == ["table_found"]


async def test_expiry_by_another_attribute_is_told(stand_in: StandIn) -> None:
    """A table with another time to live attribute is kept, with a warning."""
    answers = (IN_USE, _table("ACTIVE"), _time_to_live("ENABLED", "ttl"))
    stand_in.server.plan(*answers)
    with capture_logs() as logs:
        await table_setup.create_table(stand_in.clients.dynamodb.aioboto3, "t")

    assert stand_in.server.operations == ["CreateTable", "DescribeTable", "DescribeTimeToLive"]
    assert logs[-1] == {
        "event": "ttl_attribute_mismatch",
        "table": "t",
        "attribute": "ttl",
        "log_level": "warning",
    }


async def test_stream_is_turned_on_once(own: Clients, name: str) -> None:
    """The table gets a stream of new and old images, which a second run finds."""
    dynamodb, arns = own.dynamodb.aioboto3, []
    for _ in range(2):
        with capture_logs() as logs:
            await table_setup.create_table(dynamodb, name, stream=True)
        arns.append(logs[-1]["arn"])
    table = (await dynamodb.describe_table(TableName=name))["Table"]

    assert table["StreamSpecification"] == {
        "StreamEnabled": True,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    assert arns == [table["LatestStreamArn"]] * 2


async def test_stream_of_other_images_is_left_alone(own: Clients, name: str) -> None:
    """Another program may read a stream of keys, so the command fails and says what to do."""
    dynamodb = own.dynamodb.aioboto3
    await table_setup.create_table(dynamodb, name)
    await dynamodb.update_table(
        TableName=name,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    with pytest.raises(TableUnusable, match=f"The stream of the table {name} has KEYS_ONLY;"):
        await table_setup.create_table(dynamodb, name, stream=True)


async def test_pool_and_client_are_found_again(own: Clients, name: str) -> None:
    """A second run finds the pool and the client by their names, with the same ids."""
    runs = []
    with capture_logs() as logs:
        for _ in range(2):
            pool_id = await provisioning.create_user_pool(own.cognito, name)
            runs.append((pool_id, await provisioning.create_client(own.cognito, pool_id, name)))

    assert runs[0] == runs[1]
    assert [event["event"] for event in logs] == [
        "user_pool_created",
        "client_created",
        "user_pool_found",
        "client_found",
    ]


async def test_pool_of_another_name_is_another_pool(own: Clients, pool_id: str) -> None:
    """A pool or client whose name only begins alike is not taken."""
    client_id = await provisioning.create_client(own.cognito, pool_id, SHARED)

    assert await provisioning.create_client(own.cognito, pool_id, SHARED[:-1]) != client_id
    assert await provisioning.create_user_pool(own.cognito, SHARED[:-1]) != pool_id


async def test_pool_is_as_the_service_needs_it(own: Clients, pool_id: str) -> None:
    """The pool verifies addresses before they change, recovers by them, and takes ALICE for alice."""
    pool = (await own.cognito.describe_user_pool(UserPoolId=pool_id))["UserPool"]
    assert pool["AutoVerifiedAttributes"] == ["email"]
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}
    assert pool["UserAttributeUpdateSettings"] == {
        "AttributesRequireVerificationBeforeUpdate": ["email"]
    }
    assert pool["AccountRecoverySetting"]["RecoveryMechanisms"] == [
        {"Priority": 1, "Name": "verified_email"}
    ]


async def test_pool_lets_people_add_a_second_factor(own: Clients, pool_id: str) -> None:
    """The pool allows authenticator apps, and no factor that needs more than a pool."""
    factors = await own.cognito.get_user_pool_mfa_config(UserPoolId=pool_id)
    assert factors["MfaConfiguration"] == "OPTIONAL"
    assert factors["SoftwareTokenMfaConfiguration"] == {"Enabled": True}
    assert not factors.keys() & {"EmailMfaConfiguration", "WebAuthnConfiguration"}


async def test_pool_can_be_for_passkeys_too(own: Clients, name: str) -> None:
    """With a domain for passkeys, users may sign in without a password."""
    pool_id = await provisioning.create_user_pool(own.cognito, name, passkeys_of="localhost")

    pool = (await own.cognito.describe_user_pool(UserPoolId=pool_id))["UserPool"]
    factors = pool["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"]
    assert factors == ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"]
    config = await own.cognito.get_user_pool_mfa_config(UserPoolId=pool_id)
    assert config["MfaConfiguration"] == "OPTIONAL"
    assert config["WebAuthnConfiguration"] == {
        "RelyingPartyId": "localhost",
        "UserVerification": "required",
        "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
    }


async def _tracking(clients: Clients, pool_id: str) -> Mapping[str, Any]:
    newer: Any = clients.cognito
    found: Mapping[str, Any] = await newer.get_user_pool_session_configuration(UserPoolId=pool_id)
    return {key: value for key, value in found.items() if key != "ResponseMetadata"}


async def test_pool_tracks_sessions_on_request(own: Clients, name: str) -> None:
    """Session tracking is turned on once, with Cognito's limit of sessions."""
    pool_id = await provisioning.create_user_pool(own.cognito, f"{name}-tracked")
    with capture_logs() as logs:
        await provisioning.track_sessions(own.cognito, pool_id)
        await provisioning.track_sessions(own.cognito, pool_id)

    assert await _tracking(own, pool_id) == {
        "UserPoolId": pool_id,
        "UserSessionTracking": "ENABLED",
        "TokenSession": {"MaxPerUser": 20},
    }
    assert [entry["event"] for entry in logs] == ["session_tracking_enabled"]


async def test_limit_of_sessions_is_kept(own: Clients, name: str) -> None:
    """A pool that tracked sessions before keeps its limit."""
    pool_id = await provisioning.create_user_pool(own.cognito, f"{name}-limited")
    newer: Any = own.cognito
    await newer.set_user_pool_session_configuration(
        UserPoolId=pool_id, UserSessionTracking="DISABLED", TokenSession={"MaxPerUser": 3}
    )

    await provisioning.track_sessions(own.cognito, pool_id)

    assert (await _tracking(own, pool_id))["TokenSession"] == {"MaxPerUser": 3}


async def test_lite_pool_tracks_no_sessions(own: Clients, name: str) -> None:
    """The message names the pool and the plans that track sessions."""
    made = await own.cognito.create_user_pool(PoolName=name, UserPoolTier="LITE")
    pool_id = made["UserPool"]["Id"]

    with pytest.raises(AwsUnusable, match=f"{pool_id}.*Essentials"):
        await provisioning.track_sessions(own.cognito, pool_id)


async def test_client_of_a_lite_pool_has_passwords_alone(own: Clients, name: str) -> None:
    """The client of an existing pool of the Lite plan is created without USER_AUTH."""
    made = await own.cognito.create_user_pool(PoolName=name, UserPoolTier="LITE")
    pool_id = made["UserPool"]["Id"]
    with capture_logs() as logs:
        client_id = await provisioning.create_client(own.cognito, pool_id, name)

    described = await own.cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)
    assert sorted(described["UserPoolClient"]["ExplicitAuthFlows"]) == sorted(provisioning.FLOWS)
    assert [event["event"] for event in logs] == ["choice_of_factors_unavailable", "client_created"]


async def test_client_is_as_the_service_needs_it(own: Clients, pool_id: str, name: str) -> None:
    """The client has no secret, allows both flows, and hides whether a user exists."""
    client_id = await provisioning.create_client(own.cognito, pool_id, name)

    described = await own.cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)
    client = described["UserPoolClient"]
    assert "ClientSecret" not in client
    assert sorted(client["ExplicitAuthFlows"]) == [
        "ALLOW_REFRESH_TOKEN_AUTH",
        "ALLOW_USER_AUTH",
        "ALLOW_USER_PASSWORD_AUTH",
    ]
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["EnableTokenRevocation"] is True


async def test_client_rotates_refresh_tokens_with_a_grace_period(
    own: Clients, pool_id: str, name: str
) -> None:
    """Two tabs may refresh at once; Cognito takes no REFRESH_TOKEN_AUTH beside rotation."""
    client_id = await provisioning.create_client(own.cognito, pool_id, name, rotates=True)

    described = await own.cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)
    client = described["UserPoolClient"]
    assert client["RefreshTokenRotation"] == {"Feature": "ENABLED", "RetryGracePeriodSeconds": 60}
    assert sorted(client["ExplicitAuthFlows"]) == ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"]


OTHERS = [{"Id": f"eu_{number}", "Name": f"other {number}"} for number in range(60)]


async def test_pool_beyond_the_first_page_is_found(stand_in: StandIn) -> None:
    """All pages of the list of pools are read."""
    first = answer({"UserPools": OTHERS, "NextToken": "more"})
    second = answer({"UserPools": [{"Id": "eu_ours", "Name": "ours"}]})
    stand_in.server.plan(first, second)
    assert await provisioning.create_user_pool(stand_in.clients.cognito, "ours") == "eu_ours"

    assert stand_in.server.requests == [
        ("ListUserPools", {"MaxResults": 60}),
        ("ListUserPools", {"MaxResults": 60, "NextToken": "more"}),
    ]


async def test_client_beyond_the_first_page_is_found(stand_in: StandIn) -> None:
    """All pages of the list of clients are read."""
    others = [{"ClientId": entry["Id"], "ClientName": entry["Name"]} for entry in OTHERS]
    first = answer({"UserPoolClients": others, "NextToken": "more"})
    second = answer({"UserPoolClients": [{"ClientId": "theid", "ClientName": "ours"}]})
    stand_in.server.plan(first, second)
    assert await provisioning.create_client(stand_in.clients.cognito, "eu_1", "ours") == "theid"

    assert stand_in.server.requests == [
        ("ListUserPoolClients", {"UserPoolId": "eu_1", "MaxResults": 60}),
        ("ListUserPoolClients", {"UserPoolId": "eu_1", "MaxResults": 60, "NextToken": "more"}),
    ]


async def test_pool_is_created_after_the_last_page(stand_in: StandIn) -> None:
    """A pool is created only when no page has it."""
    pages = (
        answer({"UserPools": OTHERS, "NextToken": "more"}),
        answer({"UserPools": []}),
        answer({"UserPool": {"Id": "eu_new"}}),
        answer({}),
    )
    stand_in.server.plan(*pages)
    assert await provisioning.create_user_pool(stand_in.clients.cognito, "ours") == "eu_new"

    assert stand_in.server.operations == [
        "ListUserPools",
        "ListUserPools",
        "CreateUserPool",
        "SetUserPoolMfaConfig",
    ]
    assert "Policies" not in stand_in.server.requests[2][1]


@pytest.fixture(name="closed")
def _closed() -> Iterator[socket]:
    """Reserve a port on which nothing listens yet."""
    with socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


class Caller:
    """A call that lists the pools, and counts its calls."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self.attempts = 0

    async def call(self) -> object:
        """Make the call."""
        self.attempts += 1
        return (await self._clients.cognito.list_user_pools(MaxResults=1))["UserPools"]


async def test_server_that_starts_later_is_waited_for(closed: socket) -> None:
    """A call is repeated until its server listens."""
    async with _clients(url_of(closed)) as clients:
        caller = Caller(clients)
        async with AsyncExitStack() as stack:

            async def call() -> object:
                if caller.attempts == 2:
                    later = scripted_server(answer({"UserPools": []}), on=closed)
                    await stack.enter_async_context(later)
                return await caller.call()

            assert await table_setup.reachable(call, within_s=30) == []

    assert caller.attempts == 3


async def test_server_that_never_starts_is_given_up(closed: socket) -> None:
    """After the time, the error of the last call is raised."""
    async with _clients(url_of(closed)) as clients:
        caller = Caller(clients)
        with pytest.raises(EndpointConnectionError):
            await table_setup.reachable(caller.call, within_s=table_setup.POLL_S * 1.5)

    assert caller.attempts >= 2


async def test_no_time_to_wait_is_one_call(closed: socket) -> None:
    """With no time there is one call."""
    async with _clients(url_of(closed)) as clients:
        caller = Caller(clients)
        with pytest.raises(EndpointConnectionError):
            await table_setup.reachable(caller.call, within_s=0)

    assert caller.attempts == 1


async def test_server_that_hangs_is_waited_for() -> None:
    """A call is repeated also if the server accepts connections but does not respond."""
    async with scripted_server(HANG, answer({"UserPools": []})) as server:
        config = configured({"aws.cognito": {"endpoint-url": server.url, "read-timeout-s": "0.1"}})
        async with open_clients(config, CREDENTIALS) as clients:
            caller = Caller(clients)
            assert await table_setup.reachable(caller.call, within_s=30) == []

    assert caller.attempts == 2


async def test_refusal_is_an_answer(stand_in: StandIn) -> None:
    """A response that is an error ends the repetition."""
    stand_in.server.plan(refusal("AccessDeniedException"))
    caller = Caller(stand_in.clients)
    with pytest.raises(ClientError, match="AccessDenied"):
        await table_setup.reachable(caller.call, within_s=30)

    assert caller.attempts == 1
