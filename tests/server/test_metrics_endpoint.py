"""The metrics have their own port, which is not the public one."""

import contextlib
import socket
from dataclasses import replace

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.app import Adapters, create_app
from service.observability.metrics.catalogue import Metrics
from service.server.metrics_endpoint import listening
from service.startup_errors import AddressUnavailable
from tests.api.raw_http import logged
from tests.observability.metrics.samples import Samples, samples_in
from tests.support.configs import configured, opening

CONFIG = configured({"server": {"host": "127.0.0.1", "readiness-interval-s": "300"}})


async def _samples(port: int) -> Samples:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        assert answer.status == 200
        return samples_in(await answer.text())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port


async def test_scrape_shows_the_current_values() -> None:
    """A scrape shows the values of that moment."""
    metrics = Metrics()
    async with listening(metrics, CONFIG.server, [0]) as port:
        before = await _samples(port)
        metrics.request_shed("requests")
        after = await _samples(port)

    name = 'http_requests_shed_total{reason="requests"}'
    assert name not in before
    assert after[name] == 1


@pytest.mark.parametrize(
    "accept",
    ["text/plain; version=1.x", "application/openmetrics-text;version=1.0.0a", ";;q=,", "\xe9"],
)
async def test_malformed_accept_is_served_in_the_default_format(accept: str) -> None:
    """An Accept header that cannot be parsed is no failure: the metrics come in the default format."""
    with logged() as log:
        async with (
            listening(Metrics(), CONFIG.server, [0]) as port,
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept}) as answer,
        ):
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/plain; version=")

    assert "exception" not in log.getvalue()


async def test_listener_serves_nothing_else() -> None:
    """Other paths are 404, and no response reveals versions."""
    async with (
        listening(Metrics(), CONFIG.server, [0]) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/v1/user/profile") as answer,
    ):
        assert answer.status == 404
        assert answer.headers["Server"] == "user-profile-service"


async def test_next_port_is_taken_where_the_first_is_not_free() -> None:
    """The next port of the range is used, so several workers find one each."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with listening(Metrics(), CONFIG.server, [taken.getsockname()[1], 0]) as port:
            samples = await _samples(port)

    assert "process_open_fds" in samples


@pytest.mark.parametrize("count", [1, 3])
async def test_taken_port_is_refused(count: int) -> None:
    """Where no port is free, the message names the ports and what to do."""
    with contextlib.ExitStack() as stack:
        bound = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        ports = [each.getsockname()[1] for each in bound]
        with pytest.raises(AddressUnavailable, match="Choose another port with SERVER_METRICS"):
            async with listening(Metrics(), CONFIG.server, ports):
                pass


async def test_invalid_host_is_refused() -> None:
    """A host that is no valid name is reported in the same way."""
    server = replace(CONFIG.server, host=("a" * 64,))
    with pytest.raises(AddressUnavailable, match="for metrics"):
        async with listening(Metrics(), server, [0]):
            pass


async def test_application_opens_and_closes_it(memory: Adapters) -> None:
    """The metrics of the application are on the configured port, and on no other."""
    port = _free_port()
    config = replace(CONFIG, server=replace(CONFIG.server, metrics_port=port))
    async with TestClient(TestServer(create_app(config, opening(memory)))) as client:
        async with client.get("/health/live") as answer:
            assert answer.status == 200
        async with client.get("/metrics") as answer:
            assert answer.status == 404
        samples = await _samples(port)

    served = 'http_requests_total{method="GET",route="/health/live",status="200"}'
    assert samples[served] == 1
    assert samples['http_requests_total{method="GET",route="none",status="404"}'] == 1
    assert "event_loop_lag_seconds_count" in samples
    with pytest.raises(aiohttp.ClientConnectorError):
        await _samples(port)
