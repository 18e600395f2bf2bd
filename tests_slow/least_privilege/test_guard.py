"""The guard refuses what the policy does not allow, as AWS does."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest
from botocore.exceptions import ClientError

from local_aws.server import local_aws
from service.aws.clients import Clients, open_clients
from service.commands import table_setup
from service.config.settings import Config
from service.domain.errors import Misconfigured
from service.profile_store import items
from tests.least_privilege.guard import Guard, Need
from tests.least_privilege.guarded_moto import guarded_moto
from tests.least_privilege.policy import allowed_actions, policy_for, table_arn
from tests.profile_store.table import store_on
from tests.support.configs import CREDENTIALS, configured

UpstreamTelemetry: TypeAlias = dict[
    str, tuple[str, dict[str, Any]]
]  # label -> operation and its arguments

KEY = items.key("alice", "2020-05-05")
SET_CITY = {
    "UpdateExpression": "SET city = :city",
    "ExpressionAttributeValues": {":city": {"S": "Mumbai"}},
}
OF_ALICE = {
    "KeyConditionExpression": "userId = :userId",
    "ExpressionAttributeValues": {":userId": {"S": "alice"}},
}


@dataclass(frozen=True, slots=True)
class Role:
    """The role of the service: its client, its table, and the guard."""

    clients: Clients
    table: str
    config: Config
    guard: Guard

    async def call(self, operation: str, **call: Any) -> None:  # noqa: ANN401 -- of any operation
        """Make a call by the name that it has on the wire."""
        dynamodb = self.clients.dynamodb.aioboto3
        names = dynamodb.meta.method_to_api_mapping
        (method,) = (method for method, name in names.items() if name == operation)
        await getattr(dynamodb, method)(**call)


@pytest.fixture
async def role() -> AsyncIterator[Role]:
    """Return the role of the service on a table that an operator has created."""
    table = f"user-profiles-{uuid.uuid4().hex}"
    policy = policy_for(table, region=configured().aws.region)
    with guarded_moto(policy) as (guard, url), local_aws() as operators:
        async with open_clients(_with_table(table, operators.endpoint_url), CREDENTIALS) as clients:
            await table_setup.create_table(clients.dynamodb.aioboto3, table)
        config = _with_table(table, url)
        async with open_clients(config, CREDENTIALS) as clients:
            yield Role(clients, table, config, guard)


def _with_table(table: str, url: str) -> Config:
    servers = {"endpoint-url": url, "user-profile-table": table, "read-timeout-s": "20"}
    return configured({"aws.dynamodb": servers})


def _calls(table: str) -> UpstreamTelemetry:
    """Return the calls that the service makes, or might make, of its table."""
    here = {"TableName": table}
    put = {"Put": {**here, "Item": KEY}}
    update = {"Update": {**here, "Key": items.key("bob", "2020-05-05"), **SET_CITY}}
    return {
        "PutItem": ("PutItem", {**here, "Item": KEY}),
        "GetItem": ("GetItem", {**here, "Key": KEY}),
        "Query": ("Query", {**here, **OF_ALICE}),
        "UpdateItem": ("UpdateItem", {**here, "Key": KEY, **SET_CITY}),
        "BatchGetItem": ("BatchGetItem", {"RequestItems": {table: {"Keys": [KEY]}}}),
        "transaction": ("TransactWriteItems", {"TransactItems": [put, update]}),
        "reading transaction": (
            "TransactGetItems",
            {"TransactItems": [{"Get": {**here, "Key": KEY}}]},
        ),
    }


def _offences(table: str) -> UpstreamTelemetry:
    """Return the calls that are refused of the service's own table."""
    here = {"TableName": table}
    exists = {**here, "Key": KEY, "ConditionExpression": "attribute_exists(userId)"}
    put = {"Put": {**here, "Item": items.key("bob", "2020-05-05")}}
    delete = {"Delete": {**here, "Key": KEY}}
    ttl = {"Enabled": True, "AttributeName": "expiresAt"}
    return {
        "DeleteItem": ("DeleteItem", {**here, "Key": KEY}),
        "Scan": ("Scan", here),
        "DescribeTable": ("DescribeTable", here),
        "DeleteTable": ("DeleteTable", here),
        "DescribeTimeToLive": ("DescribeTimeToLive", here),
        "UpdateTimeToLive": ("UpdateTimeToLive", {**here, "TimeToLiveSpecification": ttl}),
        "ListTables": ("ListTables", {}),
        "PartiQL": ("ExecuteStatement", {"Statement": f'SELECT * FROM "{table}"'}),  # noqa: S608 -- no input
        "index": ("Query", {**here, **OF_ALICE, "IndexName": "byCity"}),
        "BatchWriteItem": (
            "BatchWriteItem",
            {"RequestItems": {table: [{"PutRequest": {"Item": KEY}}]}},
        ),
        "deleting transaction": ("TransactWriteItems", {"TransactItems": [put, delete]}),
        "checking transaction": (
            "TransactWriteItems",
            {"TransactItems": [put, {"ConditionCheck": exists}]},
        ),
    }


async def test_calls_within_the_policy_are_passed_on(role: Role) -> None:
    """The five actions work on the table, in transactions and batches too."""
    for operation, call in _calls(role.table).values():
        await role.call(operation, **call)

    assert role.guard.refused == []
    assert {need.action for need in role.guard.granted} == allowed_actions()
    assert {need.resource for need in role.guard.granted} == {
        table_arn(role.table, region=role.config.aws.region)
    }


@pytest.mark.parametrize("label", _offences(""))
async def test_call_beyond_the_policy_is_refused(role: Role, label: str) -> None:
    """Any other action is refused before it has an effect, in a transaction as well."""
    operation, call = _offences(role.table)[label]

    with pytest.raises(ClientError) as refused:
        await role.call(operation, **call)

    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert role.guard.granted == []
    assert len(role.guard.refused) == 1


@pytest.mark.parametrize("other", ["payroll", "user-profiles"])
async def test_call_of_another_table_is_refused(role: Role, other: str) -> None:
    """The five actions are allowed on one table only."""
    calls = _calls(other)

    for operation, call in calls.values():
        with pytest.raises(ClientError, match="AccessDenied"):
            await role.call(operation, **call)

    assert role.guard.granted == []


async def test_transaction_over_two_tables_is_refused_whole(role: Role) -> None:
    """One part that is not allowed refuses the whole transaction."""
    parts = [{"Put": {"TableName": table, "Item": KEY}} for table in (role.table, "payroll")]

    with pytest.raises(ClientError):
        await role.call("TransactWriteItems", TransactItems=parts)

    region = role.config.aws.region
    assert role.guard.refused == [Need("dynamodb:PutItem", table_arn("payroll", region=region))]
    found = await role.clients.dynamodb.get_item(TableName=role.table, Key=KEY)
    assert "Item" not in found


async def test_service_needs_every_action_of_the_policy(role: Role) -> None:
    """The service uses each of the five actions on its table, and no other."""
    store = store_on(role.clients, role.config)
    await store.check()
    alice, bob = [await store.create(user, {"city": "Mumbai"}) for user in ("alice", "bob")]
    await store.update(alice, {"city": "Pune"})
    gathered = await asyncio.gather(*(store.find(user) for user in ("alice", "bob") * 8))
    await store.delete(bob)
    await store.close("alice")

    assert {profile.user_id for profile in gathered if profile} == {"alice", "bob"}
    assert role.guard.refused == []
    assert {need.action for need in role.guard.granted} == allowed_actions()
    assert len({need.resource for need in role.guard.granted}) == 1


async def test_missing_permission_is_not_an_outage(role: Role) -> None:
    """The service distinguishes a missing permission from an upstream that fails."""
    store = store_on(role.clients, role.config)
    role.guard.policy = policy_for("payroll", region=role.config.aws.region)

    with pytest.raises(Misconfigured):
        await store.find("alice")
    with pytest.raises(Misconfigured):
        await store.create("alice", {"city": "Mumbai"})
