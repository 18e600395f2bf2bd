"""The lifetime of the recorder: from the start of the application to the end of its requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from service.api import keys
from service.api.activity.events import RECORDER
from service.api.activity.recorder import ActivityRecorder
from service.domain.activity import ActivityLog

# Within what a supervisor allows beyond the deadline of requests (service/server/workers.py).
LEAST_FLUSH_S: Final = 1.0


@asynccontextmanager
async def recording(app: web.Application, log: ActivityLog) -> AsyncIterator[None]:
    """
    Record the activity of requests in *log*, if it is on; then store what is queued.

    That takes no longer than requests may take that are in flight when the server stops.
    """
    config = app[keys.CONFIG]
    if not config.activity.days:
        yield
        return
    recorder = app[RECORDER] = ActivityRecorder(log, metrics=app[keys.METRICS])
    yield
    load, now_s = app[keys.SERVER_LOAD], asyncio.get_running_loop().time()
    stopped_at_s = now_s if load.stopped_at_s is None else load.stopped_at_s
    allowed_s = max(config.server.request_deadline_s, LEAST_FLUSH_S)
    await recorder.flush(max(0.0, stopped_at_s + allowed_s - now_s))


async def note_stop(app: web.Application) -> None:
    """Note when the server stopped; requests in flight go on."""
    app[keys.SERVER_LOAD].stopped_at_s = asyncio.get_running_loop().time()
