"""Serving of an application until a signal."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import uvloop
from aiohttp import web

from service.api import keys
from service.config.settings import ServerConfig
from service.server.addresses import bound_sockets
from service.server.runner import Runner, Site

Result = TypeVar("Result")

ADVICE: Final = "Choose another address with SERVER_HOST and SERVER_PORT."
# From the end of listening to the close of idle connections: new ones may still send a request.
IDLE_CLOSE_S: Final = 0.5


async def serve(
    app: web.Application,
    config: ServerConfig,
    *,
    listening: Callable[[Sequence[str], int], None],
    finish_within_s: float | None = None,
    worker_of: int | None = None,
) -> None:
    """
    Serve *app* until SIGINT or SIGTERM; then drain, and let requests in flight finish.

    While it drains, for the configured seconds, it is not ready and serves on, but closes connections
    after each response; a second signal ends the draining. Requests in flight have until their deadline;
    with *finish_within_s* they have so many seconds, and nothing is drained. Calls *listening* with the
    addresses and the port once connections are accepted. *worker_of* is a descriptor that ends with the
    supervisor's process; the port is then shared with its other workers. Raises AddressUnavailable.
    """
    stop, stop_now = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        (stop_now if stop.is_set() else stop).set()

    def orphaned(descriptor: int) -> None:
        loop.remove_reader(descriptor)  # it stays readable
        stop.set()
        stop_now.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    if worker_of is not None:
        loop.add_reader(worker_of, orphaned, worker_of)
    finish_s = config.request_deadline_s if finish_within_s is None else finish_within_s
    runner = Runner(app, config, shutdown_timeout_s=finish_s)
    try:
        await runner.setup()
        # With aiohttp's backlog of 128, further simultaneous connections would wait for a second.
        backlog = config.max_connections
        sockets = bound_sockets(
            config.host,
            config.port,
            advice=ADVICE,
            backlog=backlog,
            shared=worker_of is not None,
        )
        sites = [Site(runner, bound, backlog=backlog) for bound in sockets]
        for site in sites:
            await site.start()
        listening([host for host, *_ in runner.addresses], runner.addresses[0][1])
        await stop.wait()
        if finish_within_s is None:
            await _drain(app, config.drain_s, stop_now)
            for site in sites:
                await site.stop()
            await asyncio.sleep(IDLE_CLOSE_S)
    finally:
        if worker_of is not None:
            loop.remove_reader(worker_of)
        await runner.cleanup()


async def _drain(app: web.Application, drain_s: float, stop_now: asyncio.Event) -> None:
    """Serve on for *drain_s*, or until *stop_now*, while load balancers notice that it is not ready."""
    load = app.get(keys.SERVER_LOAD)
    if load is not None:
        load.draining = True
    with suppress(TimeoutError):
        async with asyncio.timeout(drain_s):
            await stop_now.wait()


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run *main* on uvloop, which serves with about a fifth less CPU than asyncio's own loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
