"""The events of every kind of write, by the stream that the table has."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import botocore.session
import pytest

from service.aws.clients import open_clients
from service.commands import table_setup
from service.config.settings import Config
from service.domain.errors import ProfileChanged
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from service.profile_store import items
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.past_states import Retention
from tests.deploy.mapping import FIELDS, Record, handled, on_the_bus, passes_filter
from tests.deploy.test_events_template import VALIDATOR
from tests.profile_store.table import NOON, NOON_TEXT, Table
from tests.support.configs import CREDENTIALS

EXPIRY = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}


@dataclass(frozen=True, slots=True)
class Stream:
    """A table with a stream, what writes on it, and the events that come of it."""

    table: Table
    store: DynamoDBProfileStore
    client: Any
    arn: str

    def records(self) -> list[Record]:
        """Return all records of the stream, as a pipe hands them to its function."""
        found: list[Any] = []
        for shard in self.client.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]:
            iterator = self.client.get_shard_iterator(
                StreamArn=self.arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while iterator:
                answer = self.client.get_records(ShardIterator=iterator)
                found += answer["Records"]
                iterator = answer.get("NextShardIterator") if answer["Records"] else None
        for record in found:
            change = record["dynamodb"]
            change["ApproximateCreationDateTime"] = change[
                "ApproximateCreationDateTime"
            ].timestamp()
        return found

    def events(self) -> list[tuple[Any, ...]]:
        """Return the outlines of all events, in their order."""
        events = handled([record for record in self.records() if passes_filter(record)])
        for event in events:
            VALIDATOR.validate(on_the_bus(event))
        return [
            (
                event["type"].removeprefix("user.profile."),
                event["detail"]["version"],
                *([event["detail"]["changed"]] if "changed" in event["detail"] else []),
            )
            for event in events
        ]


@pytest.fixture
async def stream(operators: Config) -> AsyncIterator[Stream]:
    """Create a table with a stream, and a store that keeps a history."""
    name = f"stream-{uuid.uuid4().hex}"
    config = replace(operators, dynamodb=replace(operators.dynamodb, user_profile_table=name))
    async with open_clients(config, CREDENTIALS) as clients:
        dynamodb = clients.dynamodb.aioboto3
        await table_setup.create_table(dynamodb, name, stream=True)
        arn = (await dynamodb.describe_table(TableName=name))["Table"]["LatestStreamArn"]
        client = botocore.session.get_session().create_client(
            "dynamodbstreams",
            region_name=config.aws.region,
            endpoint_url=config.dynamodb.endpoint_url,
            aws_access_key_id=CREDENTIALS.access_key_id,
            aws_secret_access_key=CREDENTIALS.secret_access_key,
        )
        yield Stream(
            table=Table(dynamodb, name),
            store=DynamoDBProfileStore(
                clients.dynamodb,
                config=config.dynamodb,
                clock=lambda: NOON,
                calls=UpstreamTelemetry(Metrics()),
                retention=Retention(FIELDS.split(), timedelta(days=1)),
            ),
            client=client,
            arn=arn,
        )


async def test_life_of_a_profile_is_one_event_for_each_write(stream: Stream) -> None:
    """Creation, updates, erasure and the next profile are events in order; the rest is none."""
    store = stream.store
    created = await store.create("u", {"city": "Pune", "bio": "b"})
    merged = await store.update(created, {"city": "Goa", "country": "India"})
    replaced = await store.update(merged, {"bio": None, "country": None})
    patched = await store.update(replaced, {"preferences": {"theme": {"dark": True}}})
    with pytest.raises(ProfileChanged):
        await store.update(created, {"city": "lost"})
    await store.delete(patched)
    again = await store.create("u", {"city": "Pune"})
    await store.close("u")

    assert stream.events() == [
        ("created", 1),
        ("updated", 2, ["city", "country"]),
        ("updated", 3, ["bio", "country"]),
        ("updated", 4, ["preferences"]),
        ("erased", 5),
        ("created", 1),
        ("erased", 2),
    ]
    users = {record["dynamodb"]["Keys"]["userId"]["S"] for record in stream.records()}
    assert users == {"u", "u~activity", "u~history"}
    details = [event["detail"] for event in handled(stream.records())]
    keys = {(detail["userId"], detail["createdAt"], detail["version"]) for detail in details}
    assert len(keys) == len(details)
    assert {detail["createdAt"] for detail in details} == {created.created_at, again.created_at}


async def test_writes_of_other_programs_are_events_where_a_profile_changes(stream: Stream) -> None:
    """Items of other programs, their fields and their removal are events; what the API hides is none."""
    table, store = stream.table, stream.store
    await table.put("u", NOON_TEXT, city={"S": "Pune"}, loyalty={"N": "7"})
    await table.add("u", NOON_TEXT, "loyalty", "gold")
    await table.add("u", NOON_TEXT, "company", "Acme")
    found = await store.find_latest("u")
    assert found is not None
    adopted = await store.update(found, {"city": "Goa"})
    await table.add("u", NOON_TEXT, "loyalty", "silver")
    await table.add("u", NOON_TEXT, "email", "a@example.com")
    await table.add("u", NOON_TEXT, "writeId", adopted.write_ids.split()[0])
    await table.remove("u", NOON_TEXT)
    await table.put("u~history", "v000000000000001#0a1b2c3d", city={"S": "Pune"})
    await table.put("u~activity", f"{NOON_TEXT}#0a1b2c3d", event={"S": "signed_in"})
    await table.remove("u~history", "v000000000000001#0a1b2c3d")

    assert stream.events() == [
        ("created", 0),
        ("updated", 0, ["company"]),
        ("updated", 1, ["city"]),
        ("updated", 1, ["email"]),
        ("erased", 2),
    ]


async def test_versions_begin_anew_where_another_program_replaces_the_item(stream: Stream) -> None:
    """An item without the service's attributes has version 0, and its removal version 1."""
    created = await stream.store.create("u", {"city": "Pune"})
    await stream.store.update(created, {"city": "Goa"})
    await stream.table.put("u", created.created_at, city={"S": "Goa"})
    await stream.table.remove("u", created.created_at)

    assert stream.events() == [
        ("created", 1),
        ("updated", 2, ["city"]),
        ("updated", 0, []),
        ("erased", 1),
    ]


async def test_profile_that_another_program_marks_is_erased_once(stream: Stream) -> None:
    """The mark of another program ends the profile; the tombstone over it is no second event."""
    await stream.table.put("u", NOON_TEXT, city={"S": "Pune"})
    await stream.table.add("u", NOON_TEXT, items.DELETED_AT, NOON_TEXT)
    await stream.store.create("u", {"city": "Goa"})
    await stream.store.close("u")

    assert stream.events() == [("created", 0), ("erased", 1), ("created", 1), ("erased", 2)]


async def test_removed_tombstone_is_no_event(stream: Stream) -> None:
    """
    What TTL removes was erased before, which is an event.

    moto has no TTL; DynamoDB Local 3.3.1 removes items minutes later, without AWS's `userIdentity`. So
    the tombstone is removed by another program, as on DynamoDB Local, and then as on AWS.
    """
    created = await stream.store.create("u", {"city": "Pune"})
    await stream.store.delete(created)
    await stream.table.remove("u", created.created_at)
    *_, removal = stream.records()

    assert "NewImage" not in removal["dynamodb"]
    assert stream.events() == [("created", 1), ("erased", 2)]
    assert not passes_filter({**removal, **EXPIRY})


async def test_next_profile_has_events_of_its_own(stream: Stream) -> None:
    """A profile that is created in the millisecond of the erased one differs in `createdAt`."""
    first = await stream.store.create("u", {})
    await stream.store.delete(first)
    second = await stream.store.create("u", {})

    created = [event["detail"]["createdAt"] for event in handled(stream.records())]
    assert created == [first.created_at, first.created_at, second.created_at]
    assert first.created_at != second.created_at
