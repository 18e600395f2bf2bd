"""Servers of aiohttp on a free port of loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from service.config.settings import ServerConfig
from service.server.runner import Runner


@asynccontextmanager
async def served(
    app: web.Application, config: ServerConfig, *, finish_within_s: float = 1
) -> AsyncIterator[str]:
    """Serve *app* as the server does; yields its URL. Requests have *finish_within_s* to finish."""
    async with listening(Runner(app, config, shutdown_timeout_s=finish_within_s)) as url:
        yield url


@asynccontextmanager
async def listening(runner: web.BaseRunner) -> AsyncIterator[str]:
    """Start *runner*, and yield its URL; clean it up at the end."""
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
