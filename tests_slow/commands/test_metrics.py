"""The service exposes metrics on separate ports, one for each process."""

import json
import signal
import socket
from pathlib import Path

import aiohttp
import pytest

from local_aws.server import LocalAws
from tests.observability.metrics.samples import Samples, samples_in
from tests_slow.commands.running import run, running

WORKERS = 2


@pytest.fixture(name="environ")
def _environ(own_local_aws: LocalAws) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_COGNITO_USER_POOL_ID": "us-east-1_none",
        "AWS_COGNITO_CLIENT_ID": "none",
        "AWS_COGNITO_ENDPOINT_URL": own_local_aws.endpoint_url,
        "AWS_DYNAMODB_ENDPOINT_URL": own_local_aws.endpoint_url,
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
    }


def _free_ports(count: int) -> int:
    """Return the first of so many ports in a row that were all free a moment ago."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port: int = first.getsockname()[1]
            try:
                for number in range(port + 1, port + count):
                    socket.create_server(("127.0.0.1", number)).close()
            except OSError:
                continue
            return port


async def _samples(port: int) -> Samples:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        return samples_in(await answer.text())


async def test_each_worker_tells_its_own(environ: dict[str, str], tmp_path: Path) -> None:
    """Every worker has a port, and the sum of their counters is the number of requests."""
    first = _free_ports(WORKERS)
    more = {"SERVER_METRICS_PORT": str(first), "SERVER_WORKERS": str(WORKERS)}
    async with (
        running("serve", folder=tmp_path, environ={**environ, **more}, measured=True) as program,
        aiohttp.ClientSession(headers={"Connection": "close"}) as session,
    ):
        for _ in range(WORKERS):
            port = json.loads(await program.until('"listening"'))["port"]
        for _ in range(20):
            async with session.get(f"http://127.0.0.1:{port}/health/live") as answer:
                assert answer.status == 200
        told = [await _samples(first + number) for number in range(WORKERS)]

    served = 'http_requests_total{method="GET",route="/health/live",status="200"}'
    assert sum(samples.get(served, 0) for samples in told) == 20
    assert all(samples["process_resident_memory_bytes"] > 0 for samples in told)


async def test_taken_port_stops_the_start(environ: dict[str, str], tmp_path: Path) -> None:
    """A service whose metrics port is taken does not start, with a one-line message."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = await run(
            "serve",
            folder=tmp_path,
            environ={**environ, "SERVER_METRICS_PORT": str(port)},
            measured=True,
        )

    assert ended.status == 2
    assert ended.errors.startswith(f"Cannot listen on 127.0.0.1:{port} for metrics: ")
    assert len(ended.errors.splitlines()) == 1


async def test_tracing_library_is_loaded_only_where_configured(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """Without a collector nothing of OpenTelemetry is imported."""
    async with running(
        "serve", folder=tmp_path, environ=environ, options=("-X", "importtime")
    ) as program:
        await program.until('"listening"')
        ended = await program.end(signal.SIGTERM)

    assert "service.observability.metrics.catalogue" in ended.errors
    assert "opentelemetry" not in ended.errors
