"""Erasures by processes that are killed leave no data once they are repeated."""

import asyncio
import os
import random
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from service.aws.clients import open_clients
from service.config.settings import Config
from service.profile_store.partitions import ERASED, partition_key
from tests.profile_store.table import Table
from tests.support.configs import CREDENTIALS
from tests_slow.linearizability.client import NeverSent, NoAnswer, call
from tests_slow.linearizability.cluster import Life, cluster
from tests_slow.linearizability.network import NO_FAULTS
from tests_slow.linearizability.workload import PATH

CALLS: Final = 5  # an erasure makes more: it reads three partitions, writes and reads again
HISTORY: Final = {"PROFILE_HISTORY_DAYS": "30"}
SECRET: Final = "secret"  # noqa: S105 -- a value to look for


@dataclass(frozen=True, slots=True)
class Extent:
    """The profiles of *users* are deleted at once, and the process is killed at one of its calls."""

    kills: int
    users: int
    beside: int  # items of each further partition


# With more items than a transaction takes.
AT_LENGTH: Final = Extent(kills=4, users=8, beside=100)
# moto copies its table for each transaction.
SHORT: Final = Extent(kills=2, users=4, beside=2)


async def test_erasures_by_killed_processes_can_be_repeated(
    config: Config, operators: Config, tmp_path: Path
) -> None:
    """Whenever a process is killed during DELETE, a repeated DELETE leaves no data in any partition."""
    extent = AT_LENGTH if "TEST_DYNAMODB_URL" in os.environ else SHORT
    rng = random.Random(20)  # noqa: S311 -- when to kill
    async with (
        open_clients(operators, CREDENTIALS) as clients,
        cluster(config, tmp_path, rng, NO_FAULTS, read_timeout_s=5, processes=0) as made,
    ):
        table = Table(clients.dynamodb.aioboto3, operators.dynamodb.user_profile_table)
        for _ in range(extent.kills):
            users = [str(uuid.uuid4()) for _ in range(extent.users)]
            life = await made.start(environ=HISTORY)
            await asyncio.gather(*(_saved(life, table, user, extent.beside) for user in users))
            deleting = [asyncio.create_task(_deleted(life, user)) for user in users]
            await life.network.calls(rng.randint(1, CALLS * extent.users))
            await made.kill(life)
            assert None in await asyncio.gather(*deleting)

            life = await made.start(environ=HISTORY)
            repeated = await asyncio.gather(*(_deleted(life, user) for user in users))
            await made.end(life)

            assert {*repeated} <= {204, 404}
            left = [item for user in users for item in await _items(table, user)]
            assert len(left) > extent.users * (2 + extent.beside * len(ERASED))
            assert [item for item in left if SECRET in str(item)] == []
            assert all("expiresAt" in item for item in left)


async def _saved(life: Life, table: Table, user: str, beside: int) -> None:
    """Create a profile and change it, with items in the further partitions."""
    # The second puts what the first wrote into the history.
    for method, status in (("POST", 201), ("PATCH", 200)):
        fields = {"city": f"{SECRET} {method}"}
        answer = await call(life.url, method, PATH, _identity(user), fields)
        assert answer.status == status
    data = {"city": {"S": SECRET}, "expiresAt": {"N": "4000000000"}}
    sort_keys = [f"v{number}" for number in range(beside)]
    for partition in ERASED:
        await table.put_all(partition_key(user, partition), sort_keys, **data)


async def _deleted(life: Life, user: str) -> int | None:
    """Delete the profile; returns the status, or None without an answer."""
    with suppress(NeverSent, NoAnswer):
        return (await call(life.url, "DELETE", PATH, _identity(user))).status
    return None


async def _items(table: Table, user: str) -> list[Mapping[str, Any]]:
    partitions = [user, *(partition_key(user, partition) for partition in ERASED)]
    return [item for partition in partitions for item in await table.items(partition)]


def _identity(user: str) -> Mapping[str, str]:
    return {"x-amzn-oidc-identity": user}
