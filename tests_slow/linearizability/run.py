"""The linearizability check: concurrent callers, killed processes, lost replies, and the verdict."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from service.aws.clients import open_clients
from service.config.settings import Config
from tests.support.configs import CREDENTIALS
from tests_slow.linearizability.checker import Undecided, check
from tests_slow.linearizability.cluster import Cluster, cluster
from tests_slow.linearizability.history import Outcome
from tests_slow.linearizability.network import MIXED_FAULTS
from tests_slow.linearizability.workload import Caller, User

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

CLAIM = "~claim"


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The parameters of a run: *callers* for each of *users*, which are replaced after *round_s*.

    The same *seed* makes the same choices, but not the same races.
    """

    duration_s: float
    read_timeout_s: float  # of a process, for DynamoDB's reply
    seed: int = 1
    processes: int = 3
    users: int = 4
    callers: int = 5
    round_s: float = 10.0


@dataclass(slots=True)
class Report:
    """The results of a run; *wrong* lists the violations."""

    duration_s: float = 0
    users: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    kills: int = 0
    pauses: int = 0
    storms: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the report as a person reads it."""
        counted = {
            "operations": self.outcomes.total(),
            **{f"  {outcome.value}": count for outcome, count in self.outcomes.most_common()},
            "profiles": self.users,
            "processes killed": self.kills,
            "processes paused": self.pauses,
            "processes all but cut off": self.storms,
            **dict(self.faults.most_common()),
        }
        lines = [f"{count:8,}  {name}" for name, count in counted.items()]
        verdict = "WRONG:" if self.wrong else "linearizable, each of the profiles"
        return "\n".join([f"{self.duration_s:.0f} s", *lines, verdict, *self.wrong])


async def run(plan: Plan, config: Config, folder: Path) -> Report:
    """Run the plan on the table of *config*, with the processes' own files in *folder*."""
    rng = random.Random(plan.seed)  # noqa: S311 -- choices that can be repeated
    began_s = time.monotonic()
    users: list[User] = []
    async with cluster(
        config,
        folder,
        rng,
        MIXED_FAULTS,
        read_timeout_s=plan.read_timeout_s,
        processes=plan.processes,
    ) as made:
        until_s = time.monotonic() + plan.duration_s
        async with _trouble(made, random.Random(rng.random())):  # noqa: S311 -- likewise
            while (left_s := until_s - time.monotonic()) > 0:
                users += await _round(plan, made, rng, min(left_s, plan.round_s))
        made.heal()
        for user in users:
            reader = Caller(user, 0, made, rng)
            await asyncio.gather(*(reader.read(life) for life in made.lives))
    report = Report(time.monotonic() - began_s, len(users))
    report.kills, report.pauses, report.storms = made.kills, made.pauses, made.storms
    report.faults.update({fault.value: count for fault, count in made.faults.items()})
    async with open_clients(config, CREDENTIALS) as clients:
        table = clients.dynamodb.aioboto3, config.dynamodb.user_profile_table
        for user in users:
            report.outcomes.update(operation.outcome for operation in user.history())
            report.wrong += verdict(user)
            report.wrong += await left_in_table(user, *table)
    return report


async def _round(plan: Plan, made: Cluster, rng: random.Random, duration_s: float) -> list[User]:
    """Let callers work on users of their own, and return these."""
    users = [User(str(uuid.UUID(int=rng.getrandbits(128)))) for _ in range(plan.users)]
    until_s = time.monotonic() + duration_s
    await asyncio.gather(
        *(
            Caller(user, number, made, random.Random(rng.random())).work(until_s)  # noqa: S311 -- likewise
            for user in users
            for number in range(plan.callers)
        )
    )
    return users


@asynccontextmanager
async def _trouble(made: Cluster, rng: random.Random) -> AsyncIterator[None]:
    """Kill, restart, pause and disconnect processes inside the block."""
    over = asyncio.Event()

    async def make() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), rng.uniform(0.5, 2.5))
            life = rng.choice(made.lives)
            dice = rng.random()
            if dice < 0.3:
                await made.pause(life, rng.uniform(0.1, 0.9))
            elif dice < 0.6:
                await made.storm(life, rng.uniform(0.3, 1.2))
            else:
                await made.kill(life)
                await made.start()

    async with asyncio.TaskGroup() as group:
        group.create_task(make())
        try:
            yield
        finally:
            over.set()


def verdict(user: User) -> list[str]:
    """Return what is wrong with the history of a user, for a person to read; nothing if it is right."""
    history = user.history()
    try:
        violation = check(history)
    except Undecided:
        return [f"{user.user_id}: too many outcomes are unknown at once to decide it"]
    if violation is None:
        return []
    number, call, why = violation.number, violation.operation, violation.why
    around = [
        f"    {other}"
        for other in sorted(history, key=lambda other: other.invoked_at_s)
        if other.invoked_at_s <= call.ended_at_s and other.ended_at_s >= call.invoked_at_s - 1
    ]
    return [f"{user.user_id}, call {number}: {call}: {why}; around it:", *around]


async def left_in_table(user: User, client: DynamoDBClient, name: str) -> list[str]:
    """Return what is wrong with the items of a user: two profiles, or another one than the last read."""
    answer = await client.query(
        TableName=name,
        KeyConditionExpression="userId = :userId",
        ExpressionAttributeValues={":userId": {"S": user.user_id}},
        ConsistentRead=True,
    )
    live = [
        item
        for item in answer["Items"]
        if item["createdAt"]["S"] != CLAIM and "deletedAt" not in item
    ]
    last = user.calls[-1][0].reply
    read = [] if last is None else [(last.created_at, str(last.version))]
    found = [(item["createdAt"]["S"], item["version"]["N"]) for item in live]
    return [] if found == read else [f"{user.user_id}: {read} was read, and there is {live}"]
