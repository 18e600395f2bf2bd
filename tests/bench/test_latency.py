"""The measurement of latency at a fixed rate."""

import itertools

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench import latency, servers, traffic
from bench.latency import Row, Run, Settings


def test_environment_overrides_the_extent() -> None:
    """Servers are separated by semicolons, because some have a comma in their name."""
    environ = {
        "BENCH_SERVERS": f"{servers.SERVICE}; {servers.SERVICE_UNGATHERED}",
        "BENCH_DELAYS_MS": "2.5",
        "BENCH_RATES": "10 20",
        "BENCH_ROUNDS": "1",
        "BENCH_SECONDS": "0.5",
    }

    read = Settings.read(environ)

    chosen = (servers.SERVICE, servers.SERVICE_UNGATHERED)
    assert read == Settings(chosen, (2.5,), (10, 20), rounds=1, seconds=0.5)
    assert Settings.read({}) == Settings()


def test_unknown_server_is_named() -> None:
    """The message names the unknown server and lists the known ones."""
    with pytest.raises(ValueError, match=r"BENCH_SERVERS: other is none of: service;"):
        Settings.read({"BENCH_SERVERS": "other"})


async def test_latency_counts_from_the_time_at_which_a_request_is_due() -> None:
    """Responses other than 2xx count as failed; the connections that wait do not delay others."""
    seen = itertools.count()

    async def respond(_: web.Request) -> web.Response:
        return web.json_response({}, status=500 if next(seen) == 0 else 200)

    app = web.Application()
    app.router.add_get(traffic.PATH, respond)
    async with TestServer(app) as server:
        assert server.port is not None
        load = latency.Load(server.port, itertools.cycle(traffic.reads_of_known_users()))
        await load.run(rate=500, seconds=0.02)

    assert (len(load.latencies_s), load.failed) == (9, 1)
    assert min(load.latencies_s) > 0


def test_result_is_a_table_that_marks_failures() -> None:
    """A row shows its server, delay and rate, and the share of failed requests if there are any."""
    good, bad = Run(5.5, 7.25, 9, 400, 0), Run(5.5, 7.25, 9, 400, 0.125)

    lines = latency.text([Row("a", 5, 2_000, good), Row("b", 5, 2_000, bad)]).splitlines()

    assert lines[2:] == [
        "| 5 ms | 2,000 | a | 5.5 ms | 7.2 ms | 9.0 ms | 400 µs |",
        "| 5 ms | 2,000 | b | 5.5 ms | 7.2 ms | 9.0 ms | 400 µs | 12.5% failed",
    ]
