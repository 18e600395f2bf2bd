"""An attempt: what stands around each call to Cognito, so that answers tell nothing by their time."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from service.api import keys
from service.api.audit_log import AuditEvent, emit
from service.api.client_address import client_address
from service.config.settings import Config
from service.domain.client import Client
from service.domain.errors import ServiceError
from service.rate_limiting.limited_actions import SIGNED_IN, RateLimitedAction
from service.rate_limiting.rate_limiter import RateLimiter

RATE_LIMITER: Final = web.AppKey("front_door", RateLimiter)
LATEST: Final = 0.9  # of the request's deadline: an answer that waits longer would be a 504


@asynccontextmanager
async def guarded_call(  # noqa: PLR0913 -- what the limits and the log need to know of a call
    request: web.Request,
    kind: RateLimitedAction,
    *,
    account: str | None = None,
    recipients: Sequence[str] = (),
    pad_success: bool = False,
    refused: AuditEvent | None = None,
) -> AsyncIterator[Client]:
    """
    Admit a call to Cognito, which is made inside, and give it the client that it is made for.

    A refusal from inside leaves only after a whole multiple of `answer-floor-ms`, unless the caller is
    signed in and knows the account anyway; with *pad_success* a success too. *refused* is the event that
    refusals are written as, *recipients* are the addresses that a message may be sent to. Raises
    TooManyAttempts and Throttled of the front door at once.
    """
    loop = asyncio.get_running_loop()
    begun_at_s = loop.time()
    client = Client(client_address(request))
    config = request.app[keys.CONFIG]
    try:
        admitted = request.app[RATE_LIMITER].admit(
            kind, address=client.address, account=account, recipients=recipients
        )
    except ServiceError as error:
        _record(request, refused, account, error)
        raise
    try:
        with admitted:
            yield client
    except ServiceError as error:
        _record(request, refused, account, error)
        if kind not in SIGNED_IN:
            await asyncio.sleep(_left_s(loop.time() - begun_at_s, config))
        raise
    if pad_success:
        await asyncio.sleep(_left_s(loop.time() - begun_at_s, config))


def _record(
    request: web.Request, event: AuditEvent | None, account: str | None, error: ServiceError
) -> None:
    if event is not None:
        emit(request, event, account=account, refusal=error)


def _left_s(taken_s: float, config: Config) -> float:
    """Return how long an answer has to wait yet."""
    floor_s = config.auth.answer_floor_ms / 1_000
    if floor_s == 0:
        return 0
    due_s = max(1, math.ceil(taken_s / floor_s)) * floor_s
    return max(0, min(due_s, config.server.request_deadline_s * LATEST) - taken_s)
