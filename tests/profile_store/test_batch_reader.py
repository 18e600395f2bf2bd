"""Concurrent reads share calls without affecting one another."""

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
from service.observability.loop_lag import BUSY_LAG_S, LoopLag
from service.profile_store.batch_reader import (
    BATCH_TARGET_KEYS,
    ITERATIONS_PER_CALL,
    MAX_KEYS,
    MAX_SPLITS,
    MAX_TRIES,
    MAX_WAIT_S,
    BatchReader,
)
from service.profile_store.items import Item
from service.profile_store.queries import Key, KeyReadResult
from tests.profile_store.scripted_reads import ScriptedReads, item_at
from tests.support.clock import Clock

Deed: TypeAlias = "Callable[[_Table, Key, int], Awaitable[None]]"

A, B, C, D = keys_of_four = [(user, "2026") for user in ("alice", "bob", "carol", "dave")]


LONG_S = 60.0


def _keys(number: int) -> list[Key]:
    return [(f"user-{n:03}", "2026") for n in range(number)]


def _reader(reads: ScriptedReads, *, max_calls: int = 8) -> BatchReader:
    return BatchReader(reads, max_calls=max_calls, first_pause_s=1e-6)


def _reading(reader: BatchReader, *keys: Key) -> list[asyncio.Task[Item | None]]:
    return [asyncio.create_task(reader.read(key)) for key in keys]


async def _outcomes(readers: Sequence[asyncio.Task[Item | None]]) -> list[object]:
    async with asyncio.timeout(10):
        return [*await asyncio.gather(*readers, return_exceptions=True)]


async def _turns(number: int = 5) -> None:
    """Let all else have its turn so many times."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_reads_of_one_iteration_share_a_call() -> None:
    """Reads of one loop iteration share a call, and each gets its own item."""
    reads = ScriptedReads()
    readers = _reading(_reader(reads), A, B, C)
    await reads.arrived(1)

    reads.calls[0].answer(without={B})

    assert await _outcomes(readers) == [item_at(A), None, item_at(C)]
    assert reads.keys == [[A, B, C]]


async def test_read_joins_a_scheduled_call() -> None:
    """A read joins a call that is scheduled and not yet sent."""
    reads = ScriptedReads()
    reader = _reader(reads)
    readers = _reading(reader, A, B)
    await _turns(1)
    readers += _reading(reader, C)
    await reads.arrived(1)

    reads.calls[0].answer()

    assert await _outcomes(readers) == [item_at(A), item_at(B), item_at(C)]
    assert reads.keys == [[A, B, C]]


async def test_single_read_does_not_wait() -> None:
    """Where nothing is under way a read is sent as soon as the loop has looked for others."""
    reads = ScriptedReads()
    readers = _reading(_reader(reads), A)

    await _turns(4)

    assert reads.keys == [[A]]
    reads.calls[0].answer()
    assert await _outcomes(readers) == [item_at(A)]


class _SteadyLag(LoopLag):
    """A lag that does not depend on the machine."""

    def __init__(self, lag_s: float) -> None:
        super().__init__()
        self.average_s = lag_s

    def add(self, sample_s: float) -> None:
        """Ignore a sample."""


def _lagging(
    lag_s: float, reads: ScriptedReads, clock: Clock, *, max_wait_s: float = LONG_S
) -> BatchReader:
    return BatchReader(
        reads, max_calls=32, max_wait_s=max_wait_s, lag=_SteadyLag(lag_s), clock=clock
    )


async def test_rate_of_calls_is_limited_by_the_lag() -> None:
    """A read beyond the rate waits, and shares the call of the first read that is within it."""
    reads, clock = ScriptedReads(), Clock()
    reader = _lagging(0.001 / ITERATIONS_PER_CALL, reads, clock)  # a call in 1 ms
    readers: list[asyncio.Task[Item | None]] = []

    for key in _keys(9):
        readers += _reading(reader, key)
        await _turns(4)
        clock.advance(0.0007)

    assert [len(call.keys) for call in reads.calls] == [1, 1, 1, 1, 2, 1, 2]
    for call in reads.calls:
        call.answer()
    assert await _outcomes(readers) == [item_at(key) for key in _keys(9)]


async def test_read_beyond_the_rate_is_sent_when_a_call_ends_within_it() -> None:
    """The end of a call sends the waiting reads once the rate allows it, not earlier."""
    reads, clock = ScriptedReads(), Clock()
    reader = _lagging(BUSY_LAG_S, reads, clock)
    readers: list[asyncio.Task[Item | None]] = []
    for key in (A, B, C):  # the second is early
        readers += _reading(reader, key)
        await _turns(4)

    reads.calls[0].answer()
    await _turns(4)
    assert reads.keys == [[A], [B]]
    clock.advance(BUSY_LAG_S * ITERATIONS_PER_CALL)
    reads.calls[1].answer()
    await reads.arrived(3)

    reads.calls[2].answer()
    assert await _outcomes(readers) == [item_at(A), item_at(B), item_at(C)]


async def test_reads_are_sent_at_once_while_the_loop_has_time_to_spare() -> None:
    """Without a lag each read is sent at once, however many calls are in flight."""
    reads = ScriptedReads()
    reader = _lagging(0, reads, Clock())
    readers: list[asyncio.Task[Item | None]] = []

    for key in _keys(20):
        readers += _reading(reader, key)
        await _turns(4)

    assert reads.keys == [[key] for key in _keys(20)]
    for call in reads.calls:
        call.answer()
    assert await _outcomes(readers) == [item_at(key) for key in _keys(20)]


async def test_read_beyond_the_rate_waits_for_a_bounded_time() -> None:
    """Where no other read arrives and no call ends, a read beyond the rate is sent by a timer."""
    reads = ScriptedReads()
    reader = _lagging(BUSY_LAG_S, reads, Clock(), max_wait_s=MAX_WAIT_S)
    readers: list[asyncio.Task[Item | None]] = []

    for number, key in enumerate((A, B, C)):
        readers += _reading(reader, key)
        await reads.arrived(number + 1)

    for call in reads.calls:
        call.answer()
    assert await _outcomes(readers) == [item_at(A), item_at(B), item_at(C)]


@pytest.mark.parametrize("joins", [False, True], ids=["alone", "joined"])
async def test_read_that_is_cancelled_before_its_call_affects_no_other(*, joins: bool) -> None:
    """The reads that joined a read, of its key or another, are sent though it is cancelled."""
    reads = ScriptedReads()
    reader = _reader(reads)
    first, *others = _reading(reader, A, *([A, B] if joins else [B]))
    await _turns(1)
    first.cancel()
    await reads.arrived(1)

    reads.calls[0].answer()

    expected = [item_at(A), item_at(B)] if joins else [item_at(B)]
    assert await _outcomes(others) == expected
    assert first.cancelled()
    assert reads.keys == [[A, B] if joins else [B]]


async def test_key_is_once_in_a_call() -> None:
    """Reads of the same key share it, as DynamoDB rejects duplicate keys."""
    reads = ScriptedReads()
    readers = _reading(_reader(reads), A, B, A, A)
    await reads.arrived(1)

    reads.calls[0].answer()

    assert await _outcomes(readers) == [item_at(A), item_at(B), item_at(A), item_at(A)]
    assert reads.keys == [[A, B]]


async def test_read_is_not_answered_by_a_call_that_began_before() -> None:
    """A read is answered by a call that begins after it, even if its key is in flight."""
    reads = ScriptedReads()
    reader = _reader(reads)
    (early,) = _reading(reader, A)
    await reads.arrived(1)
    (late,) = _reading(reader, A)
    await reads.arrived(2)

    reads.calls[0].reply.set_result(KeyReadResult({A: item_at(A, "before")}))
    await early
    assert not late.done()
    reads.calls[1].reply.set_result(KeyReadResult({A: item_at(A, "after")}))

    assert await _outcomes([early, late]) == [item_at(A, "before"), item_at(A, "after")]


async def test_read_does_not_wait_for_the_reply_of_another_call() -> None:
    """A read during a call is sent before that call has ended."""
    reads = ScriptedReads()
    reader = _reader(reads)
    readers = _reading(reader, A)
    await reads.arrived(1)
    readers += _reading(reader, B, C)
    await reads.arrived(2)

    for call in reads.calls:
        call.answer()

    assert await _outcomes(readers) == [item_at(A), item_at(B), item_at(C)]
    assert reads.keys == [[A], [B, C]]


async def test_full_batch_is_sent_at_once() -> None:
    """BATCH_TARGET_KEYS pending keys are sent at once, with the reads that wait."""
    reads, keys = ScriptedReads(), _keys(BATCH_TARGET_KEYS + 2)
    reader = _lagging(BUSY_LAG_S, reads, Clock())
    readers: list[asyncio.Task[Item | None]] = []
    for key in keys[:3]:
        readers += _reading(reader, key)
        await _turns(4)
    assert reads.keys == [keys[:1], keys[1:2]]

    readers += _reading(reader, *keys[3:])
    await _turns(4)

    assert reads.keys == [keys[:1], keys[1:2], keys[2:]]
    for call in reads.calls:
        call.answer()
    assert await _outcomes(readers) == [item_at(key) for key in keys]


async def test_waiting_read_is_sent_when_no_call_is_in_flight() -> None:
    """The end of the last call is the end of the waiting."""
    reads = ScriptedReads()
    reader = _reader(reads)
    readers = _reading(reader, A)
    await reads.arrived(1)
    readers += _reading(reader, B)
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
    readers = _reading(_reader(reads), *keys)
    await reads.arrived(3)

    for call in reads.calls:
        call.answer()

    assert await _outcomes(readers) == [item_at(key) for key in keys]
    assert [len(call.keys) for call in reads.calls] == [MAX_KEYS, MAX_KEYS, 30]


async def test_concurrent_calls_are_bounded() -> None:
    """Beyond the bound reads wait for a call to end, and then go together at once."""
    reads = ScriptedReads()
    reader, keys = _reader(reads, max_calls=2), _keys(3 * MAX_KEYS)
    readers = _reading(reader, *keys[: 2 * MAX_KEYS])
    await reads.arrived(2)
    readers += _reading(reader, *keys[2 * MAX_KEYS :])
    await _turns()
    assert len(reads.calls) == 2

    reads.calls[1].answer()
    await _turns(7)

    assert [len(call.keys) for call in reads.calls] == [MAX_KEYS] * 3
    for call in (reads.calls[0], reads.calls[2]):
        call.answer()
    assert await _outcomes(readers) == [item_at(key) for key in keys]


async def test_unprocessed_key_is_read_again() -> None:
    """Processed keys are answered at once; unprocessed keys are read again."""
    reads = ScriptedReads()
    readers = _reading(_reader(reads), A, B, C)
    await reads.arrived(1)
    reads.calls[0].answer(unprocessed={B})
    assert await _outcomes([readers[0], readers[2]]) == [item_at(A), item_at(C)]
    await reads.arrived(2)

    reads.calls[1].answer()

    assert await _outcomes(readers) == [item_at(A), item_at(B), item_at(C)]
    assert reads.keys == [[A, B, C], [B]]


async def test_key_that_stays_unprocessed_is_unavailable() -> None:
    """After MAX_TRIES the callers of an unprocessed key get UpstreamUnavailable."""
    reads = ScriptedReads()
    readers = _reading(_reader(reads), A, A)
    for number in range(MAX_TRIES):
        await reads.arrived(number + 1)
        reads.calls[number].answer(unprocessed={A})

    one, other = await _outcomes(readers)

    assert [type(one), type(other)] == [UpstreamUnavailable] * 2
    assert isinstance(one, UpstreamUnavailable)
    assert one.retry_after_s == 1
    assert len(reads.calls) == MAX_TRIES


async def test_read_of_a_paused_key_joins_it() -> None:
    """A new read of an unprocessed key waits for its pause."""
    reads = ScriptedReads()
    reader = BatchReader(reads, max_calls=8, first_pause_s=0.05)
    readers = _reading(reader, A, B)
    await reads.arrived(1)
    reads.calls[0].answer(unprocessed={A})
    await readers[1]
    readers += _reading(reader, A)
    await reads.arrived(2)

    reads.calls[1].answer()

    assert await _outcomes(readers) == [item_at(A), item_at(B), item_at(A)]
    assert reads.keys == [[A, B], [A]]


async def test_unprocessed_key_joins_a_waiting_read() -> None:
    """An unprocessed key joins a waiting read of the same key; all callers share it."""
    reads = ScriptedReads()
    reader = _reader(reads, max_calls=1)
    readers = _reading(reader, A, A)
    await reads.arrived(1)
    readers += _reading(reader, A, B)
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


async def test_cancelled_caller_does_not_affect_others() -> None:
    """Cancellation before or after the call does not affect other callers."""
    reads = ScriptedReads()
    reader = _reader(reads, max_calls=1)
    readers = _reading(reader, D)
    await reads.arrived(1)
    readers += _reading(reader, A, B, C, C)
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


async def test_each_caller_has_its_own_deadline() -> None:
    """A caller that times out does not affect another of the same key."""
    reads = ScriptedReads()
    reader = _reader(reads)
    (patient,) = _reading(reader, A)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await reader.read(A)
    reads.calls[0].answer()

    assert await _outcomes([patient]) == [item_at(A)]


@pytest.mark.parametrize("failure", [None, UpstreamUnavailable()], ids=["answered", "failed"])
async def test_cancellation_during_the_answer_affects_no_later_read(
    failure: Exception | None,
) -> None:
    """Cancellation in the loop iteration of the answer does not affect a later read of the key."""
    reads = ScriptedReads()
    reader = _reader(reads, max_calls=1)
    early, other = _reading(reader, A, B)
    await reads.arrived(1)
    (late,) = _reading(reader, A)
    await _turns(1)

    if failure is None:
        reads.calls[0].answer()
    else:
        reads.calls[0].fail(failure)
    early.cancel()
    await reads.arrived(2)
    reads.calls[1].answer()

    assert await _outcomes([late]) == [item_at(A)]
    (outcome,) = await _outcomes([other])
    assert type(outcome) is (dict if failure is None else type(failure))
    assert early.cancelled()


async def test_nothing_is_sent_without_callers() -> None:
    """A key without callers is not read; later reads are."""
    reads = ScriptedReads()
    reader = _reader(reads)
    readers = _reading(reader, A)
    await reads.arrived(1)
    (leaving,) = _reading(reader, B)
    await _turns(1)
    leaving.cancel()
    await _turns(1)
    reads.calls[0].answer()
    await _outcomes(readers)
    await asyncio.sleep(2 * MAX_WAIT_S)  # after which nothing may have happened
    assert len(reads.calls) == 1

    readers = _reading(reader, C)
    await reads.arrived(2)
    reads.calls[1].answer()

    assert await _outcomes(readers) == [item_at(C)]


async def test_call_is_not_made_if_all_callers_leave_before_it() -> None:
    """In a loop that is behind, reads that leave before their call begins are not made."""
    reads = ScriptedReads()
    reader = _lagging(2 * BUSY_LAG_S, reads, Clock())
    readers = _reading(reader, A, B)
    await _turns(2)
    for leaving in readers:
        leaving.cancel()
    await _turns()
    assert reads.calls == []

    readers = _reading(reader, C)
    await reads.arrived(1)
    reads.calls[0].answer()

    assert await _outcomes(readers) == [item_at(C)]


async def test_call_that_nobody_waits_for_is_cancelled() -> None:
    """A call that hangs does not take up room for longer than its callers wait."""
    reads = ScriptedReads()
    reader = _reader(reads, max_calls=1)
    readers = _reading(reader, A, B)
    await reads.arrived(1)
    readers += _reading(reader, C)
    await _turns(1)
    readers[0].cancel()
    await _turns()
    assert not reads.calls[0].reply.cancelled()

    readers[1].cancel()
    await reads.arrived(2)

    assert reads.calls[0].reply.cancelled()
    reads.calls[1].answer()
    assert await _outcomes(readers[2:]) == [item_at(C)]


async def test_split_call_is_not_cancelled_by_answered_callers() -> None:
    """Answered reads of a split call do not count for its cancellation."""
    reads = ScriptedReads()
    readers = _reading(_reader(reads), A, B)
    await reads.arrived(1)
    reads.calls[0].fail(UpstreamFault())
    await reads.arrived(3)
    reads.calls[1].answer()
    assert await _outcomes(readers[:1]) == [item_at(A)]

    readers[1].cancel()
    await _turns()

    assert reads.calls[2].reply.cancelled()


async def test_unprocessed_key_without_callers_is_not_read_again() -> None:
    """An unprocessed key without callers is not read again."""
    reads = ScriptedReads()
    reader = BatchReader(reads, max_calls=8, first_pause_s=0.001)
    early, late, other = _reading(reader, A, B, C)
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
async def test_invalid_key_does_not_fail_other_keys(failure: Exception) -> None:
    """A failing call is split until the invalid key is isolated."""
    keys, invalid = _keys(MAX_KEYS), _keys(MAX_KEYS)[37]
    sizes = []

    async def ask(asked: Sequence[Key]) -> KeyReadResult:
        sizes.append(len(asked))
        if invalid in asked:
            raise failure
        return KeyReadResult({key: item_at(key) for key in asked})

    outcomes = await _outcomes(_reading(BatchReader(ask, max_calls=8), *keys))

    assert type(outcomes.pop(37)) is type(failure)
    keys.remove(invalid)
    assert outcomes == [item_at(key) for key in keys]
    assert len(sizes) <= 15  # two for each of the seven halvings of a hundred, and the first


@pytest.mark.parametrize("failure", [UpstreamUnavailable(retry_after_s=3), Misconfigured()])
async def test_failure_of_no_key_is_everybodys(failure: ServiceError) -> None:
    """Where DynamoDB cannot be had, asking for fewer keys would only be asking more often."""
    failure.__cause__ = KeyError("botocore's own")
    reads = ScriptedReads()
    readers = _reading(_reader(reads), A, B, B)
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
    keys, calls, invalid = _keys(MAX_KEYS), 0, {*_keys(MAX_KEYS)}

    async def ask(asked: Sequence[Key]) -> KeyReadResult:
        nonlocal calls
        calls += 1
        if invalid.intersection(asked):
            raise UpstreamFault
        return KeyReadResult({key: item_at(key) for key in asked})

    reader = BatchReader(ask, max_calls=8)
    for _ in range(5):
        outcomes = await _outcomes(_reading(reader, *keys))
        assert {type(outcome) for outcome in outcomes} == {UpstreamFault}
    assert calls <= 5 + 2 * MAX_SPLITS

    invalid = {keys[37]}
    await reader.read(keys[0])
    outcomes = await _outcomes(_reading(reader, *keys))
    assert [isinstance(outcome, UpstreamFault) for outcome in outcomes] == [
        key in invalid for key in keys
    ]


async def test_cancelled_call_cancels_its_callers() -> None:
    """Cancelling the task of a call cancels its callers."""
    reads = ScriptedReads()
    readers = _reading(_reader(reads), A, B)
    await reads.arrived(1)

    for task in asyncio.all_tasks() - {asyncio.current_task(), *readers}:
        task.cancel()

    assert [type(one) for one in await _outcomes(readers)] == [asyncio.CancelledError] * 2


async def test_shared_call_has_no_request_context() -> None:
    """Log lines of a shared call carry no request id."""
    bound: list[object] = []

    async def ask(keys: Sequence[Key]) -> KeyReadResult:
        bound.append(structlog.contextvars.get_contextvars())
        return KeyReadResult({key: item_at(key) for key in keys})

    with structlog.contextvars.bound_contextvars(request_id="of-one"):
        await _outcomes(_reading(BatchReader(ask, max_calls=1), A, B))

    assert bound == [{}]


class _Table:
    """A table whose calls end in a generated order, and its readers."""

    def __init__(self, max_calls: int) -> None:
        self.states = dict.fromkeys(keys_of_four, 0)
        self.invalid: set[Key] = set()
        self.unprocessed_keys: list[set[Key]] = []
        self.in_flight: list[asyncio.Event] = []
        self.readers: list[asyncio.Task[None]] = []
        self._reader = BatchReader(self._ask, max_calls=max_calls, first_pause_s=1e-6)

    async def _ask(self, keys: Sequence[Key]) -> KeyReadResult:
        assert len(keys) == len({*keys})
        gate = asyncio.Event()
        self.in_flight.append(gate)
        try:
            if self.invalid.intersection(keys):
                raise UpstreamFault
            aside = self.unprocessed_keys.pop() & {*keys} if self.unprocessed_keys else set()
            found = {key: item_at(key, str(self.states[key])) for key in {*keys} - aside}
            await gate.wait()
            return KeyReadResult(found, aside)
        finally:
            self.in_flight.remove(gate)

    async def _read(self, key: Key) -> None:
        acknowledged, invalid = self.states[key], key in self.invalid
        try:
            item = await self._reader.read(key)
        except UpstreamFault:
            assert invalid or key in self.invalid
            return
        assert item is not None
        assert item["userId"]["S"] == key[0]
        assert int(item["state"]["S"]) >= acknowledged

    async def read(self, key: Key, _: int) -> None:
        self.readers.append(asyncio.create_task(self._read(key)))

    async def write(self, key: Key, _: int) -> None:
        self.states[key] += 1

    async def spoil(self, key: Key, _: int) -> None:
        self.invalid ^= {key}

    async def leave_aside(self, key: Key, which: int) -> None:
        self.unprocessed_keys.append({key, keys_of_four[which]})

    async def end(self, _: Key, which: int) -> None:
        for gate in self.in_flight[which : which + 1]:
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
    max_calls=st.integers(1, 3),
)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_every_read_sees_earlier_writes(deeds: list[tuple[Deed, Key, int]], max_calls: int) -> None:
    """Under any sequence of writes, cancellations and failures no read is stale and none hangs."""

    async def run() -> None:
        table = _Table(max_calls)
        for deed, key, which in deeds:
            await deed(table, key, which)
        table.unprocessed_keys.clear()
        async with asyncio.timeout(10):
            while not all(reader.done() for reader in table.readers):
                for gate in table.in_flight:
                    gate.set()
                await asyncio.sleep(0)
        assert [
            reader for reader in table.readers if not reader.cancelled() and reader.exception()
        ] == []
        await _turns()
        assert table.in_flight == []

    asyncio.run(run())


async def test_number_of_keys_is_observed() -> None:
    """*observe* is called with the number of keys of each call."""
    sizes: list[float] = []
    reads = ScriptedReads()
    reader = BatchReader(reads, max_calls=8, observe=sizes.append)

    first = _reading(reader, A, B, C)
    await reads.arrived(1)
    second = _reading(reader, D)
    await reads.arrived(2)
    for call in reads.calls:
        call.answer()
    await _outcomes(first + second)

    assert sizes == [3, 1]
