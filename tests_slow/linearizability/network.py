"""A proxy between one process and DynamoDB that loses, delays and refuses calls and replies at random."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from aiohttp import web

from tests.support.aws_proxy import ProxiedCall, aws_error, aws_proxy

TRANSACTION: Final = "TransactWriteItems"
READS: Final = {"GetItem", "Query", "BatchGetItem"}
CANCELLED: Final = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"


class Fault(Enum):
    """What can happen to a call."""

    CALL_LOST = "calls lost"
    REPLY_LOST = "replies lost after the commit"
    CALL_LATE = "calls that came after their caller had given up"
    ERROR_AFTER = "status 500 after the commit"
    CONFLICT = "transaction conflicts"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class FaultRates:
    """
    How many of a hundred calls get each fault.

    *spares_the_last* forwards the third attempt of a call, so that every call gets a reply in the end.
    *spares_reads* forwards all reads, so that more writes are reached.
    """

    faults: Mapping[Fault, float]
    spares_the_last: bool = False
    spares_reads: bool = False


NO_FAULTS: Final = FaultRates({})
LOST_REPLIES: Final = FaultRates({Fault.REPLY_LOST: 30}, spares_the_last=True)
# Mostly lost replies: after one, the store must find out whether its write was applied.
MIXED_FAULTS: Final = FaultRates(
    {
        Fault.CALL_LOST: 1.5,
        Fault.REPLY_LOST: 6,
        Fault.CALL_LATE: 1.5,
        Fault.ERROR_AFTER: 1.5,
        Fault.CONFLICT: 1.5,
        Fault.THROTTLED: 0.5,
    }
)
HEAVY_FAULTS: Final = FaultRates(
    {Fault.REPLY_LOST: 30, Fault.CALL_LOST: 35, Fault.ERROR_AFTER: 10}, spares_reads=True
)
LAST_TRY: Final = "attempt=3"  # in botocore's header amz-sdk-request
LOOP_PASSES: Final = (
    20  # of the event loop: accepting a connection, reading a call and starting it takes five
)


@dataclass(slots=True)
class Network:
    """
    The network between one process and DynamoDB; *faults* counts the faults that happened.

    *late_s* is longer than the process waits for a reply.
    """

    rates: FaultRates
    rng: random.Random
    late_s: float
    url: str = ""
    faults: Counter[Fault] = field(default_factory=Counter)
    _cut: asyncio.Event = field(default_factory=asyncio.Event)
    _countdown: int = 0
    _counted: asyncio.Event = field(default_factory=asyncio.Event)
    _in_flight: set[asyncio.Future[None]] = field(default_factory=set)

    async def cut(self) -> None:
        """Forward no more calls, and wait until those in flight are done."""
        self._cut.set()
        while self._in_flight:
            await asyncio.wait(self._in_flight)

    async def calls(self, number: int) -> None:
        """Wait until the process has sent this number of calls from now on; the last is not done yet."""
        self._countdown = number
        self._counted.clear()
        await self._counted.wait()

    async def settled(self) -> None:
        """Wait until each call that the process has sent so far is done or lost."""
        for _ in range(LOOP_PASSES):
            await asyncio.sleep(0)
        if self._in_flight:
            await asyncio.wait([*self._in_flight])

    async def handle(self, call: ProxiedCall) -> web.StreamResponse:
        """Forward a call, or let a fault happen to it."""
        done = asyncio.get_running_loop().create_future()
        self._in_flight.add(done)
        self._countdown -= 1
        if self._countdown == 0:
            self._counted.set()
        try:
            return await self._handle(call)
        finally:
            self._in_flight.discard(done)
            done.set_result(None)

    async def _handle(self, call: ProxiedCall) -> web.StreamResponse:
        operation = call.operation
        await call.request.read()
        fault = self._fault(operation, call.request.headers.get("amz-sdk-request", ""))
        if fault is Fault.CALL_LATE:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._cut.wait(), self.late_s)
        if self._cut.is_set() or fault is Fault.CALL_LOST:
            return call.drop()
        if fault is Fault.CONFLICT:
            return _conflict(operation)
        if fault is Fault.THROTTLED:
            return aws_error("ProvisionedThroughputExceededException")
        reply = await call.forward()
        if fault is Fault.REPLY_LOST:
            return call.drop()
        return aws_error("InternalServerError", 500) if fault is Fault.ERROR_AFTER else reply

    def _fault(self, operation: str, tries: str) -> Fault | None:
        if self.rates.spares_the_last and LAST_TRY in tries:
            return None
        if self.rates.spares_reads and operation in READS:
            return None
        dice = self.rng.uniform(0, 100)
        for fault, rate in self.rates.faults.items():
            dice -= rate
            if dice < 0:
                if fault is Fault.CONFLICT and operation in READS:
                    return None
                self.faults[fault] += 1
                return fault
        return None


def _conflict(operation: str) -> web.Response:
    if operation == TRANSACTION:
        return aws_error(CANCELLED, CancellationReasons=[{"Code": "TransactionConflict"}])
    return aws_error("TransactionConflictException")


@asynccontextmanager
async def network(
    upstream: str, rates: FaultRates, rng: random.Random, *, late_s: float
) -> AsyncIterator[Network]:
    """Run a proxy in front of *upstream* on a free port of loopback."""
    proxy = Network(rates, rng, late_s)
    async with aws_proxy(upstream, proxy.handle) as proxy.url:
        try:
            yield proxy
        finally:
            await proxy.cut()
