"""
A breaker: an upstream that does not work is left alone for a while, and its callers hear so at once.

`circuitbreaker` counts the failures in a row and the time of being open. What it lacks stands here: one
probe at a time, and calls that began before the last change count no longer. Otherwise those that an
outage has left hanging would open the breaker again when they end, long after the upstream is back.
"""

import asyncio
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self, TypeAlias

import structlog
from circuitbreaker import STATE_CLOSED, STATE_HALF_OPEN, STATE_OPEN, CircuitBreaker

from service.config.settings import UpstreamsConfig

OnState: TypeAlias = Callable[[str, str], None]  # told of an upstream and closed, open or half_open

DOWN: Final = HTTPStatus.INTERNAL_SERVER_ERROR.value  # the first status that tells of a failure
SLOW_S: Final = 1.0  # a call that is given up after that long says that the upstream is slow


class UpstreamRefused(Exception):
    """The call was not sent: its upstream has failed too often, and is not known to work again."""

    def __init__(self, upstream: str, *, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(upstream)


class _Failure(Exception):
    """Stands for a failure; the real one would be kept, with all that its frames hold."""


def ignore_state(_: str, __: str) -> None:
    """Tell nobody."""


class Breaker:
    """
    The breaker of one upstream.

    It opens when so many calls in a row have failed as *config* says, and is open that long, or up to
    twice as long, so that not all processes ask again at once. Then it is half open: one call is sent,
    and another when that one has not ended in the same time. The first success closes it. *on_state* is
    told of the first state and of each change.
    """

    def __init__(
        self,
        upstream: str,
        config: UpstreamsConfig,
        on_state: OnState = ignore_state,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.upstream = upstream
        self.on_no_response: Callable[[], None] | None = None  # called when no answer came
        self._open_s = config.breaker_open_s * random.uniform(1, 2)  # noqa: S311 -- spreads load, guards nothing
        self._circuit = CircuitBreaker(
            failure_threshold=config.breaker_failures or sys.maxsize,
            recovery_timeout=self._open_s,
            name=upstream,
        )
        self._on_state = on_state
        self._clock = clock
        self._state = STATE_CLOSED
        self._in_doubt = False  # something has failed since the last success
        self._epoch = 0  # calls of another one count no longer
        self._next_probe_at = 0.0
        on_state(upstream, STATE_CLOSED)

    def call(self) -> "Call":
        """Begin a call, which is made inside what this returns; raises UpstreamRefused."""
        now = self._clock()
        if self._state != STATE_CLOSED:
            self._admit_probe(now)
        return Call(self, self._epoch, now)

    def ended(self, call: "Call", *, failed: bool | None) -> None:
        """Count the outcome of a call; None tells nothing."""
        if failed and not call.status and self.on_no_response is not None:
            self.on_no_response()
        if call.epoch != self._epoch:
            return
        if failed:
            self._in_doubt = True
            with suppress(_Failure), self._circuit:
                raise _Failure
            if self._circuit.opened:
                self._change(STATE_OPEN)
        elif failed is None:
            self._next_probe_at = 0.0
        elif self._in_doubt:
            self._circuit.reset()
            self._in_doubt = False
            self._change(STATE_CLOSED)

    def gave_up(self, call: "Call") -> bool | None:
        """Return what it says of the upstream that a call was cancelled: its slowness, or nothing."""
        return True if self._clock() - call.begun_at >= SLOW_S else None

    def _admit_probe(self, now: float) -> None:
        if self._circuit.opened:
            retry_after_s = max(1, self._circuit.open_remaining)  # its time may end meanwhile
            raise UpstreamRefused(self.upstream, retry_after_s=retry_after_s)
        if now < self._next_probe_at:
            raise UpstreamRefused(self.upstream, retry_after_s=1)
        self._next_probe_at = now + self._open_s
        self._epoch += 1  # a probe that hangs still counts no longer
        self._change(STATE_HALF_OPEN)

    def _change(self, state: str) -> None:
        if state == self._state:
            return
        self._epoch += 1
        self._state = state
        say = structlog.get_logger()
        (say.warning if state == STATE_OPEN else say.info)(
            "upstream_state", upstream=self.upstream, state=state
        )
        self._on_state(self.upstream, state)


class Call:
    """
    A call while it is made.

    It has failed if it raised, or its *status* is 500 or more. A refusal of this request alone, such as
    one for a limit of its user, has a status below.
    """

    __slots__ = ("_breaker", "begun_at", "epoch", "status")

    def __init__(self, breaker: Breaker, epoch: int, begun_at: float) -> None:
        self._breaker = breaker
        self.epoch = epoch
        self.begun_at = begun_at
        self.status = 0  # as long as no answer has come

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        failed: bool | None = self.status >= DOWN
        if kind is not None:
            failed = True
            if issubclass(kind, asyncio.CancelledError):
                failed = self._breaker.gave_up(self)
        self._breaker.ended(self, failed=failed)
