"""Recording of events as activity, from the start of the application to the end of its requests."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import hdrs, web

from service.api import keys
from service.api.activity.recorder import ActivityRecorder
from service.api.client_address import client_address
from service.domain.activity import ActivityLog, bounded_text

# Within what a supervisor allows beyond the deadline of requests (service/server/workers.py).
LEAST_FLUSH_S: Final = 1.0
RECORDER: Final = web.AppKey("activity_recorder", ActivityRecorder)  # only where activity is on


def record(
    request: web.Request,
    event: str,
    *,
    sub: str,
    detail: str | None = None,
    names: Iterable[str] = (),
) -> None:
    """
    Record an event of the user *sub* where activity is on.

    Its detail is *detail*, or the *names* of what changed. Texts are bounded. Of another service that
    caused it, the client id is recorded alone: its address is not the user's.
    """
    recorder = request.app.get(RECORDER)
    if recorder is None:
        return
    service = request.get(keys.SERVICE_CALLER)
    if service is not None:
        recorder.record(sub, event, detail=bounded_text(service.client_id))
        return
    address = client_address(request)
    recorder.record(
        sub,
        event,
        address=None if address is None else str(address),
        device=bounded_text(request.headers.get(hdrs.USER_AGENT, "")),
        detail=bounded_text(detail or " ".join(sorted(names))),
    )


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
