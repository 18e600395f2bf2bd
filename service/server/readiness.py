"""Readiness: checks that run in the background, so that asking for it costs an upstream nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self, TypeAlias

import structlog

from service.api.keys import Readiness
from service.domain.errors import DeadlineExceeded, InternalError, ServiceError

Check: TypeAlias = Callable[[], Awaitable[None]]  # raises ServiceError where something is wrong

TOLERATED_FAILURES = 2  # in a row: one lost packet must not take a process out of service


class HealthMonitor:
    """
    Runs the *checks* every *interval_s* seconds while it is entered.

    The first round is done when entering ends. A check that was right once counts as failing after
    more than TOLERATED_FAILURES failures in a row.
    """

    def __init__(self, checks: Mapping[str, Check], *, interval_s: float) -> None:
        self.readiness = Readiness()
        self._checks = checks
        self._interval_s = interval_s
        self._failures = dict.fromkeys(checks, TOLERATED_FAILURES)

    async def __aenter__(self) -> Self:
        await self._round()
        self._task = asyncio.create_task(self._repeat(), name="readiness")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._task.cancel()
        await asyncio.wait((self._task,))

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self._round()

    async def _round(self) -> None:
        await asyncio.gather(*(self._run(name, check) for name, check in self._checks.items()))

    async def _run(self, name: str, check: Check) -> None:
        try:
            async with asyncio.timeout(max(self._interval_s, 1)):
                await check()
        except ServiceError as error:
            self._failed(name, error.code)
        except TimeoutError:
            self._failed(name, DeadlineExceeded.code)
        except Exception:  # noqa: BLE001 -- a defect in a check must not end the watch unseen
            structlog.get_logger().exception("health_check_error", check=name)
            self._failed(name, InternalError.code)
        else:
            self._failures[name] = 0
            if self.readiness.failing.pop(name, None) is not None:
                structlog.get_logger().info("check_recovered", check=name)

    def _failed(self, name: str, why: str) -> None:
        self._failures[name] += 1
        if self._failures[name] > TOLERATED_FAILURES and name not in self.readiness.failing:
            structlog.get_logger().warning("check_failed", check=name, code=why)
            self.readiness.failing[name] = why
