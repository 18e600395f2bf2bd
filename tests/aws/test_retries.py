"""Retries are counted."""

import pytest
from botocore.exceptions import HTTPClientError

from service.aws import retries
from service.aws.clients import open_clients
from service.cognito.user_pool_client import UserPoolClient
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from tests.observability.metrics.samples import samples_of
from tests.support import scripted_aws
from tests.support.configs import CREDENTIALS, configured
from tests.support.scripted_aws import refusal, scripted_server


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("transport", ["fast", "botocore"])
@pytest.mark.parametrize(("failures", "counted"), [(0, None), (1, 1), (2, 2)])
async def test_dynamodbs_retries_are_counted(
    transport: str, failures: int, counted: float | None
) -> None:
    """Each attempt after the first is counted, with each transport."""
    metrics = Metrics()
    answers = [refusal("InternalServerError", 500)] * failures + [scripted_aws.answer({})]
    async with scripted_server(*answers) as server:
        config = configured({"aws.dynamodb": {"endpoint-url": server.url, "transport": transport}})
        async with open_clients(config, CREDENTIALS, UpstreamTelemetry(metrics)) as clients:
            await clients.dynamodb.get_item(TableName="table", Key={"userId": {"S": "a"}})

    samples = samples_of(metrics)
    assert samples.get('upstream_retries_total{upstream="dynamodb"}') == counted


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize(("within_s", "attempts"), [(retries.LOST_WITHIN_S, 8), (0, 3)])
async def test_soon_lost_responses_are_retried_more_often(
    monkeypatch: pytest.MonkeyPatch, within_s: float, attempts: int
) -> None:
    """A call has eight attempts if responses are lost soon, and three otherwise."""
    monkeypatch.setattr(retries, "LOST_WITHIN_S", within_s)
    async with scripted_server(scripted_aws.HANG_UP) as server:
        config = configured({"aws.dynamodb": {"endpoint-url": server.url}})
        async with open_clients(config, CREDENTIALS) as clients:
            with pytest.raises(HTTPClientError):
                await clients.dynamodb.get_item(TableName="table", Key={"userId": {"S": "a"}})

    assert len(server.requests) == attempts


async def test_cognitos_retry_is_counted() -> None:
    """The one retry of a call to Cognito is counted."""
    retried: list[str] = []
    async with scripted_server(scripted_aws.HANG_UP, scripted_aws.answer({})) as server:
        config = configured({"aws.cognito": {"endpoint-url": server.url}})
        async with open_clients(config, CREDENTIALS) as clients:
            client = UserPoolClient(
                clients.cognito, config=config.cognito, on_retry=lambda: retried.append("cognito")
            )
            await client.call("GetUser", AccessToken="none")

    assert retried == ["cognito"]
