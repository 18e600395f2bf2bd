"""Reads that come at the same time share calls, and nobody suffers for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.errors import (
    Misconfigured,
    ProfileTooLarge,
    ServiceError,
    UpstreamFault,
    UpstreamUnavailable,
)
from service.profile_store.batch_reader import (
    ENOUGH_KEYS,
    LONGEST_WAIT_S,
    MAX_KEYS,
    MAX_SPLITS,
    MAX_TRIES,
    BatchReader,
)
from service.profile_store.items import Item
from service.profile_store.queries import Answered, Key
from tests.profile_store.scripted_reads import ScriptedReads, item_at

Deed: TypeAlias = "Callable[[_Table, Key, int], Awaitable[None]]"

A, B, C, D = keys_of_four = [(user, "2026") for user in ("alice", "bob", "carol", "dave")]


def _keys(number: int) -> list[Key]:
    return [(f"user-{n:03}", "2026") for n in range(number)]


def _gathered(reads: ScriptedReads, *, most: int = 8) -> BatchReader:
    return BatchReader(reads, most=most, first_pause_s=1e-6)


def _reading(gathered: BatchReader, *keys: Key) -> list[asyncio.Task[Item | None]]:
    return [asyncio.create_task(gathered.read(key)) for key in keys]


async def _outcomes(readers: Sequence[asyncio.Task[Item | None]]) -> list[object]:
    async with asyncio.timeout(10):
        return [*await asyncio.gather(*readers, return_exceptions=True)]


async def _turns(number: int = 5) -> None:
    """Let all else have its turn so many times."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_reads_of_one_turn_share_one_call() -> None:
    """All who ask in the same turn of the loop go together, and each gets its own item."""
    reads = ScriptedReads()
    readers = _reading(_gathered(reads), A, B, C)
    await reads.arrived(1)

    reads.calls[0].answer(without={B})

    assert await _outcomes(readers) == [item_at(A), None, item_at(C)]
    assert reads.keys == [[A, B, C]]


async def test_who_comes_before_the_call_is_sent_goes_along() -> None:
    """A call that is due takes along who asks in the meantime."""
    reads = ScriptedReads()
    gathered = _gathered(reads)
    readers = _reading(gathered, A)
    await _turns(1)
    readers += _reading(gathered, B)
    await reads.arrived(1)

    reads.calls[0].answer()

    assert await _outcomes(readers) == [item_at(A), item_at(B)]


async def test_single_read_does_not_wait() -> None:
    """Where nothing is under way a read is sent as soon as the loop has looked for others."""
    reads = ScriptedReads()
    readers = _reading(_gathered(reads), A)

    await _turns(4)

    assert reads.keys == [[A]]
    reads.calls[0].answer()
    assert await _outcomes(readers) == [item_at(A)]


async def test_key_is_once_in_a_call() -> None:
    """Who asks for the same key shares it too: DynamoDB refuses one that is named twice."""
    reads = ScriptedReads()
    readers = _reading(_gathered(reads), A, B, A, A)
    await reads.arrived(1)

    reads.calls[0].answer()

    assert await _outcomes(readers) == [item_at(A), item_at(B), item_at(A), item_at(A)]
    assert reads.keys == [[A, B]]


async def test_read_is_not_answered_by_a_call_that_began_before() -> None:
    """A read begins after it was asked for, though its key is under way already."""
    reads = ScriptedReads()
    gathered = _gathered(reads)
    (early,) = _reading(gathered, A)
    await reads.arrived(1)
    (late,) = _reading(gathered, A)
    await reads.arrived(2)

    reads.calls[0].reply.set_result(Answered({A: item_at(A, "before")}))
    await early
    assert not late.done()
    reads.calls[1].reply.set_result(Answered({A: item_at(A, "after")}))

    assert await _outcomes([early, late]) == [item_at(A, "before"), item_at(A, "after")]


async def test_few_wait_for_company_and_not_for_a_reply() -> None:
    """A read that comes while a call is under way is sent before that one has ended."""
    reads = ScriptedReads()
    gathered = _gathered(reads)
    readers = _reading(gathered, A)
    await reads.arrived(1)
    readers += _reading(gathered, B)
    await _turns()
    readers += _reading(gathered, C)
    await reads.arrived(2)

    for call in reads.calls:
        call.answer()

    assert await _outcomes(readers) == [item_at(A), item_at(B), item_at(C)]
    assert reads.keys == [[A], [B, C]]


async def test_enough_do_not_wait() -> None:
    """Enough keys go at once, and take along who waits for company."""
    reads = ScriptedReads()
    gathered, keys = _gathered(reads), _keys(ENOUGH_KEYS + 1)
    readers = _reading(gathered, keys[0])
    await reads.arrived(1)
    readers += _reading(gathered, keys[1])
    await _turns(1)

    readers += _reading(gathered, *keys[2:])
    await _turns(4)

    assert reads.keys == [keys[:1], keys[1:]]
    for call in reads.calls:
        call.answer()
    assert await _outcomes(readers) == [item_at(key) for key in keys]


async def test_who_waits_for_company_goes_when_nothing_is_under_way() -> None:
    """The end of the last call is the end of the waiting."""
    reads = ScriptedReads()
    gathered = _gathered(reads)
    readers = _reading(gathered, A)
    await reads.arrived(1)
    readers += _reading(gathered, B)
    await _turns(1)

    reads.calls[0].answer()
    await _turns(7)

    assert reads.keys == [[A], [B]]
    reads.calls[1].answer()
    assert await _outcomes(readers) == [item_at(A), item_at(B)]


async def test_call_takes_so_many_keys() -> None:
    """More keys than DynamoDB takes are several calls at once."""
    reads = ScriptedReads()
    keys = _keys(2 * MAX_KEYS + 30)
    readers = _reading(_gathered(reads), *keys)
    await reads.arrived(3)

    for call in reads.calls:
        call.answer()

    assert await _outcomes(readers) == [item_at(key) for key in keys]
    assert [len(call.keys) for call in reads.calls] == [MAX_KEYS, MAX_KEYS, 30]


async def test_calls_under_way_are_bounded() -> None:
    """Beyond the bound reads wait for a call to end, and then go together at once."""
    reads = ScriptedReads()
    gathered, keys = _gathered(reads, most=2), _keys(3 * MAX_KEYS)
    readers = _reading(gathered, *keys[: 2 * MAX_KEYS])
    await reads.arrived(2)
    readers += _reading(gathered, *keys[2 * MAX_KEYS :])
    await _turns()
    assert len(reads.calls) == 2

    reads.calls[1].answer()
    await _turns(7)

    assert [len(call.keys) for call in reads.calls] == [MAX_KEYS] * 3
    for call in (reads.calls[0], reads.calls[2]):
        call.answer()
    assert await _outcomes(readers) == [item_at(key) for key in keys]


async def test_what_was_left_aside_is_asked_for_again() -> None:
    """The others have their items at once; what DynamoDB did not read is asked for again."""
    reads = ScriptedReads()
    readers = _reading(_gathered(reads), A, B, C)
    await reads.arrived(1)
    reads.calls[0].answer(unprocessed={B})
    assert await _outcomes([readers[0], readers[2]]) == [item_at(A), item_at(C)]
    await reads.arrived(2)

    reads.calls[1].answer()

    assert await _outcomes(readers) == [item_at(A), item_at(B), item_at(C)]
    assert reads.keys == [[A, B, C], [B]]


async def test_what_is_always_left_aside_is_unavailable() -> None:
    """After so many tries each caller hears that DynamoDB has no room."""
    reads = ScriptedReads()
    readers = _reading(_gathered(reads), A, A)
    for number in range(MAX_TRIES):
        await reads.arrived(number + 1)
        reads.calls[number].answer(unprocessed={A})

    one, other = await _outcomes(readers)

    assert [type(one), type(other)] == [UpstreamUnavailable] * 2
    assert isinstance(one, UpstreamUnavailable)
    assert one.retry_after_s == 1
    assert len(reads.calls) == MAX_TRIES


async def test_who_asks_for_a_pausing_key_waits_with_it() -> None:
    """DynamoDB is not pressed for a key that it has just left aside."""
    reads = ScriptedReads()
    gathered = BatchReader(reads, most=8, first_pause_s=0.05)
    readers = _reading(gathered, A, B)
    await reads.arrived(1)
    reads.calls[0].answer(unprocessed={A})
    await readers[1]
    readers += _reading(gathered, A)
    await reads.arrived(2)

    reads.calls[1].answer()

    assert await _outcomes(readers) == [item_at(A), item_at(B), item_at(A)]
    assert reads.keys == [[A, B], [A]]


async def test_what_was_left_aside_joins_who_waits_for_the_same_key() -> None:
    """A key is once in a call, also where it was left aside in another; all its callers share it."""
    reads = ScriptedReads()
    gathered = _gathered(reads, most=1)
    readers = _reading(gathered, A, A)
    await reads.arrived(1)
    readers += _reading(gathered, A, B)
    await _turns(1)
    readers[0].cancel()

    reads.calls[0].answer(unprocessed={A})
    await reads.arrived(2)
    readers[1].cancel()  # one that was taken over
    await _turns(1)
    reads.calls[1].answer()

    left = [asyncio.CancelledError] * 2
    assert [type(one) for one in await _outcomes(readers[:2])] == left
    assert await _outcomes(readers[2:]) == [item_at(A), item_at(B)]
    assert reads.keys == [[A], [A, B]]


async def test_caller_who_leaves_does_not_disturb_the_others() -> None:
    """Callers may leave before and after their call is sent; the others get their items."""
    reads = ScriptedReads()
    gathered = _gathered(reads, most=1)
    readers = _reading(gathered, D)
    await reads.arrived(1)
    readers += _reading(gathered, A, B, C, C)
    await _turns(1)
    readers[1].cancel()
    await _turns(1)
    reads.calls[0].answer()
    await reads.arrived(2)
    readers[3].cancel()
    await _turns(1)

    reads.calls[1].answer()

    assert reads.keys == [[D], [B, C]]
    outcomes = await _outcomes(readers)
    assert [type(outcomes.pop(index)) for index in (3, 1)] == [asyncio.CancelledError] * 2
    assert outcomes == [item_at(D), item_at(B), item_at(C)]


async def test_each_caller_has_a_deadline_of_its_own() -> None:
    """One whose time is over leaves; the one beside it waits on."""
    reads = ScriptedReads()
    gathered = _gathered(reads)
    (patient,) = _reading(gathered, A)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await gathered.read(A)
    reads.calls[0].answer()

    assert await _outcomes([patient]) == [item_at(A)]


@pytest.mark.parametrize("failure", [None, UpstreamUnavailable()], ids=["answered", "failed"])
async def test_caller_who_leaves_as_the_answer_comes_takes_nobody_along(
    failure: Exception | None,
) -> None:
    """Who leaves in the very turn of the answer does not take a later read of the key along."""
    reads = ScriptedReads()
    gathered = _gathered(reads, most=1)
    (early,) = _reading(gathered, A)
    await reads.arrived(1)
    (late,) = _reading(gathered, A)
    await _turns(1)

    if failure is None:
        reads.calls[0].answer()
    else:
        reads.calls[0].fail(failure)
    early.cancel()
    await reads.arrived(2)
    reads.calls[1].answer()

    assert await _outcomes([late]) == [item_at(A)]
    assert early.cancelled()


async def test_nothing_is_sent_where_all_have_left() -> None:
    """What nobody waits for is not asked for; the next reads are."""
    reads = ScriptedReads()
    gathered = _gathered(reads)
    readers = _reading(gathered, A)
    await reads.arrived(1)
    (leaving,) = _reading(gathered, B)
    await _turns(1)
    leaving.cancel()
    await _turns(1)
    reads.calls[0].answer()
    await _outcomes(readers)
    await asyncio.sleep(2 * LONGEST_WAIT_S)  # after which nothing may have happened
    assert len(reads.calls) == 1

    readers = _reading(gathered, C)
    await reads.arrived(2)
    reads.calls[1].answer()

    assert await _outcomes(readers) == [item_at(C)]


async def test_call_that_nobody_waits_for_is_cancelled() -> None:
    """A call that hangs does not take up room for longer than its callers wait."""
    reads = ScriptedReads()
    gathered = _gathered(reads, most=1)
    readers = _reading(gathered, A, B)
    await reads.arrived(1)
    readers += _reading(gathered, C)
    await _turns(1)
    readers[0].cancel()
    await _turns()
    assert not reads.calls[0].reply.cancelled()

    readers[1].cancel()
    await reads.arrived(2)

    assert reads.calls[0].reply.cancelled()
    reads.calls[1].answer()
    assert await _outcomes(readers[2:]) == [item_at(C)]


async def test_call_is_not_cancelled_for_those_who_have_their_answer() -> None:
    """Of a call that is split, only what is still open counts."""
    reads = ScriptedReads()
    readers = _reading(_gathered(reads), A, B)
    await reads.arrived(1)
    reads.calls[0].fail(UpstreamFault())
    await reads.arrived(3)
    reads.calls[1].answer()
    assert await _outcomes(readers[:1]) == [item_at(A)]

    readers[1].cancel()
    await _turns()

    assert reads.calls[2].reply.cancelled()


async def test_key_that_all_have_left_is_not_asked_for_again() -> None:
    """Who leaves while a key is under way or pauses takes the wish for it along."""
    reads = ScriptedReads()
    gathered = BatchReader(reads, most=8, first_pause_s=0.001)
    early, late, other = _reading(gathered, A, B, C)
    await reads.arrived(1)
    early.cancel()
    await _turns(1)
    reads.calls[0].answer(unprocessed={A, B})
    await other
    late.cancel()
    await _turns(1)
    await asyncio.sleep(0.01)  # longer than the pause, after which nothing may happen

    assert len(reads.calls) == 1


@pytest.mark.parametrize(
    "failure",
    [UpstreamFault(), ProfileTooLarge(), KeyError("a defect")],
    ids=["refused", "too large", "defect"],
)
async def test_poisoned_key_does_not_fail_its_neighbours(failure: Exception) -> None:
    """A call that fails for what is in it is split until it is known for what."""
    keys, poisoned = _keys(MAX_KEYS), _keys(MAX_KEYS)[37]
    sizes = []

    async def ask(asked: Sequence[Key]) -> Answered:
        sizes.append(len(asked))
        if poisoned in asked:
            raise failure
        return Answered({key: item_at(key) for key in asked})

    outcomes = await _outcomes(_reading(BatchReader(ask, most=8), *keys))

    assert type(outcomes.pop(37)) is type(failure)
    keys.remove(poisoned)
    assert outcomes == [item_at(key) for key in keys]
    assert len(sizes) <= 15  # two for each of the seven halvings of a hundred, and the first


@pytest.mark.parametrize("failure", [UpstreamUnavailable(retry_after_s=3), Misconfigured()])
async def test_failure_of_no_key_is_everybodys(failure: ServiceError) -> None:
    """Where DynamoDB cannot be had, asking for fewer keys would only be asking more often."""
    failure.__cause__ = KeyError("botocore's own")
    reads = ScriptedReads()
    readers = _reading(_gathered(reads), A, B, B)
    await reads.arrived(1)

    reads.calls[0].fail(failure)

    outcomes = await _outcomes(readers)
    assert len(reads.calls) == 1
    assert len({id(outcome) for outcome in outcomes}) == 3
    for outcome in outcomes:
        assert isinstance(outcome, type(failure))
        assert outcome.__cause__ is failure.__cause__
        assert outcome.retry_after_s == failure.retry_after_s
        assert outcome.public_detail == failure.public_detail


async def test_failure_of_everything_is_not_asked_for_twice_as_often() -> None:
    """Where every call fails, splitting stops to pay; where one succeeds, it does again."""
    keys, calls, poisoned = _keys(MAX_KEYS), 0, {*_keys(MAX_KEYS)}

    async def ask(asked: Sequence[Key]) -> Answered:
        nonlocal calls
        calls += 1
        if poisoned.intersection(asked):
            raise UpstreamFault
        return Answered({key: item_at(key) for key in asked})

    gathered = BatchReader(ask, most=8)
    for _ in range(5):
        outcomes = await _outcomes(_reading(gathered, *keys))
        assert {type(outcome) for outcome in outcomes} == {UpstreamFault}
    assert calls <= 5 + 2 * MAX_SPLITS

    poisoned = {keys[37]}
    await gathered.read(keys[0])
    outcomes = await _outcomes(_reading(gathered, *keys))
    assert [isinstance(outcome, UpstreamFault) for outcome in outcomes] == [
        key in poisoned for key in keys
    ]


async def test_call_that_is_cancelled_takes_its_callers_along() -> None:
    """Nobody waits for ever when a process stops everything that runs."""
    reads = ScriptedReads()
    readers = _reading(_gathered(reads), A, B)
    await reads.arrived(1)

    for task in asyncio.all_tasks() - {asyncio.current_task(), *readers}:
        task.cancel()

    assert [type(one) for one in await _outcomes(readers)] == [asyncio.CancelledError] * 2


async def test_call_is_no_one_requests() -> None:
    """What is logged of a call that several share does not carry the id of one of them."""
    bound: list[object] = []

    async def ask(keys: Sequence[Key]) -> Answered:
        bound.append(structlog.contextvars.get_contextvars())
        return Answered({key: item_at(key) for key in keys})

    with structlog.contextvars.bound_contextvars(request_id="of-one"):
        await BatchReader(ask, most=1).read(A)

    assert bound == [{}]


class _Table:
    """A table whose calls end when the dice say so, and readers who must not notice."""

    def __init__(self, most: int) -> None:
        self.states = dict.fromkeys(keys_of_four, 0)
        self.poisoned: set[Key] = set()
        self.times_poisoned = dict.fromkeys(keys_of_four, 0)
        self.left_aside: list[set[Key]] = []
        self.under_way: list[asyncio.Event] = []
        self.readers: list[asyncio.Task[None]] = []
        self._gathered = BatchReader(self._ask, most=most, first_pause_s=1e-6)

    async def _ask(self, keys: Sequence[Key]) -> Answered:
        assert len(keys) == len({*keys})
        gate = asyncio.Event()
        self.under_way.append(gate)
        try:
            if self.poisoned.intersection(keys):
                raise UpstreamFault
            aside = self.left_aside.pop() & {*keys} if self.left_aside else set()
            found = {key: item_at(key, str(self.states[key])) for key in {*keys} - aside}
            await gate.wait()
            return Answered(found, aside)
        finally:
            self.under_way.remove(gate)

    async def _read(self, key: Key) -> None:
        acknowledged, poisoned = self.states[key], key in self.poisoned
        times_poisoned = self.times_poisoned[key]
        try:
            item = await self._gathered.read(key)
        except UpstreamFault:
            assert poisoned or self.times_poisoned[key] > times_poisoned
            return
        assert item is not None
        assert item["userId"]["S"] == key[0]
        assert int(item["state"]["S"]) >= acknowledged

    async def read(self, key: Key, _: int) -> None:
        self.readers.append(asyncio.create_task(self._read(key)))

    async def write(self, key: Key, _: int) -> None:
        self.states[key] += 1

    async def spoil(self, key: Key, _: int) -> None:
        self.poisoned ^= {key}
        self.times_poisoned[key] += key in self.poisoned

    async def leave_aside(self, key: Key, which: int) -> None:
        self.left_aside.append({key, keys_of_four[which]})

    async def end(self, _: Key, which: int) -> None:
        for gate in self.under_way[which : which + 1]:
            gate.set()

    async def leave(self, _: Key, which: int) -> None:
        for reader in self.readers[which::4]:
            reader.cancel()

    async def turn(self, _: Key, which: int) -> None:
        await _turns(which)


DEEDS = (
    _Table.read,
    _Table.write,
    _Table.spoil,
    _Table.leave_aside,
    _Table.end,
    _Table.leave,
    _Table.turn,
)


@given(
    deeds=st.lists(
        st.tuples(
            st.sampled_from((*DEEDS, _Table.read, _Table.turn)),
            st.sampled_from(keys_of_four),
            st.integers(0, 3),
        ),
        max_size=60,
    ),
    most=st.integers(1, 3),
)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_whatever_happens_every_read_sees_what_was_written_before_it(
    deeds: list[tuple[Deed, Key, int]], most: int
) -> None:
    """Through writes, departures, keys that are left aside or poisoned: none is stale, none hangs."""

    async def run() -> None:
        table = _Table(most)
        for deed, key, which in deeds:
            await deed(table, key, which)
        table.left_aside.clear()
        async with asyncio.timeout(10):
            while not all(reader.done() for reader in table.readers):
                for gate in table.under_way:
                    gate.set()
                await asyncio.sleep(0)
        assert [
            reader for reader in table.readers if not reader.cancelled() and reader.exception()
        ] == []
        await _turns()
        assert table.under_way == []

    asyncio.run(run())


async def test_sizes_of_calls_are_told() -> None:
    """For each call it is told how many keys it is for."""
    sizes: list[float] = []
    reads = ScriptedReads()
    gathered = BatchReader(reads, most=8, observe=sizes.append)

    first = _reading(gathered, A, B, C)
    await reads.arrived(1)
    second = _reading(gathered, D)
    await reads.arrived(2)
    for call in reads.calls:
        call.answer()
    await _outcomes(first + second)

    assert sizes == [3, 1]
