"""
The time that each request may take.

`asyncio.timeout` sets a timer for each request, which costs a tenth of a read. All may take equally
long, so whichever began first is due first, and one timer does for all of them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from service.domain.errors import DeadlineExceeded

if TYPE_CHECKING:
    from types import TracebackType


class Deadlines:
    """Gives each request *within_s* seconds; all of them are served in one event loop."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._running: dict[Deadline, None] = {}  # in the order in which they began

    def begin(self) -> Deadline:
        """Return the deadline of what the current task does inside it."""
        # To find the running loop is a system call, and asyncio makes it for whatever is not told.
        loop = self._loop = self._loop or asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 -- aiohttp serves each request in one
        deadline = Deadline(self, task, at_s=loop.time() + self._within_s)
        self._running[deadline] = None
        if self._timer is None:
            self._timer = loop.call_at(deadline.at_s, self._end_overdue, loop)
        return deadline

    def end(self, deadline: Deadline) -> None:
        """Let a request have been served."""
        self._running.pop(deadline, None)

    def _end_overdue(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now_s = loop.time()
        while self._running:
            first = next(iter(self._running))
            if first.at_s > now_s:
                self._timer = loop.call_at(first.at_s, self._end_overdue, loop)
                return
            del self._running[first]
            first.expire()


class Deadline:
    """A moment *at_s* of the loop's time at which *task* is cancelled, if it is still inside."""

    __slots__ = ("_cancelling", "_is_over", "_of_all", "_task", "at_s")

    def __init__(self, of_all: Deadlines, task: asyncio.Task[object], *, at_s: float) -> None:
        self.at_s = at_s
        self._of_all = of_all
        self._task = task
        self._cancelling = task.cancelling()
        self._is_over = False

    def expire(self) -> None:
        """End what the task does."""
        self._is_over = True
        self._task.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raise DeadlineExceeded in place of the cancellation that comes of it, and of no other one."""
        self._of_all.end(self)
        if self._is_over:
            alone = self._task.uncancel() <= self._cancelling
            if alone and kind is asyncio.CancelledError:
                raise DeadlineExceeded(retry_after_s=1) from None
