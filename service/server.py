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
    app: web.Application, config: ServerConfig, *, listening: Callable[[str, int], None]
) -> None:
    """
    Serve *app* until SIGINT or SIGTERM; requests in flight are finished within their deadline.

    Calls *listening* with the address and the port once connections are accepted. Raises
    AddressUnavailable.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    runner = Runner(app, shutdown_timeout_s=config.request_deadline_s)
    try:
        await runner.setup()
        site = web.TCPSite(runner, config.host, config.port)
        try:
            await site.start()
        except OSError as error:
            raise AddressUnavailable(
                f"Cannot listen on {config.host}:{config.port}: {error.strerror}. "
                "Choose another port with SERVER_PORT."
            ) from None
        host, port = runner.addresses[0][:2]
        listening(host, port)
        await stop.wait()
    finally:
        await runner.cleanup()


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run *main* on uvloop, which serves with about a fifth less CPU than asyncio's own loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
