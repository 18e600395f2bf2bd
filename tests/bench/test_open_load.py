"""An open load, and the stub's delay, keep the time."""

import asyncio
import itertools
import time

from aiohttp import web
from aiohttp.test_utils import TestServer

from bench import traffic
from bench.load.open_load import OpenLoad, OpenOutcome
from bench.load.timer import Timer
from bench.stubs import http

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


async def test_latency_counts_from_the_time_at_which_a_request_is_due() -> None:
    """Responses other than 2xx count as failed."""
    seen = itertools.count()

    async def respond(_: web.Request) -> web.Response:
        return web.json_response({}, status=500 if next(seen) == 0 else 200)

    app = web.Application()
    app.router.add_get(traffic.PATH, respond)
    async with TestServer(app) as server:
        assert server.port is not None
        async with OpenLoad(server.port) as load:
            requests = itertools.cycle(traffic.reads_of_known_users())
            outcome = await load.run(requests, rate=500, seconds=0.02)

    assert (outcome.requests, len(outcome.latencies_s), len(outcome.late_s)) == (10, 9, 10)
    assert 0 < outcome.latencies_s[0] <= outcome.latencies_s[-1]
    assert outcome.late_s[0] >= 0


async def test_request_without_a_free_connection_waits() -> None:
    """With one connection, requests are sent one after another, and the wait counts as latency."""
    answer = http.answer(b"", "text/plain")
    delay = http.Delay(0.02)
    server = await asyncio.get_running_loop().create_server(
        lambda: http.Stub(lambda _head, _body: answer, delay), "127.0.0.1", 0
    )
    async with server, OpenLoad(_port(server), connections=1) as load:
        outcome = await load.run(itertools.repeat(REQUEST), rate=1_000, seconds=0.003)
    delay.close()

    assert outcome.answered == 1
    assert outcome.latencies_s[0] >= 0.02
    assert outcome.latencies_s[-1] >= 3 * 0.02 - 0.002


async def test_request_on_a_connection_that_breaks_has_failed() -> None:
    """The run ends once no response can come any more."""

    class Breaking(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._transport = transport

        def data_received(self, _: bytes) -> None:
            self._transport.close()

    server = await asyncio.get_running_loop().create_server(Breaking, "127.0.0.1", 0)
    async with server, OpenLoad(_port(server)) as load:
        outcome = await load.run(itertools.repeat(REQUEST), rate=1_000, seconds=0.003)

    assert (outcome.requests, outcome.answered) == (3, 0)


async def test_timer_expires_at_its_time_and_not_before() -> None:
    """A time that is past expires at once; a timer that is set again expires at the later time."""
    expired = asyncio.Event()
    timer = Timer(expired.set)
    timer.set(time.perf_counter() - 1)
    await expired.wait()

    expired.clear()
    due = time.perf_counter() + 0.0005
    timer.set(due - 0.0004)
    timer.set(due)
    await expired.wait()

    assert time.perf_counter() >= due
    timer.close()


def test_quantiles_of_a_run_are_in_milliseconds() -> None:
    """A run without any answer has none, and shows 0."""
    outcome = OpenOutcome(4, [0.001, 0.002, 0.004], [0.0001])

    assert (outcome.answered, outcome.latency_ms(0.5), outcome.late_ms(0.99)) == (0.75, 2, 0.1)
    assert OpenOutcome(4, [], []).latency_ms(0.5) == 0


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
