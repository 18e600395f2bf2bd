"""A proxy in front of an AWS endpoint that loses or replaces the replies that a test names."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web

from tests.support.aws_proxy import ProxiedCall, aws_error, aws_proxy

Hook: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class LossyProxy:
    """
    What happens to the next calls of each operation; all others are forwarded.

    *losing* and *emptying* count the calls that are forwarded and then get no reply, or the reply
    `{}`. The other members hold one entry for each call: *refusing* the exceptions that are returned
    instead of forwarding (None forwards), *before* and *after* the hooks that run before the call is
    forwarded, and after the upstream has replied.
    """

    url: str = ""
    losing: dict[str, int] = field(default_factory=dict)
    emptying: dict[str, int] = field(default_factory=dict)
    refusing: dict[str, list[str | None]] = field(default_factory=dict)
    before: dict[str, list[Hook]] = field(default_factory=dict)
    after: dict[str, list[Hook]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    """The operations that were called, in order."""

    async def handle(self, call: ProxiedCall) -> web.StreamResponse:
        """Forward a call, or do what the test asks for."""
        operation = call.operation
        self.seen.append(operation)
        await call.request.read()  # now: a client that gives up during a hook takes the body along
        refusals = self.refusing.get(operation)
        refusal = refusals.pop(0) if refusals else None
        if refusal is not None:
            return aws_error(refusal)
        await _run_next(self.before, operation)
        reply = await call.forward()
        await _run_next(self.after, operation)
        if self.losing.get(operation, 0):
            self.losing[operation] -= 1
            return call.drop()
        if self.emptying.get(operation, 0):
            self.emptying[operation] -= 1
            reply.body = b"{}"
        return reply


@asynccontextmanager
async def lossy_proxy(upstream: str) -> AsyncIterator[LossyProxy]:
    """Run a proxy in front of *upstream* on a free port of loopback."""
    proxy = LossyProxy()
    async with aws_proxy(upstream, proxy.handle) as proxy.url:
        yield proxy


async def _run_next(hooks: dict[str, list[Hook]], operation: str) -> None:
    waiting = hooks.get(operation)
    if waiting:
        await waiting.pop(0)()
