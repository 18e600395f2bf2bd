"""The listener for Prometheus, on a port that is not the public one."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import hdrs, web

from service.api.middlewares.request_context import ANSWER_HEADERS
from service.config.settings import ServerConfig
from service.observability.metrics import event_loop_lag
from service.observability.metrics.catalogue import Metrics
from service.server.runner import Runner, Site
from service.startup_errors import AddressUnavailable

PATH: Final = "/metrics"
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
        await _bind(runner, config.host, ports)
        host, port = runner.addresses[0][:2]
        structlog.get_logger().info("metrics_listening", host=host, port=port, process=os.getpid())
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


async def _bind(runner: Runner, host: str, ports: Sequence[int]) -> None:
    for port in ports:
        try:
            await Site(runner, host, port).start()
        except (OSError, UnicodeError) as error:  # UnicodeError: the host is no valid name
            failure = getattr(error, "strerror", None) or error
        else:
            return
    tried = f"{ports[0]}" if len(ports) == 1 else f"{ports[0]} to {ports[-1]}"
    raise AddressUnavailable(
        f"Cannot listen on {host}:{tried} for metrics: {failure}. "
        "Choose another port with SERVER_METRICS_PORT; 0 turns the listener off."
    )
