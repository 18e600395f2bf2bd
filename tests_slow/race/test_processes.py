"""Three processes on one table: one profile for each user, every write counted, a deleted one gone."""

import asyncio
import json
import uuid

import pytest

from tests.profile_store.table import Table
from tests_slow.linearizability.cluster import Cluster
from tests_slow.race.calls import Balancer, Scale

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = ("givenName", "familyName", "nickname", "bio", "company", "city", "region", "jobTitle")
SERVICES_OWN = {"userId", "createdAt", "updatedAt", "version", "writeId"}


async def test_first_posts_at_once_make_one_profile(
    processes: Cluster, shared_table: Table, scale: Scale
) -> None:
    """Of eight concurrent first POSTs one is 201 and seven 200; one item holds all eight fields."""
    balancer = Balancer(processes)

    async def post(user_id: str) -> None:
        answers = await asyncio.gather(
            *(balancer.call(user_id, "POST", {field: field.title()}) for field in FIELDS)
        )

        assert sorted(answer.status for answer in answers) == [200] * 7 + [201], answers
        assert len({answer.body["createdAt"] for answer in answers}) == 1
        (profile,) = (item for item in await shared_table.items(user_id) if "version" in item)
        assert profile["version"] == {"N": "8"}
        assert {name for name in profile if name not in SERVICES_OWN} == {*FIELDS}
        for _ in processes.lives:
            read = await balancer.call(user_id, "GET")
            assert [read.body[field] for field in FIELDS] == [field.title() for field in FIELDS]

    for _ in range(scale.users // scale.users_at_once):
        users = [str(uuid.uuid4()) for _ in range(scale.users_at_once)]
        await asyncio.gather(*map(post, users))


async def test_conditional_increments_are_all_counted(
    processes: Cluster, user_id: str, scale: Scale
) -> None:
    """Each writer reads, adds one and writes with If-Match, until it is not stale: none is lost."""
    balancer = Balancer(processes)
    await balancer.call(user_id, "POST", {"preferences": {"count": 0}})

    async def write() -> None:
        counted = 0
        while counted < scale.increments:
            read = await balancer.call(user_id, "GET")
            more = {"preferences": {"count": read.body["preferences"]["count"] + 1}}
            answer = await balancer.call(user_id, "PATCH", more, If_Match=read.headers["etag"])
            assert answer.status in {200, 412}, answer
            counted += answer.status == 200

    await asyncio.gather(*(write() for _ in range(scale.writers)))

    read = await balancer.call(user_id, "GET")
    total = scale.writers * scale.increments
    assert read.body["preferences"] == {"count": total}
    assert read.body["version"] == total + 1


async def test_deleted_profile_is_gone_everywhere(
    processes: Cluster, shared_table: Table, user_id: str
) -> None:
    """After a DELETE every process responds with 404, and the table holds nothing of the profile."""
    balancer = Balancer(processes)
    old, new = ({field: f"secret-{uuid.uuid4().hex}" for field in FIELDS} for _ in "12")
    await balancer.call(user_id, "POST", {**old, "preferences": {"secret": old["bio"]}})
    await asyncio.gather(*(balancer.call(user_id, "PATCH", {name: new[name]}) for name in FIELDS))

    erased = await balancer.call(user_id, "DELETE")

    assert erased.status == 204
    reads = await asyncio.gather(*(balancer.call(user_id, "GET") for _ in processes.lives))
    assert [read.status for read in reads] == [404] * len(processes.lives)
    left = await _scanned(shared_table)
    assert user_id in left  # the mark of the erasure
    assert [secret for secret in (*old.values(), *new.values()) if secret in left] == []


async def _scanned(table: Table) -> str:
    """Return all items of the table."""
    pages = table.client.get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True)
    # Other tests have left bytes in it.
    return "".join([json.dumps(page["Items"], default=repr) async for page in pages])
