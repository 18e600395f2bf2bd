"""The listener for Prometheus, on a port that is not the public one."""

import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from aiohttp import hdrs, web

from service.api.middlewares.request_context import ANSWER_HEADERS
from service.config.settings import ServerConfig
from service.observability.metrics import event_loop_lag
from service.observability.metrics.catalogue import Metrics
from service.server.addresses import bound_sockets
from service.server.runner import Runner, Site
from service.startup_errors import AddressUnavailable

PATH: Final = "/metrics"
ADVICE: Final = (
    "Choose another port with SERVER_METRICS_PORT, of which each worker takes the next free one, or "
    "0 for no listener; or another address with SERVER_HOST."
)
BACKLOG: Final = 128
SHUTDOWN_S: Final = 1.0  # a response takes milliseconds


@asynccontextmanager
async def listening(
    metrics: Metrics, config: ServerConfig, ports: Sequence[int]
) -> AsyncIterator[int]:
    """
    Serve *metrics* on the first of *ports* that is free, and yield that port.

    Several workers find a port each in this way, and a restarted one finds the port that became free.
    Raises AddressUnavailable.
    """
    runner = Runner(_app(metrics), config, shutdown_timeout_s=SHUTDOWN_S)
    await runner.setup()
    try:
        for bound in _bound(config.host, ports):
            await Site(runner, bound, backlog=BACKLOG).start()
        port = runner.addresses[0][1]
        hosts = " ".join(host for host, *_ in runner.addresses)
        structlog.get_logger().info("metrics_listening", host=hosts, port=port, process=os.getpid())
        async with event_loop_lag.measured(metrics.observe_lag):
            yield port
    finally:
        await runner.cleanup()


def _app(metrics: Metrics) -> web.Application:
    async def show(request: web.Request) -> web.Response:
        body, content_type = metrics.exposition(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})

    async def complete(_: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(ANSWER_HEADERS)

    app = web.Application()
    app.on_response_prepare.append(complete)
    app.router.add_get(PATH, show)
    return app


def _bound(hosts: Sequence[str], ports: Sequence[int]) -> list[socket.socket]:
    """Return sockets of the first of *ports* that is free; raises AddressUnavailable."""
    for port in ports[:-1]:
        with suppress(AddressUnavailable):
            return _bound_to(hosts, port)
    return _bound_to(hosts, ports[-1])


def _bound_to(hosts: Sequence[str], port: int) -> list[socket.socket]:
    return bound_sockets(hosts, port, advice=ADVICE, backlog=BACKLOG, purpose=" for metrics")
