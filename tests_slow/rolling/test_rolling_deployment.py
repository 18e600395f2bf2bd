"""A deployment replaces the previous version and is rolled back while profiles are in use."""

import asyncio
import random
import tarfile
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from service.aws.clients import open_clients
from service.config.settings import Config
from tests.support.configs import CREDENTIALS
from tests_slow.linearizability.cluster import Cluster, Life, cluster
from tests_slow.linearizability.history import Outcome
from tests_slow.linearizability.network import NO_FAULTS
from tests_slow.linearizability.run import left_in_table, verdict
from tests_slow.linearizability.workload import Caller, User

ARCHIVE: Final = Path(__file__).parent / "previous-service.tar.xz"
# What this version stores in partitions of its own.
NEW: Final[Mapping[str, str]] = {"PROFILE_HISTORY_DAYS": "30", "ACTIVITY_DAYS": "30"}
USERS: Final = 4
CALLERS: Final = 2
CALLS: Final = 15  # of each process before it is replaced
PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """The processes, which callers use all the time."""

    made: Cluster
    previous: Path
    lives: list[Life]
    """All that ever were, in the order of their start."""

    async def start(self, *, previous: bool) -> Life:
        """Start a process of the previous version or of this one."""
        if previous:
            life = await self.made.start(package=self.previous)
        else:
            life = await self.made.start(environ=NEW)
        self.lives.append(life)
        return life

    async def replace(self, *, previous: bool) -> None:
        """Start processes of a version one by one, and stop one of the other for each."""
        for old in [*self.made.lives]:
            await _used(self.made.lives)
            await self.start(previous=previous)
            await _used(self.made.lives)
            await self.made.end(old)


async def _used(lives: Iterable[Life]) -> None:
    """Wait until each process has answered some more calls, so that it has seen what others wrote."""
    until = {life: life.statuses.total() + CALLS for life in lives}
    async with asyncio.timeout(PATIENCE_S):
        while any(life.statuses.total() < calls for life, calls in until.items()):  # noqa: ASYNC110 -- of logs
            await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the package of the previous version."""
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder / "service"


@asynccontextmanager
async def deployment(config: Config, folder: Path, previous: Path) -> AsyncIterator[Deployment]:
    """Run two processes of the previous version."""
    rng = random.Random(17)  # noqa: S311 -- choices that can be repeated
    async with cluster(config, folder, rng, NO_FAULTS, read_timeout_s=5, processes=0) as made:
        deployed = Deployment(made, previous, [])
        await asyncio.gather(*(deployed.start(previous=True) for _ in range(2)))
        yield deployed


@asynccontextmanager
async def load(made: Cluster) -> AsyncIterator[list[User]]:
    """Let callers work on profiles inside the block."""
    rng = random.Random(18)  # noqa: S311 -- choices that can be repeated
    users = [User(str(uuid.uuid4())) for _ in range(USERS)]
    over = asyncio.Event()

    async def work(caller: Caller) -> None:
        while not over.is_set():
            await caller.work(time.monotonic() + 0.1)

    async with asyncio.TaskGroup() as group:
        for user in users:
            for number in range(CALLERS):
                caller = Caller(user, number, made, random.Random(rng.random()))  # noqa: S311 -- likewise
                group.create_task(work(caller))
        try:
            yield users
        finally:
            over.set()


async def test_versions_share_a_table(
    config: Config, operators: Config, previous: Path, tmp_path: Path
) -> None:
    """From the previous version to this one and back, every answer is right and nothing is lost."""
    async with deployment(config, tmp_path, previous) as deployed:
        async with load(deployed.made) as users:
            await deployed.replace(previous=False)
            await deployed.replace(previous=True)
            await _used(deployed.made.lives)
        for user in users:
            reader = Caller(user, CALLERS, deployed.made, random.Random(19))  # noqa: S311 -- likewise
            await asyncio.gather(*(reader.read(life) for life in deployed.made.lives))
    wrong = [problem for user in users for problem in verdict(user)]
    async with open_clients(operators, CREDENTIALS) as clients:
        table = clients.dynamodb.aioboto3, operators.dynamodb.user_profile_table
        for user in users:
            wrong += await left_in_table(user, *table)

    assert wrong == []
    # On a loaded machine a process may be out of time (503, 504); what it cannot read is 500 or 502.
    assert [dict(life.statuses) for life in deployed.lives if {500, 502} & {*life.statuses}] == []
    outcomes = {operation.outcome for user in users for operation in user.history()}
    assert outcomes >= {Outcome.CREATED, Outcome.DONE, Outcome.MISSING, Outcome.REFUSED}
