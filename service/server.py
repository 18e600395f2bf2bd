"""Serves an application until a signal ends it."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop
from aiohttp import web

from service.config import ServerConfig
from service.errors import AddressUnavailable
from service.web.protocol import Runner

Result = TypeVar("Result")


async def serve(
    app: web.Application,
    config: ServerConfig,
    *,
    listening: Callable[[str, int], None],
    finish_within_s: float | None = None,
    worker_of: int | None = None,
) -> None:
    """
    Serve *app* until SIGINT or SIGTERM; then let requests in flight finish.

    They have *finish_within_s* seconds, or as long as their deadline. Calls *listening* with the
    address and the port once connections are accepted. *worker_of* is a descriptor that ends with the
    process that this one works for; the port is then shared with its other workers. Raises
    AddressUnavailable.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if worker_of is not None:
        loop.add_reader(worker_of, stop.set)
    finish_s = config.request_deadline_s if finish_within_s is None else finish_within_s
    runner = Runner(app, shutdown_timeout_s=finish_s)
    try:
        await runner.setup()
        site = web.TCPSite(
            runner, config.host, config.port, reuse_port=worker_of is not None or None
        )
        try:
            await site.start()
        except (OSError, UnicodeError) as error:  # UnicodeError: no host can have such a name
            raise AddressUnavailable(
                f"Cannot listen on {config.host}:{config.port}: "
                f"{getattr(error, 'strerror', None) or error}. "
                "Choose another address with SERVER_HOST and SERVER_PORT."
            ) from None
        host, port = runner.addresses[0][:2]
        listening(host, port)
        await stop.wait()
    finally:
        if worker_of is not None:
            loop.remove_reader(worker_of)
        await runner.cleanup()


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run *main* on uvloop, which serves with about a fifth less CPU than asyncio's own loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
