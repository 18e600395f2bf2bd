"""The guard of each call to Cognito: rate limits, audit events and padded response times."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
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

RATE_LIMITER: Final = web.AppKey("rate_limiter", RateLimiter)
MAX_DEADLINE_SHARE: Final = 0.9  # of the request's deadline; a longer wait would end in a 504


@asynccontextmanager
async def guarded_call(  # noqa: PLR0913 -- what the rate limiter and the audit log need
    request: web.Request,
    action: RateLimitedAction,
    *,
    account: str | None = None,
    metadata: Mapping[str, str] | None = None,
    recipients: Sequence[str] = (),
    pad_success: bool = False,
    refused: AuditEvent | None = None,
) -> AsyncIterator[Client]:
    """
    Admit a call to Cognito, which the caller makes inside, and yield the client that it is made for.

    An error raised inside leaves after a multiple of `answer-floor-ms`, unless *action* is one of a
    signed-in caller, who knows that the account exists; with *pad_success* a success does too. *refused*
    is the audit event of errors, *recipients* the addresses that a message may be sent to, *metadata*
    the client's. Raises TooManyAttempts and Throttled of the rate limiter without delay.
    """
    loop = asyncio.get_running_loop()
    started_at_s = loop.time()
    client = Client(client_address(request), metadata or {})
    config = request.app[keys.CONFIG]
    pad_refusal = False
    try:
        admitted = request.app[RATE_LIMITER].admit(
            action, address=client.address, account=account, recipients=recipients
        )
        pad_refusal = action not in SIGNED_IN
        with admitted:
            yield client
    except ServiceError as error:
        emit(request, refused, sub=caller_of(request), account=account, refusal=error)
        if pad_refusal:
            await asyncio.sleep(_padding_s(loop.time() - started_at_s, config))
        raise
    if pad_success:
        await asyncio.sleep(_padding_s(loop.time() - started_at_s, config))


def caller_of(request: web.Request) -> str | None:
    """Return the `sub` of the request's verified access token; None without one."""
    identity = request.get(keys.IDENTITY)
    return None if identity is None else identity.sub


def _padding_s(elapsed_s: float, config: Config) -> float:
    """Return the time until the next multiple of `answer-floor-ms`, within the deadline."""
    floor_s = config.auth.answer_floor_ms / 1_000
    if floor_s == 0:
        return 0
    due_s = max(1, math.ceil(elapsed_s / floor_s)) * floor_s
    return max(0, min(due_s, config.server.request_deadline_s * MAX_DEADLINE_SHARE) - elapsed_s)
