"""Every call to an upstream is counted with its outcome, whichever client makes it."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from service.authentication.key_client import KeyClient, NoSuchKey, key_server
from service.aws.clients import Clients, open_clients
from service.circuit_breaker import Breaker, UpstreamRefused
from service.domain.errors import UpstreamUnavailable
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from tests.observability.metrics.samples import samples_of
from tests.support import scripted_aws
from tests.support.configs import CREDENTIALS, KEY_CONNECTIONS, configured
from tests.support.scripted_aws import refusal, scripted_server
from tests.support.scripted_key_server import http, key_endpoint, ok, saying


def _calls(metrics: Metrics) -> dict[str, float]:
    """Return the series of calls that were counted."""
    return {
        name.removeprefix("upstream_calls_total"): value
        for name, value in samples_of(metrics).items()
        if name.startswith("upstream_calls_total")
    }


async def _get(clients: Clients) -> object:
    return await clients.dynamodb.get_item(TableName="table", Key={"userId": {"S": "a"}})


def _series(operation: str, outcome: str, upstream: str) -> str:
    return f'{{operation="{operation}",outcome="{outcome}",upstream="{upstream}"}}'


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("transport", ["fast", "botocore"])
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (scripted_aws.answer({}), "ok"),
        (refusal("ConditionalCheckFailedException"), "refused"),
        (refusal("ThrottlingException"), "throttled"),
        (refusal("InternalServerError", 500), "fault"),
        (scripted_aws.HANG, "unanswered"),
        (scripted_aws.HANG_UP, "unanswered"),
        (scripted_aws.raw(b"[]"), "failed"),
    ],
    ids=["answer", "refusal", "throttling", "fault", "silence", "hang-up", "nonsense"],
)
async def test_call_is_counted_with_its_outcome(
    transport: str, answer: bytes | None, outcome: str
) -> None:
    """A call counts once, with its final outcome, however many attempts it took."""
    metrics = Metrics()
    async with scripted_server(answer) as server:
        config = configured(
            {
                "aws.dynamodb": {
                    "endpoint-url": server.url,
                    "transport": transport,
                    "read-timeout-s": "0.1",
                }
            }
        )
        async with open_clients(config, CREDENTIALS, UpstreamTelemetry(metrics)) as clients:
            with suppress(ClientError, BotoCoreError, ResponseParserError):
                await _get(clients)

    assert _calls(metrics) == {_series("GetItem", outcome, "dynamodb"): 1}


async def test_cognitos_call_is_counted() -> None:
    """Cognito's calls count under its name."""
    metrics = Metrics()
    async with scripted_server(refusal("NotAuthorizedException")) as server:
        config = configured({"aws.cognito": {"endpoint-url": server.url}})
        async with open_clients(config, CREDENTIALS, UpstreamTelemetry(metrics)) as clients:
            for _ in range(2):
                with pytest.raises(ClientError):
                    await clients.cognito.get_user(AccessToken="none")

    assert _calls(metrics) == {_series("GetUser", "refused", "cognito"): 2}


async def test_attribute_that_is_no_operation_is_the_clients() -> None:
    """A recorded client of Cognito has the other attributes of aioboto3's client."""
    async with open_clients(configured(), CREDENTIALS) as clients:
        assert clients.cognito.meta.region_name == "us-east-1"
        assert getattr(clients.cognito, "no_such_operation", None) is None


async def test_cancelled_call_has_its_own_outcome() -> None:
    """A call that is cancelled with its request does not count as a failure of the upstream."""
    metrics = Metrics()
    async with scripted_server(scripted_aws.HANG) as server:
        config = configured({"aws.dynamodb": {"endpoint-url": server.url}})
        async with open_clients(config, CREDENTIALS, UpstreamTelemetry(metrics)) as clients:
            call = asyncio.ensure_future(_get(clients))
            async with asyncio.timeout(10), server.news:
                await server.news.wait_for(lambda: server.requests)
            call.cancel()
            await asyncio.wait((call,))

    assert _calls(metrics) == {_series("GetItem", "cancelled", "dynamodb"): 1}


def _key_server(metrics: Metrics) -> AbstractAsyncContextManager[KeyClient]:
    breaker = Breaker("key_server", configured().upstreams)
    return key_server(breaker, UpstreamTelemetry(metrics), KEY_CONNECTIONS)


@pytest.mark.parametrize(
    ("name", "outcome"), [("there", "ok"), ("down", "unanswered"), ("unknown", "ok")]
)
async def test_fetch_of_a_key_is_counted(name: str, outcome: str) -> None:
    """Responses of a key server count like those of AWS."""
    metrics = Metrics()
    async with key_endpoint() as endpoint, _key_server(metrics) as server:
        endpoint.answers["there"] = ok(b"key")
        endpoint.answers["down"] = saying(http(b"", 500))
        with suppress(NoSuchKey, UpstreamUnavailable):
            await server.fetch(endpoint.url + name)

    assert _calls(metrics) == {_series("fetch", outcome, "key_server"): 1}


async def test_call_that_the_breaker_refuses_is_counted_as_not_sent() -> None:
    """A call that the circuit breaker refuses is counted as not_sent."""
    metrics = Metrics()

    with pytest.raises(UpstreamRefused), UpstreamTelemetry(metrics).record("dynamodb", "GetItem"):
        raise UpstreamRefused("dynamodb", retry_after_s=1)

    assert _calls(metrics) == {_series("GetItem", "not_sent", "dynamodb"): 1}
