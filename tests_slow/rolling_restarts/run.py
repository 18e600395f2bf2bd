"""Restarts processes one by one under load, and counts failures."""

import asyncio
import json
import os
import random
import signal
import time
import uuid
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from service.config.settings import Config
from tests.support.configs import CREDENTIALS
from tests_slow.commands.running import Running, running
from tests_slow.rolling_restarts.balancer import Backend, Balancer, balancer
from tests_slow.rolling_restarts.http_stream import Message, NoMessage, received

PROCESSES = 2
WRITE_ONE_IN = 20
SERVED = {200, 201}


@dataclass(frozen=True, slots=True)
class Plan:
    """The extent of a run; a client pauses for up to *pause_s* after each response."""

    restarts: int
    clients: int
    drain_s: float
    seed: int = 1
    pause_s: float = 0.2


@dataclass(slots=True)
class Report:
    """The result: *statuses* of all responses, and what is *wrong*."""

    restarts: int = 0
    duration_s: float = 0
    longest_stop_s: float = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Return the report as text."""
        took = f"in {self.duration_s:.0f} s, of which the longest stop {self.longest_stop_s:.1f} s"
        lines = [
            f"{self.restarts} restarts {took}",
            *(f"{count:8,}  answers {status}" for status, count in sorted(self.statuses.items())),
            *(f"{count:8,}  {what}" for what, count in self.wrong.items()),
            "WRONG" if self.wrong else "no request was lost",
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Task:
    """A process behind the load balancer."""

    program: Running
    backend: Backend
    reading: asyncio.Task[None]
    stack: AsyncExitStack


class Restarts:
    """The processes of the service on the table of *config*, behind *front*."""

    def __init__(self, config: Config, plan: Plan, folder: Path, front: Balancer) -> None:
        self.report = Report()
        self._plan = plan
        self._folder = folder
        self._front = front
        self._started = 0
        self._tasks: list[Task] = []
        self._environ = {
            "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key_id,
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_access_key,
            "AWS_REGION": config.aws.region,
            "AWS_COGNITO_USER_POOL_ID": config.cognito.user_pool_id,
            "AWS_COGNITO_CLIENT_ID": config.cognito.client_id,
            "AWS_COGNITO_ENDPOINT_URL": config.cognito.endpoint_url or "",
            "AWS_DYNAMODB_USER_PROFILE_TABLE": config.dynamodb.user_profile_table,
            "AWS_DYNAMODB_ENDPOINT_URL": config.dynamodb.endpoint_url or "",
            "AWS_DYNAMODB_READ_TIMEOUT_S": "5",  # moto serves one call at a time
            "IDENTITY_SOURCES": "header",
            "SERVER_DRAIN_S": str(plan.drain_s),
            "SERVER_HOST": "127.0.0.1",
            "SERVER_PORT": "0",
        }

    async def start(self) -> None:
        """Start a process, and wait until the load balancer sends requests to it."""
        self._started += 1
        folder = self._folder / f"process-{self._started}"
        folder.mkdir()
        async with AsyncExitStack() as stack:
            program = await stack.enter_async_context(
                running("serve", folder=folder, environ=self._environ)
            )
            listening = json.loads(await program.until('"listening"'))
            backend = await self._front.add(listening["host"], listening["port"])
            reading = asyncio.create_task(_read(program))
            self._tasks.append(Task(program, backend, reading, stack.pop_all()))

    async def stop(self) -> None:
        """Stop the oldest process, which finishes its requests."""
        task = self._tasks.pop(0)
        task.reading.cancel()
        await asyncio.wait((task.reading,))
        ended = await task.program.end(signal.SIGTERM)
        self._front.remove(task.backend)
        await task.stack.aclose()
        self.report.longest_stop_s = max(self.report.longest_stop_s, ended.took_s)
        if ended.status != 0:
            self.report.wrong[f"processes that ended with status {ended.status}"] += 1
        if "Traceback" in ended.errors + ended.output:
            self.report.wrong["tracebacks"] += 1

    async def roll(self) -> None:
        """Restart one process after another, as often as the plan says."""
        for _ in range(self._plan.restarts):
            await self.stop()
            await self.start()
            self.report.restarts += 1

    async def close(self) -> None:
        """Stop all processes."""
        while self._tasks:
            await self.stop()

    async def call(self, rng: random.Random, over: asyncio.Event) -> None:
        """Read a profile repeatedly, and write it now and then, until the end of the run."""
        user_id = str(uuid.UUID(int=rng.getrandbits(128)))
        reader, writer = await asyncio.open_connection("127.0.0.1", self._front.port)
        try:
            writer.write(_request("POST", user_id))  # creates the profile
            self._count(await received(reader))
            while not over.is_set():
                await asyncio.sleep(rng.uniform(0, self._plan.pause_s))
                writes = rng.randrange(WRITE_ONE_IN) == 0
                writer.write(_request("POST" if writes else "GET", user_id))
                self._count(await received(reader))
        except NoMessage:
            self.report.wrong["connections that the balancer lost"] += 1
        finally:
            writer.close()

    def _count(self, answer: Message) -> None:
        self.report.statuses[answer.status] += 1
        if answer.status not in SERVED:
            self.report.wrong[f"requests that failed: {answer.first}"] += 1


async def run(plan: Plan, config: Config, folder: Path) -> Report:
    """Run the plan, with the processes' files in *folder*."""
    rng = random.Random(plan.seed)  # noqa: S311 -- choices that can be repeated
    over = asyncio.Event()
    async with balancer() as front:
        made = Restarts(config, plan, folder, front)
        try:
            await asyncio.gather(*(made.start() for _ in range(PROCESSES)))
            clients = [
                asyncio.create_task(made.call(random.Random(rng.random()), over))  # noqa: S311 -- likewise
                for _ in range(plan.clients)
            ]
            began_s = time.monotonic()
            await made.roll()
            made.report.duration_s = time.monotonic() - began_s
            over.set()
            await asyncio.gather(*clients)
        finally:
            await made.close()
    return made.report


def _request(method: str, user_id: str) -> bytes:
    body = f'{{"city": "{os.urandom(4).hex()}"}}'.encode() if method == "POST" else b""
    fields = {
        "host": "profiles.example.com",
        "x-amzn-oidc-identity": user_id,
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    return bytes(Message(f"{method} /v1/user/profile HTTP/1.1", fields, body))


async def _read(program: Running) -> None:
    """Read the log; otherwise the full pipe would block the process."""
    assert program.process.stdout is not None
    while await program.process.stdout.read(65_536):
        pass
