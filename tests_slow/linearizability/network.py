"""The way from one process to DynamoDB, on which calls and replies are lost, late, or refused."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import aiohttp
from aiohttp import web

from tests.support.lossy_proxy import PASSED_ON

TRANSACTION: Final = "TransactWriteItems"
READS: Final = {"GetItem", "Query", "BatchGetItem"}
CONFLICT: Final = {
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "CancellationReasons": [{"Code": "TransactionConflict"}],
}


class Fault(Enum):
    """What happens to a call on its way."""

    CALL_LOST = "calls lost"
    REPLY_LOST = "replies lost after the commit"
    CALL_LATE = "calls that came after their caller had given up"
    ERROR_AFTER = "status 500 after the commit"
    CONFLICT = "transaction conflicts"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class Weather:
    """
    How often each fault comes up, in a hundred calls.

    *spares_the_last* lets through a call that its process has tried twice in vain, so that in the end
    every one is answered. *spares_reads*: what reads is not touched, so that many writes get so far.
    """

    faults: Mapping[Fault, float]
    spares_the_last: bool = False
    spares_reads: bool = False


FAIR: Final = Weather({})
LOSING: Final = Weather({Fault.REPLY_LOST: 30}, spares_the_last=True)
# Lost replies are what the store has to see through, so they are most.
ROUGH: Final = Weather(
    {
        Fault.CALL_LOST: 1.5,
        Fault.REPLY_LOST: 6,
        Fault.CALL_LATE: 1.5,
        Fault.ERROR_AFTER: 1.5,
        Fault.CONFLICT: 1.5,
        Fault.THROTTLED: 0.5,
    }
)
STORM: Final = Weather(
    {Fault.REPLY_LOST: 30, Fault.CALL_LOST: 35, Fault.ERROR_AFTER: 10}, spares_reads=True
)
LAST_TRY: Final = "attempt=3"  # in botocore's header amz-sdk-request
TURNS: Final = (
    20  # of the event loop: to accept a connection, read a call and begin with it takes five
)


@dataclass(slots=True)
class Network:
    """
    One process' way to DynamoDB; *faults* counts what happened on it.

    *late_s* is longer than the process waits for a reply.
    """

    weather: Weather
    rng: random.Random
    late_s: float
    url: str = ""
    faults: Counter[Fault] = field(default_factory=Counter)
    _cut: asyncio.Event = field(default_factory=asyncio.Event)
    _on_the_way: set[asyncio.Future[None]] = field(default_factory=set)

    async def cut(self) -> None:
        """Let nothing through any more, and wait until DynamoDB has done what got through before."""
        self._cut.set()
        while self._on_the_way:
            await asyncio.wait(self._on_the_way)

    async def settled(self) -> None:
        """Wait until DynamoDB has done, or will never get, what the process has sent up to now."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        if self._on_the_way:
            await asyncio.wait([*self._on_the_way])

    async def pass_on(
        self, session: aiohttp.ClientSession, upstream: str, request: web.BaseRequest
    ) -> web.StreamResponse:
        """Pass a call on, or do to it what comes up."""
        done = asyncio.get_running_loop().create_future()
        self._on_the_way.add(done)
        try:
            return await self._passed_on(session, upstream, request)
        finally:
            self._on_the_way.discard(done)
            done.set_result(None)

    async def _passed_on(
        self, session: aiohttp.ClientSession, upstream: str, request: web.BaseRequest
    ) -> web.StreamResponse:
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        body = await request.read()
        fault = self._fault(operation, request.headers.get("amz-sdk-request", ""))
        if fault is Fault.CALL_LATE:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._cut.wait(), self.late_s)
        if self._cut.is_set() or fault is Fault.CALL_LOST:
            return _hung_up(request)
        if fault is Fault.CONFLICT:
            return _refusal(
                CONFLICT if operation == TRANSACTION else "TransactionConflictException"
            )
        if fault is Fault.THROTTLED:
            return _refusal("ProvisionedThroughputExceededException")
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        async with session.post(upstream, data=body, headers=headers) as answer:
            reply = web.Response(
                body=await answer.read(), status=answer.status, content_type=answer.content_type
            )
        if fault is Fault.REPLY_LOST:
            return _hung_up(request)
        return _refusal("InternalServerError", 500) if fault is Fault.ERROR_AFTER else reply

    def _fault(self, operation: str, tries: str) -> Fault | None:
        if self.weather.spares_the_last and LAST_TRY in tries:
            return None
        if self.weather.spares_reads and operation in READS:
            return None
        dice = self.rng.uniform(0, 100)
        for fault, rate in self.weather.faults.items():
            dice -= rate
            if dice < 0:
                if fault is Fault.CONFLICT and operation in READS:
                    return None
                self.faults[fault] += 1
                return fault
        return None


def _hung_up(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _refusal(reason: object, status: int = 400) -> web.Response:
    return web.json_response(
        reason if isinstance(reason, dict) else {"__type": reason}, status=status
    )


@asynccontextmanager
async def network(
    upstream: str, weather: Weather, rng: random.Random, *, late_s: float
) -> AsyncIterator[Network]:
    """Open a way to *upstream* at a free port of loopback."""
    way = Network(weather, rng, late_s)
    # No limit of connections, no time: what was sent is waited for.
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout()
    )

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await way.pass_on(session, upstream, request)

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        way.url = f"http://{host}:{port}"
        yield way
    finally:
        await way.cut()
        await runner.cleanup()
        await session.close()
