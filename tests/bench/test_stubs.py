"""The stubs' answers are such as botocore, and the service, take for AWS's."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from bench import profiles, servers, tokens
from bench.peers.floor import BODY
from bench.servers import Addresses
from bench.stubs import cognito, http, key_server
from bench.stubs.dynamodb import OTHER_TABLE, SERVICE_TABLE
from service.api.profile_json import ProfileRepresentation
from service.api.schemas.profiles import ProfileSchema
from service.aws.clients import open_clients
from service.aws.dynamodb.client import DynamoDBClient
from service.aws.session import Credentials
from service.config import loader
from service.config.settings import Config
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from service.profile_store import items
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from tests.profile_store.table import NOON

KNOWN = profiles.sub(7)
UNKNOWN = f"{profiles.HAS_NONE}{1:012x}"


@pytest.fixture(name="config")
def _config(dynamodb_port: int) -> Config:
    """Return the configuration that the benchmark gives the service."""
    url = f"http://127.0.0.1:{dynamodb_port}"
    program = servers.program(servers.SERVICE, 8080, Addresses(url, url, url))
    return loader.load(None, program.environ)


@pytest.fixture(name="client")
async def _client(config: Config) -> AsyncIterator[DynamoDBClient]:
    """Open the service's own client of the stub."""
    async with open_clients(config, Credentials("AKIDEXAMPLE", "example")) as clients:
        yield clients.dynamodb


@pytest.fixture(name="store")
def _store(client: DynamoDBClient, config: Config) -> DynamoDBProfileStore:
    """Return the service's own store on the stub."""
    return DynamoDBProfileStore(
        client, config=config.dynamodb, clock=lambda: NOON, calls=UpstreamTelemetry(Metrics())
    )


async def test_service_table_has_a_claim_beside_the_profile(client: DynamoDBClient) -> None:
    """A Query finds what the service leaves in its table, and the checksum is right."""
    found = await client.query(
        TableName=SERVICE_TABLE,
        KeyConditionExpression="userId = :u",
        ExpressionAttributeValues={":u": {"S": KNOWN}},
    )

    assert [item["userId"] for item in found["Items"]] == [{"S": KNOWN}] * 2
    assert [items.is_claim(item) for item in found["Items"]] == [False, True]


async def test_other_table_has_the_profile_alone(client: DynamoDBClient) -> None:
    """Peers write no claims, so a Query of theirs finds none."""
    found = await client.query(
        TableName=OTHER_TABLE,
        KeyConditionExpression="userId = :u",
        ExpressionAttributeValues={":u": {"S": KNOWN}},
    )

    assert found["Count"] == len(found["Items"]) == 1


async def test_batch_has_each_user_who_has_a_profile(client: DynamoDBClient) -> None:
    """A BatchGetItem finds the profile of every key but those of users without one."""
    known = [profiles.sub(number) for number in range(99)]
    found = await client.batch_get_item(
        RequestItems={
            SERVICE_TABLE: {
                "Keys": [items.key(user, profiles.CREATED_AT) for user in [*known, UNKNOWN]]
            }
        }
    )

    assert [item["userId"]["S"] for item in found["Responses"][SERVICE_TABLE]] == known
    assert found["UnprocessedKeys"] == {}


async def test_claim_is_found_by_its_key(client: DynamoDBClient) -> None:
    """A read by the key of a claim finds the claim, which names the profile, singly or in a batch."""
    keys = [items.key(KNOWN, items.CLAIM_SORT_KEY), items.key(KNOWN, profiles.CREATED_AT)]
    batch = await client.batch_get_item(RequestItems={SERVICE_TABLE: {"Keys": keys}})
    claim, profile = batch["Responses"][SERVICE_TABLE]
    alone = await client.get_item(TableName=SERVICE_TABLE, Key=keys[0])

    assert alone["Item"] == claim
    assert items.claimed_for(claim) == profile["createdAt"]["S"] == profiles.CREATED_AT


async def test_item_is_found_by_its_key(client: DynamoDBClient) -> None:
    """A GetItem finds the profile, and nothing where there is none."""
    for user, is_there in ((KNOWN, True), (UNKNOWN, False)):
        found = await client.get_item(
            TableName=SERVICE_TABLE, Key=items.key(user, profiles.CREATED_AT)
        )
        assert ("Item" in found) is is_there


async def test_store_works_on_the_stub(store: DynamoDBProfileStore) -> None:
    """The service's own store reads, creates and updates."""
    await store.check()
    seen = await store.find(KNOWN)
    assert seen is not None
    updated = await store.update(seen, profiles.CHANGES)
    created = await store.create(UNKNOWN, dict(profiles.CHANGES))

    assert await store.find(UNKNOWN) is None
    assert (updated.user_id, created.user_id) == (KNOWN, UNKNOWN)


async def test_answers_have_as_many_bytes_as_the_constant(store: DynamoDBProfileStore) -> None:
    """What the service answers with is as long as what the floor answers with."""
    profile = await store.find(KNOWN)
    assert profile is not None

    assert len(ProfileRepresentation(ProfileSchema()).body(profile)) == len(BODY) == profiles.BYTES


async def test_requests_in_pieces_are_answered_in_order(dynamodb_port: int) -> None:
    """A request may come in pieces, and two may come at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", dynamodb_port)
    body = json.dumps({"Key": items.key(KNOWN, profiles.CREATED_AT)})
    call = (
        f"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.GetItem\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    unknown = call.replace(b"GetItem", b"DeleteItem")

    writer.write((call + unknown)[:-5])
    first = await reader.readuntil(b"\r\n\r\n")
    writer.write((call + unknown)[-5:])
    await reader.readuntil(b"}}")
    rest = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert first.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 404 " in rest


def test_sign_in_tells_whose_it_is() -> None:
    """Cognito's stub answers a sign-in with tokens of the pool, and has the key that proves them."""
    pool = tokens.UserPool()
    respond = cognito.responding(pool.sign_in(KNOWN), pool.jwks())

    signed_in = respond(b"POST / HTTP/1.1\r\nx-amz-target: X.InitiateAuth", b"{}")
    jwks = respond(b"GET /pool/.well-known/jwks.json HTTP/1.1", b"")

    result = _body(signed_in)["AuthenticationResult"]
    (key,) = _body(jwks)["keys"]
    claims = jwt.decode(
        result["AccessToken"], jwt.PyJWK(key).key, algorithms=["RS256"], issuer=tokens.ISSUER
    )
    assert claims["sub"] == KNOWN
    assert respond(b"POST / HTTP/1.1\r\nx-amz-target: X.SignUp", b"{}") == http.NOT_FOUND


def test_key_server_has_one_key() -> None:
    """The key server answers with the load balancer's key, and has no other."""
    balancer = tokens.LoadBalancer()
    respond = key_server.responding(tokens.BALANCER_KID, balancer.pem())

    found = respond(f"GET /{tokens.BALANCER_KID} HTTP/1.1".encode(), b"")

    assert found.endswith(balancer.pem())
    assert respond(b"GET /another HTTP/1.1", b"") == http.NOT_FOUND


def test_load_balancers_token_is_padded() -> None:
    """A load balancer pads the parts of its tokens, which no library does."""
    token = tokens.LoadBalancer().token(KNOWN)

    assert all(len(part) % 4 == 0 for part in token.split("."))


def _body(answer: bytes) -> Any:  # noqa: ANN401 -- JSON
    return json.loads(answer.partition(b"\r\n\r\n")[2])
