"""Processes of the service on one table, each of which may be killed and started again."""

import asyncio
import json
import math
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from service.config.settings import Config
from tests.support.configs import CREDENTIALS
from tests_slow.commands.running import Running, running
from tests_slow.linearizability.network import (
    HEAVY_FAULTS,
    NO_FAULTS,
    Fault,
    FaultRates,
    Network,
    network,
)


@dataclass(eq=False, slots=True)
class Life:
    """
    One process from its start to its end; after *ended_at_s* none of its calls can take effect.

    *served* are the ids of the requests that it completed, by its log, and *statuses* counts their
    statuses.
    """

    url: str
    network: Network
    program: Running
    stack: AsyncExitStack
    drain: asyncio.Task[None]
    served: Mapping[str, asyncio.Event]
    statuses: Counter[int]
    ended_at_s: float = math.inf
    _watches: set[asyncio.Task[None]] = field(default_factory=set)

    def fate_of(self, request_id: str) -> "Fate":
        """Return the fate of a request whose outcome is unknown."""
        fate = Fate(self)
        if not self.drain.done():  # it still tells what it has served
            watch = asyncio.create_task(self._watch(fate, request_id))
            self._watches.add(watch)
            watch.add_done_callback(self._watches.discard)
        return fate

    async def _watch(self, fate: "Fate", request_id: str) -> None:
        await self.served[request_id].wait()
        await self.network.settled()
        fate.settled_at_s = time.monotonic()

    async def end(self, number: signal.Signals) -> None:
        """Send a signal that ends the process, and wait until its calls to DynamoDB are complete."""
        tasks = self.drain, *self._watches
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        ended = await self.program.end(number)
        await self.network.cut()
        self.ended_at_s = time.monotonic()
        await self.stack.aclose()
        if "Traceback" in ended.errors:
            raise AssertionError(ended.errors)


@dataclass(slots=True)
class Fate:
    """Until when a request of unknown outcome may have taken effect: nothing of it happens later."""

    life: Life
    settled_at_s: float = (
        math.inf
    )  # its process had done with it, and DynamoDB with what it had sent

    @property
    def ended_at_s(self) -> float:
        """The time of the monotonic clock; infinity while it has not come."""
        return min(self.settled_at_s, self.life.ended_at_s)


@dataclass(slots=True)
class Cluster:
    """
    The live processes of the service, in *lives*.

    *kills*, *pauses* and *storms* count the faults of processes, *faults* those of the network.
    """

    environ: Mapping[str, str]
    upstream: str
    folder: Path
    rng: random.Random
    late_s: float
    rates: FaultRates
    lives: list[Life] = field(default_factory=list)
    kills: int = 0
    pauses: int = 0
    storms: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    _started: int = 0

    async def start(
        self, *, package: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> Life:
        """Start one more process, of the *package* `service` in another folder if one is given."""
        self._started += 1
        folder = self.folder / f"process-{self._started}"
        folder.mkdir()
        if package is not None:
            (folder / "service").symlink_to(package)
        async with AsyncExitStack() as stack:
            way = await stack.enter_async_context(
                network(
                    self.upstream,
                    self.rates,
                    random.Random(self.rng.random()),  # noqa: S311 -- chooses faults
                    late_s=self.late_s,
                )
            )
            program = await stack.enter_async_context(
                running(
                    "serve",
                    folder=folder,
                    environ={
                        **self.environ,
                        **(environ or {}),
                        "AWS_DYNAMODB_ENDPOINT_URL": way.url,
                    },
                )
            )
            listening = json.loads(await program.until('"listening"'))
            url = f"http://{listening['host']}:{listening['port']}"
            served: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
            statuses: Counter[int] = Counter()
            drain = asyncio.create_task(_drained(program, served, statuses))
            life = Life(url, way, program, stack.pop_all(), drain, served, statuses)
        self.lives.append(life)
        return life

    async def kill(self, life: Life) -> None:
        """Kill a process, whatever it is at."""
        self.kills += 1
        await self.end(life, signal.SIGKILL)

    async def pause(self, life: Life, duration_s: float) -> None:
        """Stop a process temporarily, as a machine under memory pressure does."""
        self.pauses += 1
        life.program.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(duration_s)
        life.program.process.send_signal(signal.SIGCONT)

    async def storm(self, life: Life, duration_s: float) -> None:
        """Let little through to DynamoDB, and less back, for a while."""
        self.storms += 1
        life.network.rates = HEAVY_FAULTS
        await asyncio.sleep(duration_s)
        life.network.rates = self.rates

    async def end(self, life: Life, number: signal.Signals = signal.SIGTERM) -> None:
        """End a process."""
        self.lives.remove(life)
        await life.end(number)
        self.faults += life.network.faults

    def heal(self) -> None:
        """Let all calls and replies through from now on."""
        self.rates = NO_FAULTS
        for life in self.lives:
            life.network.rates = NO_FAULTS


async def _drained(
    program: Running, served: Mapping[str, asyncio.Event], statuses: Counter[int]
) -> None:
    """Read the log, so that the process does not block, and record the served requests."""
    assert program.process.stdout is not None
    async for line in program.process.stdout:
        if b'"request_finished"' in line:
            finished = json.loads(line)
            served[finished["request_id"]].set()
            statuses[finished["status"]] += 1


@asynccontextmanager
async def cluster(  # noqa: PLR0913 -- what a cluster is made of
    config: Config,
    folder: Path,
    rng: random.Random,
    rates: FaultRates,
    *,
    read_timeout_s: float,
    processes: int = 3,
) -> AsyncIterator[Cluster]:
    """Run *processes* of the service on the table of *config*, with logs and errors in *folder*."""
    upstream = config.dynamodb.endpoint_url
    assert upstream is not None
    environ = {
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_access_key,
        "AWS_REGION": config.aws.region,
        "AWS_COGNITO_USER_POOL_ID": config.cognito.user_pool_id,
        "AWS_COGNITO_CLIENT_ID": config.cognito.client_id,
        "AWS_COGNITO_ENDPOINT_URL": config.cognito.endpoint_url or "",
        "AWS_DYNAMODB_USER_PROFILE_TABLE": config.dynamodb.user_profile_table,
        "AWS_DYNAMODB_READ_TIMEOUT_S": str(read_timeout_s),
        "IDENTITY_SOURCES": "header",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
    }
    made = Cluster(environ, upstream, folder, rng, read_timeout_s + 0.2, rates)
    try:
        await asyncio.gather(*(made.start() for _ in range(processes)))
        yield made
    finally:
        for life in [*made.lives]:
            await made.end(life)
