"""Readiness: checks that run in the background, so that asking for it costs an upstream nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

import structlog

from service.api.keys import Readiness
from service.domain.errors import DeadlineExceeded, InternalError, ServiceError

Check: TypeAlias = Callable[[], Awaitable[None]]  # raises ServiceError where something is wrong


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check of the start that has not passed yet; *detail* and *advice* are for the operator alone."""

    name: str
    code: str
    detail: str
    advice: str


# Returns those that have not passed; it is called until there are none.
StartChecks: TypeAlias = Callable[[], Awaitable[Sequence[FailedCheck]]]

TOLERATED_FAILURES = 2  # in a row: one lost packet must not take a process out of service
START_PAUSE_S = 5.0  # at most: a role that has come, or a right, is found soon
START = "start"  # stands for the checks of the start until they have an outcome


async def no_start_checks() -> Sequence[FailedCheck]:
    """Return that nothing has to be checked at the start."""
    return ()


class HealthMonitor:
    """
    Runs the *checks* every *interval_s* seconds while it is entered, and *start_checks* until they pass.

    Until then it pauses for at most START_PAUSE_S.
    The first round is done when entering ends; for *start_checks* it waits no longer than for a check,
    and they go on in the background. A check that was right once counts as failing after more than
    TOLERATED_FAILURES failures in a row.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        interval_s: float,
        start_checks: StartChecks = no_start_checks,
    ) -> None:
        self.readiness = Readiness()
        self._checks = checks
        self._interval_s = interval_s
        self._failures = dict.fromkeys(checks, TOLERATED_FAILURES)
        self._start_checks = start_checks
        self._start_failures: dict[str, FailedCheck] = {}
        self._pending = {START, *checks}
        self._start_reported = asyncio.Event()
        self._patience_s = max(interval_s, 1)

    async def __aenter__(self) -> Self:
        self.readiness.failing[START] = "not_finished"
        self._tasks = [asyncio.create_task(self._start(), name="start checks")]
        try:
            await asyncio.gather(self._round(), self._first_start_report())
        except BaseException:
            await self._end()
            raise
        self._tasks.append(asyncio.create_task(self._repeat(), name="readiness"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _first_start_report(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await self._start_reported.wait()

    async def _start(self) -> None:
        """Run the checks of the start until all have passed."""
        while True:
            try:
                failed = [*await self._start_checks()]
            except Exception:  # noqa: BLE001 -- a defect in a check must not end the watch unseen
                structlog.get_logger().exception("health_check_error", check=START)
                failed = [FailedCheck(START, InternalError.code, "", "")]
            self._report_start(failed)
            self._start_reported.set()
            if not failed:
                return
            await asyncio.sleep(self._pause_s())

    def _report_start(self, failed: Sequence[FailedCheck]) -> None:
        before, now = self._start_failures, {check.name: check for check in failed}
        self.readiness.failing.pop(START, None)
        for name in before.keys() - now.keys():
            self.readiness.failing.pop(name, None)
            structlog.get_logger().info("check_recovered", check=name)
        for name, check in now.items():
            self.readiness.failing[name] = check.code
            if before.get(name) != check:
                structlog.get_logger().warning(
                    "check_failed",
                    check=name,
                    code=check.code,
                    detail=check.detail,
                    advice=check.advice,
                )
        self._start_failures = now
        if not now:
            self._passed(START)

    def _passed(self, name: str) -> None:
        self._pending.discard(name)
        self.readiness.has_started = not self._pending

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(self._pause_s())
            await self._round()

    def _pause_s(self) -> float:
        is_started = self.readiness.has_started
        return self._interval_s if is_started else min(self._interval_s, START_PAUSE_S)

    async def _round(self) -> None:
        await asyncio.gather(*(self._run(name, check) for name, check in self._checks.items()))

    async def _run(self, name: str, check: Check) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
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
            self._passed(name)
            if self.readiness.failing.pop(name, None) is not None:
                structlog.get_logger().info("check_recovered", check=name)

    def _failed(self, name: str, why: str) -> None:
        self._failures[name] += 1
        if self._failures[name] > TOLERATED_FAILURES and name not in self.readiness.failing:
            structlog.get_logger().warning("check_failed", check=name, code=why)
            self.readiness.failing[name] = why
