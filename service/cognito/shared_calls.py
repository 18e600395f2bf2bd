"""Calls that callers with the same key share while they run."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class SharedCalls(Generic[Result]):
    """The running calls by their keys; nothing is kept of a call that has ended."""

    def __init__(self) -> None:
        self._running: dict[bytes, asyncio.Task[Result]] = {}

    async def result(self, key: bytes, call: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """
        Return the result of the running call of *key*, or else of *call*; raises what it raises.

        A caller that is cancelled does not cancel it, not even the last one: Cognito may have made the
        change by then.
        """
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(call())
            task.add_done_callback(lambda ended: self._end(key, ended))
        await asyncio.wait((task,))
        return task.result()

    def _end(self, key: bytes, task: asyncio.Task[Result]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # retrieved here, as all callers may have been cancelled
