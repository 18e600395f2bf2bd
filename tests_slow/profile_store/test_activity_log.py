"""The contract of every activity log, with the store that erases it; on the fake and on DynamoDB."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

import pytest

from service.aws.clients import open_clients
from service.config.settings import Config
from service.domain import profiles
from service.domain.activity import MAX_APPENDED, ActivityErased, ActivityEvent, ActivityLog
from service.domain.errors import ProfileChanged, ProfileNotFound
from service.domain.profiles import CLOSURE_PERIOD, ProfileStore, until_unchanged
from service.domain.values.timestamps import timestamp
from service.profile_store.own_data import activity_log
from service.profile_store.own_data.activity_log import DynamoDBActivityLog
from service.profile_store.partitions import ACTIVITY, partition_key
from tests.profile_store.table import NOON, SetClock, Table, store_on
from tests.support.conditions import Always
from tests.support.configs import CREDENTIALS
from tests.support.fakes.activity import MemoryActivityLog
from tests.support.fakes.profiles import MemoryProfileStore
from tests.support.lossy_proxy import lossy_proxy

DAYS = 30
Erase: TypeAlias = Callable[["Stage", str], Awaitable[None]]


@dataclass(frozen=True)
class Stage:
    """A log, the store that erases it, and the table where there is one."""

    log: ActivityLog
    store: ProfileStore
    clock: SetClock
    table: Table | None

    def event(self, event: str = "signed_in", **details: str) -> ActivityEvent:
        """Return an event of the clock's time."""
        return ActivityEvent(timestamp(self.clock()), event, **details)

    async def events(self, user_id: str) -> list[ActivityEvent]:
        """Return all events."""
        return [event async for page in self.log.all(user_id) for event in page]


@pytest.fixture(params=["memory", "dynamodb"])
async def stage(request: pytest.FixtureRequest, config: Config) -> AsyncIterator[Stage]:
    """Open each log in turn."""
    clock = SetClock()
    if request.param == "memory":
        memory = MemoryActivityLog(days=DAYS, clock=clock)
        yield Stage(memory, MemoryProfileStore(clock=clock, activity=memory), clock, None)
        return
    async with open_clients(config, CREDENTIALS) as clients:
        log = DynamoDBActivityLog(clients.dynamodb, config=config.dynamodb, days=DAYS, clock=clock)
        table = Table(clients.dynamodb.aioboto3, config.dynamodb.user_profile_table)
        yield Stage(log, store_on(clients, config, clock), clock, table)


async def test_event_reads_back_as_recorded(stage: Stage, user_id: str) -> None:
    """All parts of an event are kept; those that are unknown stay so."""
    full = stage.event(address="2001:db8::1", device="Browser \U0001f600", detail="a b")
    stage.clock.ahead = timedelta(seconds=1)
    bare = stage.event("password_changed")

    await stage.log.append(user_id, [full, bare])

    page = await stage.log.page(user_id, limit=10)
    assert page.events == [bare, full]
    assert page.next_position is None
    assert await stage.events(user_id) == [bare, full]
    assert await stage.events(user_id + "0") == []


async def test_events_of_one_millisecond_are_all_kept(stage: Stage, user_id: str) -> None:
    """Events at the same time do not replace each other; a repeated append adds none."""
    events = [stage.event(detail=str(number)) for number in range(MAX_APPENDED)]

    await stage.log.append(user_id, events)
    await stage.log.append(user_id, events)

    stored = await stage.events(user_id)
    assert {event.detail for event in stored} == {event.detail for event in events}
    assert len(stored) == MAX_APPENDED


async def test_pages_have_every_event_once(stage: Stage, user_id: str) -> None:
    """Pages follow each other without gap or repetition, newest first."""
    events = []
    for second in range(7):
        stage.clock.ahead = timedelta(seconds=second // 2)
        events.append(stage.event(detail=str(second)))
    await stage.log.append(user_id, events)

    read: list[ActivityEvent] = []
    before: str | None = None
    for _ in range(10):
        page = await stage.log.page(user_id, limit=3, before=before)
        read += page.events
        before = page.next_position
        if before is None:
            break

    assert [event.position for event in read] == sorted(
        (event.position for event in events), reverse=True
    )


async def test_expired_events_are_never_returned(stage: Stage, user_id: str) -> None:
    """An event ends after its days, though DynamoDB deletes it later; newer ones fill the page."""
    await stage.log.append(user_id, [stage.event(detail="old"), stage.event(detail="old")])
    stage.clock.ahead = timedelta(days=1)
    await stage.log.append(user_id, [stage.event(detail="new")])
    stage.clock.ahead = timedelta(days=DAYS, seconds=1)

    page = await stage.log.page(user_id, limit=1)

    assert [event.detail for event in page.events] == ["new"]
    assert page.next_position is None
    assert [event.detail for event in await stage.events(user_id)] == ["new"]


async def test_simultaneous_appends_are_all_kept(stage: Stage, user_id: str) -> None:
    """Processes that record events of one user at once lose none of them when they repeat."""

    async def append(number: int) -> None:
        event = stage.event(detail=str(number))
        await until_unchanged(lambda: stage.log.append(user_id, [event]))

    await asyncio.gather(*map(append, range(6)))

    assert {event.detail for event in await stage.events(user_id)} == set("012345")


async def _delete(stage: Stage, user_id: str) -> None:
    await profiles.delete(stage.store, user_id, Always())


async def _close(stage: Stage, user_id: str) -> None:
    await stage.store.close(user_id)


@pytest.mark.parametrize("erase", [_delete, _close], ids=["profile", "account"])
async def test_erased_events_do_not_return(stage: Stage, user_id: str, erase: Erase) -> None:
    """Events are erased with the profile, and those that were queued before are refused."""
    await stage.store.create(user_id, {})
    await stage.log.append(user_id, [stage.event()])
    queued = stage.event()

    await erase(stage, user_id)

    assert await stage.events(user_id) == []
    with pytest.raises(ActivityErased):
        await stage.log.append(user_id, [queued])
    assert await stage.events(user_id) == []
    if stage.table is not None:
        left = await stage.table.items(partition_key(user_id, ACTIVITY))
        assert not [item for item in left if "event" in item]
        assert all("expiresAt" in item for item in left)


async def test_events_after_the_deletion_of_a_profile_are_stored(
    stage: Stage, user_id: str
) -> None:
    """The user still has the account: what happens later is recorded."""
    await stage.store.create(user_id, {})
    await _delete(stage, user_id)
    stage.clock.ahead = timedelta(milliseconds=1)
    later = stage.event()

    await stage.log.append(user_id, [later])

    assert await stage.events(user_id) == [later]


async def test_closed_account_has_no_events_while_a_token_may_live(
    stage: Stage, user_id: str
) -> None:
    """Neither a slow clock nor a late request stores an event of a deleted account."""
    await _close(stage, user_id)
    stage.clock.ahead = CLOSURE_PERIOD
    with pytest.raises(ActivityErased):
        await stage.log.append(user_id, [stage.event()])
    stage.clock.ahead = CLOSURE_PERIOD + timedelta(milliseconds=1)
    later = stage.event()

    await stage.log.append(user_id, [later])

    assert await stage.events(user_id) == [later]


async def test_deletion_never_shortens_a_closing(stage: Stage, user_id: str) -> None:
    """The later of two times counts, in whichever order they are set."""
    await stage.store.create(user_id, {})
    await _close(stage, user_id)
    if stage.table is not None:  # what a deletion erases a moment later
        partition = partition_key(user_id, ACTIVITY)
        await stage.table.put(partition, "2096", expiresAt={"N": "0"})
    with pytest.raises(ProfileNotFound):
        await _delete(stage, user_id)
    stage.clock.ahead = CLOSURE_PERIOD

    with pytest.raises(ActivityErased):
        await stage.log.append(user_id, [stage.event()])


@pytest.mark.parametrize("number", [0, 1])
async def test_activity_of_a_user_without_a_profile_is_erased(
    stage: Stage, user_id: str, number: int
) -> None:
    """DELETE of a profile that is not there erases the activity all the same, also what is queued."""
    for _ in range(number):
        await stage.log.append(user_id, [stage.event()])
    queued = stage.event()

    with pytest.raises(ProfileNotFound):
        await _delete(stage, user_id)

    assert await stage.events(user_id) == []
    with pytest.raises(ActivityErased):
        await stage.log.append(user_id, [queued])


async def test_more_events_than_one_query_reads_are_returned(
    stage: Stage, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All events are read by as many Queries as it takes, also behind many that have expired."""
    monkeypatch.setattr(activity_log, "QUERY_LIMIT", 3)
    await stage.log.append(user_id, [stage.event(detail="old") for _ in range(4)])
    stage.clock.ahead = timedelta(days=1)
    await stage.log.append(user_id, [stage.event(detail="new") for _ in range(4)])
    assert len(await stage.events(user_id)) == 8
    stage.clock.ahead = timedelta(days=DAYS, seconds=1)

    page = await stage.log.page(user_id, limit=5)

    assert len(page.events) == len(await stage.events(user_id)) == 4


async def test_items_of_other_applications_are_no_events(
    config: Config, table: Table, user_id: str
) -> None:
    """An item without the parts of an event is skipped, and texts of other types are left out."""
    partition = partition_key(user_id, ACTIVITY)
    later = {"N": str(int((NOON + timedelta(days=1)).timestamp()))}
    await table.put(partition, "2096", event={"N": "1"}, expiresAt=later)
    await table.put(partition, "2097", event={"S": "signed_in"})
    await table.put(partition, "2098#x", event={"S": "e"}, detail={"N": "1"}, expiresAt=later)
    async with open_clients(config, CREDENTIALS) as clients:
        log = DynamoDBActivityLog(
            clients.dynamodb, config=config.dynamodb, days=DAYS, clock=lambda: NOON
        )
        page = await log.page(user_id, limit=10)

    assert page.events == [ActivityEvent("2098", "e")]


async def test_delayed_append_of_another_process_stores_nothing(
    config: Config, table: Table, user_id: str
) -> None:
    """DynamoDB receives the events of a process after another one has erased the user's data."""
    event = ActivityEvent(timestamp(NOON), "signed_in", detail="late")
    async with open_clients(config, CREDENTIALS) as clients:
        store = store_on(clients, config)
        await store.create(user_id, {})
        async with lossy_proxy(str(config.dynamodb.endpoint_url)) as proxy:
            through = replace(config, dynamodb=replace(config.dynamodb, endpoint_url=proxy.url))
            async with open_clients(through, CREDENTIALS) as delayed:
                log = DynamoDBActivityLog(
                    delayed.dynamodb, config=config.dynamodb, days=DAYS, clock=lambda: NOON
                )
                proxy.before["TransactWriteItems"] = [lambda: store.close(user_id)]
                with pytest.raises(ActivityErased):
                    await log.append(user_id, [event])

    assert "late" not in str(await table.items(partition_key(user_id, ACTIVITY)))


async def test_lost_reply_stores_an_event_once(config: Config, table: Table, user_id: str) -> None:
    """The SDK repeats the transaction, and the event is there once."""
    async with lossy_proxy(str(config.dynamodb.endpoint_url)) as proxy:
        through = replace(config, dynamodb=replace(config.dynamodb, endpoint_url=proxy.url))
        async with open_clients(through, CREDENTIALS) as clients:
            log = DynamoDBActivityLog(
                clients.dynamodb, config=config.dynamodb, days=DAYS, clock=lambda: NOON
            )
            proxy.losing["TransactWriteItems"] = 1
            await log.append(user_id, [ActivityEvent(timestamp(NOON), "signed_in")])

    stored = await table.items(partition_key(user_id, ACTIVITY))
    assert len([item for item in stored if "event" in item]) == 1


async def test_conflict_stores_nothing(config: Config, user_id: str) -> None:
    """Events that conflict with another transaction of the user are the caller's to repeat."""
    async with lossy_proxy(str(config.dynamodb.endpoint_url)) as proxy:
        through = replace(config, dynamodb=replace(config.dynamodb, endpoint_url=proxy.url))
        async with open_clients(through, CREDENTIALS) as clients:
            log = DynamoDBActivityLog(
                clients.dynamodb, config=config.dynamodb, days=DAYS, clock=lambda: NOON
            )
            proxy.refusing["TransactWriteItems"] = ["TransactionConflictException"]
            with pytest.raises(ProfileChanged):
                await log.append(user_id, [ActivityEvent(timestamp(NOON), "signed_in")])

            assert (await log.page(user_id, limit=1)).events == []


@pytest.mark.parametrize("conflicts", [1, 3])
async def test_erasure_waits_for_a_transaction_that_is_under_way(
    config: Config, user_id: str, conflicts: int
) -> None:
    """A conflict with events that are being stored is repeated."""
    async with lossy_proxy(str(config.dynamodb.endpoint_url)) as proxy:
        through = replace(config, dynamodb=replace(config.dynamodb, endpoint_url=proxy.url))
        async with open_clients(through, CREDENTIALS) as clients:
            store = store_on(clients, through)
            await store.create(user_id, {})
            proxy.refusing["UpdateItem"] = ["TransactionConflictException"] * conflicts
            await store.close(user_id)

            assert await store.find_latest(user_id) is None
            assert proxy.seen.count("UpdateItem") == conflicts + 1
