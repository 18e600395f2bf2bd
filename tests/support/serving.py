"""The service on a free port of this machine, as the server runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from service.config.settings import ServerConfig
from service.server.runner import Runner


@asynccontextmanager
async def served(
    app: web.Application, config: ServerConfig, *, finish_within_s: float = 1
) -> AsyncIterator[str]:
    """Serve *app*, and yield its URL; at the end, requests have *finish_within_s* to finish."""
    runner = Runner(app, config, shutdown_timeout_s=finish_within_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
