"""
The circuit breaker of an upstream.

`circuitbreaker` counts consecutive failures and the time of being open. This module admits one probe at a
time, and ignores calls that began before the last change of state: those that an outage has left hanging
would open the breaker again when they end, long after the upstream has recovered.
"""

import asyncio
import random
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self, TypeAlias

import structlog
from circuitbreaker import STATE_CLOSED, STATE_HALF_OPEN, STATE_OPEN, CircuitBreaker

from service.config.settings import UpstreamsConfig

OnState: TypeAlias = Callable[[str, str], None]  # of an upstream, and closed, open or half_open

SLOW_S: Final = 1.0  # a call that is cancelled after so long counts as a failure


class UpstreamRefused(Exception):
    """The call was not sent, because the breaker is open; *retry_after_s* is at least 1."""

    def __init__(self, upstream: str, *, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(upstream)


class _Failure(Exception):
    """Counts as a failure; `circuitbreaker` would keep the real error and all objects of its frames."""


def ignore_state(_: str, __: str) -> None:
    """Do nothing about a state."""


class Breaker:
    """
    The breaker of one upstream.

    It opens after the consecutive failures that *config* allows, for the time in *config* or up to twice
    as long, so that processes do not retry together. Then it is half open: it admits one call, the probe,
    and another one if that has not ended in the same time. The first success closes it. *on_state* is
    called with the first state and after each change.
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
        self.on_no_response: Callable[[], None] | None = (
            None  # called after a call without a response
        )
        self._open_s = config.breaker_open_s * random.uniform(1, 2)  # noqa: S311 -- jitter, not a secret
        self._circuit = CircuitBreaker(
            failure_threshold=config.breaker_failures or sys.maxsize,
            recovery_timeout=self._open_s,
            name=upstream,
        )
        self._on_state = on_state
        self._clock = clock
        self._state = STATE_CLOSED
        self._has_failures = False  # since the last success
        self._epoch = 0  # of the state; calls of an earlier one are ignored
        self._next_probe_at = 0.0
        on_state(upstream, STATE_CLOSED)

    def call(self) -> "Call":
        """Return the context manager of a call; raises UpstreamRefused."""
        now = self._clock()
        if self._state != STATE_CLOSED:
            self._admit_probe(now)
        return Call(self, self._epoch, now)

    def record(self, call: "Call", *, failed: bool | None) -> None:
        """Count the outcome of a call, unless *failed* is None."""
        if failed and not call.status and self.on_no_response is not None:
            self.on_no_response()
        if call.epoch != self._epoch:
            return
        if failed:
            self._has_failures = True
            # Not raised in a `with`: the circuit keeps the error, whose traceback would keep frames.
            self._circuit.__exit__(_Failure, _Failure(), None)
            if self._circuit.opened:
                self._change(STATE_OPEN)
        elif failed is None:
            self._next_probe_at = 0.0
        elif self._has_failures:
            self._circuit.reset()
            self._has_failures = False
            self._change(STATE_CLOSED)

    def outcome_of_cancelled(self, call: "Call") -> bool | None:
        """Return True for a cancelled call that took SLOW_S, else None."""
        return True if self._clock() - call.begun_at >= SLOW_S else None

    def _admit_probe(self, now: float) -> None:
        if self._circuit.opened:
            retry_after_s = max(1, self._circuit.open_remaining)  # 0 where its time ends meanwhile
            raise UpstreamRefused(self.upstream, retry_after_s=retry_after_s)
        if now < self._next_probe_at:
            raise UpstreamRefused(self.upstream, retry_after_s=1)
        self._next_probe_at = now + self._open_s
        self._epoch += 1  # a probe that still hangs is ignored
        self._change(STATE_HALF_OPEN)

    def _change(self, state: str) -> None:
        if state == self._state:
            return
        self._epoch += 1
        self._state = state
        logger = structlog.get_logger()
        (logger.warning if state == STATE_OPEN else logger.info)(
            "upstream_state", upstream=self.upstream, state=state
        )
        self._on_state(self.upstream, state)


class Call:
    """
    A call that is under way.

    It has failed if it raises, or if its `status` is 500 or more: lower ones concern this request alone.
    """

    __slots__ = ("_breaker", "begun_at", "epoch", "status")

    def __init__(self, breaker: Breaker, epoch: int, begun_at: float) -> None:
        self._breaker = breaker
        self.epoch = epoch
        self.begun_at = begun_at
        self.status = 0  # until a response arrives

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        failed: bool | None = self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if kind is not None:
            failed = True
            if issubclass(kind, asyncio.CancelledError):
                failed = self._breaker.outcome_of_cancelled(self)
        self._breaker.record(self, failed=failed)
