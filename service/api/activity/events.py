"""Recording of an event as activity, with the client that caused it."""

from collections.abc import Iterable
from typing import Final

from aiohttp import hdrs, web

from service.api import keys
from service.api.activity.recorder import ActivityRecorder
from service.api.client_address import client_address
from service.domain.activity import bounded_text

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
