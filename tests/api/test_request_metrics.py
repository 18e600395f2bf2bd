"""All requests are counted: served, refused by the application, or before it."""

import asyncio

from service.api import keys
from service.app import Adapters, create_app
from tests.api.conftest import ALICE, Start
from tests.api.raw_http import exchange, serving, until
from tests.observability.metrics.samples import samples_of
from tests.support.configs import configured, opening


async def test_requests_are_counted_by_route(start: Start) -> None:
    """A request is counted by its route, not by its path."""
    api = await start()
    async with api.get("/v1/user/profile", headers=ALICE) as answer:
        assert answer.status == 404
    async with api.get("/docs/page.css") as answer:
        assert answer.status == 200
    async with api.get("/nowhere/4711") as answer:
        assert answer.status == 404

    samples = samples_of(api.app[keys.METRICS])
    assert {name: value for name, value in samples.items() if "requests_total" in name} == {
        'http_requests_total{method="GET",route="/v1/user/profile",status="404"}': 1,
        'http_requests_total{method="GET",route="/docs/{asset}",status="200"}': 1,
        'http_requests_total{method="GET",route="none",status="404"}': 1,
    }


async def test_request_that_is_one_too_many_is_counted_as_shed(start: Start) -> None:
    """A request beyond max-in-flight is counted as shed; the gauge shows the one in flight."""
    api = await start({"server": {"max-in-flight": "1"}})
    metrics, slots = (
        api.app[keys.METRICS],
        api.app[keys.SERVER_LOAD].slots[keys.Dependency.DYNAMODB],
    )
    slots.in_flight = 1
    try:
        async with api.get("/v1/user/profile", headers=ALICE) as answer:
            assert answer.status == 503
        samples = samples_of(metrics)
    finally:
        slots.in_flight = 0

    assert samples["http_requests_in_flight"] == 1
    assert samples['http_requests_shed_total{reason="requests"}'] == 1
    assert samples_of(metrics)["http_requests_in_flight"] == 0


async def test_connections_are_counted(memory: Adapters) -> None:
    """The gauge shows open connections, and one beyond the limit is counted as shed."""
    app = create_app(configured(), opening(memory))
    metrics = app[keys.METRICS]
    async with serving(app, **{"max-connections": "1"}) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: samples_of(metrics)["http_connections_open"] == 1)
        heard = await exchange(port)
        writer.close()
        await until(lambda: samples_of(metrics)["http_connections_open"] == 0)

    assert heard.answers[0].status == 503
    assert samples_of(metrics)['http_requests_shed_total{reason="connections"}'] == 1


async def test_what_is_no_http_is_counted(memory: Adapters) -> None:
    """A request refused by the parser or by validation is counted without a route."""
    app = create_app(configured(), opening(memory))
    async with serving(app) as port:
        await exchange(port, b"nonsense\r\n\r\n")
        await exchange(port, b"GET /health/live HTTP/1.1\r\nHost: a b\r\n\r\n")

    samples = samples_of(app[keys.METRICS])
    assert {name: value for name, value in samples.items() if "requests_total" in name} == {
        'http_requests_total{method="other",route="none",status="400"}': 1,
        'http_requests_total{method="GET",route="none",status="400"}': 1,
    }
