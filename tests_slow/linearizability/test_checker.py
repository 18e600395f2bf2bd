"""The checker takes every history that one profile can have had, and no other."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

import pytest

from tests_slow.linearizability.checker import Undecided, check
from tests_slow.linearizability.history import (
    Condition,
    Existence,
    Fields,
    Method,
    Operation,
    Outcome,
    Snapshot,
)

READ, REPLACE, SAVE = Method.READ, Method.REPLACE, Method.SAVE
PATCH, DELETE = Method.PATCH, Method.DELETE
DONE, CREATED, MISSING = Outcome.DONE, Outcome.CREATED, Outcome.MISSING
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN


def state(text: str) -> Snapshot:
    """Return the state in "c1 x=1 y=2": of the creation c, version 1, with these fields."""
    name, *fields = text.split()
    return Snapshot(name[0], int(name[1:]), frozenset(_pair(field) for field in fields))


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def op(  # noqa: PLR0913 -- what a call is
    method: Method,
    invoked_at_s: float,
    ended_at_s: float,
    outcome: Outcome,
    *,
    sets: str = "",
    reply: str = "",
    only: Condition | str = None,
) -> Operation:
    """Return a call; *sets* is "x=1", and "x=" removes x."""
    changes = tuple((name, value or None) for name, value in map(_pair, sets.split()))
    return Operation(
        method,
        invoked_at_s,
        outcome,
        ended_at_s,
        changes,
        state(only) if isinstance(only, str) else only,
        state(reply) if reply else None,
    )


BORN = op(SAVE, 0, 1, CREATED, sets="x=1", reply="c1 x=1")
ABSENT, PRESENT = Existence.ABSENT, Existence.PRESENT

GOOD = {
    "nothing": [],
    "no profile yet": [
        op(READ, 0, 1, MISSING),
        op(PATCH, 1, 2, MISSING, sets="x=1"),
        op(DELETE, 2, 3, MISSING),
        op(PATCH, 3, 4, REFUSED, sets="x=1", only=PRESENT),
        op(PATCH, 5, 6, UNKNOWN, sets="x=1"),
        op(READ, 7, 8, MISSING),
    ],
    "one after the other": [
        BORN,
        op(READ, 2, 3, DONE, reply="c1 x=1"),
        op(PATCH, 4, 5, DONE, sets="y=2", reply="c2 x=1 y=2"),
        op(REPLACE, 6, 7, DONE, sets="y=3", reply="c3 y=3"),
        op(SAVE, 8, 9, DONE, sets="x=4 y=", reply="c4 x=4"),
        op(DELETE, 10, 11, DONE),
        op(READ, 12, 13, MISSING),
        op(REPLACE, 14, 15, CREATED, sets="x=5", reply="d1 x=5"),
    ],
    "a write that changes nothing": [
        BORN,
        op(PATCH, 2, 3, DONE, sets="x=1 y=", reply="c1 x=1"),
        op(REPLACE, 4, 5, DONE, sets="x=1", reply="c1 x=1"),
        op(REPLACE, 4, 5, UNKNOWN, sets="x=1"),
        op(READ, 6, 7, DONE, reply="c1 x=1"),
    ],
    "two writes at once, the later call first": [
        BORN,
        op(PATCH, 2, 8, DONE, sets="y=1", reply="c3 x=1 y=1 z=1"),
        op(PATCH, 3, 4, DONE, sets="z=1", reply="c2 x=1 z=1"),
        op(READ, 5, 6, DONE, reply="c2 x=1 z=1"),
    ],
    "eight creations at once": [
        op(SAVE, 0, 9, CREATED, sets="a=1", reply="c1 a=1"),
        op(SAVE, 0, 9, DONE, sets="b=1", reply="c2 a=1 b=1"),
        op(SAVE, 0, 9, DONE, sets="d=1", reply="c3 a=1 b=1 d=1"),
        op(SAVE, 0, 9, REFUSED, sets="e=1", only=ABSENT),
    ],
    "conditions": [
        BORN,
        op(PATCH, 2, 3, DONE, sets="x=2", reply="c2 x=2", only="c1 x=1"),
        op(PATCH, 4, 5, REFUSED, sets="x=3", only="c1 x=1"),
        op(DELETE, 6, 7, REFUSED, only="c1 x=1"),
        op(REPLACE, 8, 9, REFUSED, sets="x=3", only=ABSENT),
        op(DELETE, 10, 11, DONE, only="c2 x=2"),
        op(PATCH, 12, 13, REFUSED, sets="x=3", only="c2 x=2"),
        op(PATCH, 14, 15, REFUSED, sets="x=3", only=PRESENT),
    ],
    "one of two conditional writes wins": [
        BORN,
        op(PATCH, 2, 4, REFUSED, sets="x=2", only="c1 x=1"),
        op(PATCH, 3, 5, DONE, sets="x=3", reply="c2 x=3", only="c1 x=1"),
    ],
    "unknown, and made": [
        BORN,
        op(PATCH, 2, 9, UNKNOWN, sets="x=2"),
        op(READ, 3, 4, DONE, reply="c2 x=2"),
    ],
    "unknown, and never made": [
        BORN,
        op(PATCH, 2, 9, UNKNOWN, sets="x=2"),
        op(READ, 10, 11, DONE, reply="c1 x=1"),
    ],
    "unknown, and made late": [
        BORN,
        op(PATCH, 2, 9, UNKNOWN, sets="x=2"),
        op(READ, 3, 4, DONE, reply="c1 x=1"),
        op(PATCH, 5, 6, DONE, sets="y=1", reply="c2 x=1 y=1"),
        op(READ, 7, 8, DONE, reply="c3 x=2 y=1"),
    ],
    "unknown for ever": [
        BORN,
        op(DELETE, 2, inf, UNKNOWN),
        op(READ, 90, 91, DONE, reply="c1 x=1"),
        op(READ, 92, 93, MISSING),
    ],
    "a creation that only later reads tell of": [
        op(SAVE, 0, 9, UNKNOWN, sets="x=1"),
        op(SAVE, 0, 9, UNKNOWN, sets="y=1"),
        op(READ, 1, 2, DONE, reply="c2 x=1 y=1"),
        op(READ, 3, 4, DONE, reply="c2 x=1 y=1"),
    ],
    "a creation that nobody saw, and its deletion": [
        op(SAVE, 0, 2, UNKNOWN, sets="x=1"),
        op(DELETE, 3, 4, DONE),
        op(SAVE, 5, 6, CREATED, sets="x=2", reply="d1 x=2"),
    ],
    "an unknown write under one that was acknowledged": [
        BORN,
        op(PATCH, 2, 3, UNKNOWN, sets="y=1"),
        op(PATCH, 2, 3, UNKNOWN, sets="z=1"),
        op(REPLACE, 4, 5, DONE, sets="x=2", reply="c3 x=2"),
    ],
    "a write whose reply was lost answers with what is there by then": [
        BORN,
        op(PATCH, 2, 9, DONE, sets="x=2", reply="c3 x=3"),
        op(PATCH, 3, 8, DONE, sets="x=3", reply="c3 x=3"),
    ],
    "a creation whose reply was lost answers so too": [
        op(SAVE, 0, 9, CREATED, sets="x=1", reply="c2 x=1 y=1"),
        op(PATCH, 1, 2, DONE, sets="y=1", reply="c2 x=1 y=1"),
    ],
    "a deletion in the middle of another's write": [
        BORN,
        op(PATCH, 2, 9, DONE, sets="x=2", reply="c2 x=2"),
        op(DELETE, 3, 4, DONE),
        op(READ, 5, 6, MISSING),
    ],
}

BAD = {
    "a value out of nothing": [BORN, op(READ, 2, 3, DONE, reply="c2 x=7")],
    "a profile out of nothing": [op(READ, 0, 1, DONE, reply="c1 x=1")],
    "a stale read after an acknowledged write": [
        BORN,
        op(PATCH, 2, 3, DONE, sets="x=2", reply="c2 x=2"),
        op(READ, 4, 5, DONE, reply="c1 x=1"),
    ],
    "a stale read after another's read": [
        BORN,
        op(PATCH, 2, 9, DONE, sets="x=2", reply="c2 x=2"),
        op(READ, 3, 4, DONE, reply="c2 x=2"),
        op(READ, 5, 6, DONE, reply="c1 x=1"),
    ],
    "a read of what is written later": [
        BORN,
        op(READ, 2, 3, DONE, reply="c2 x=2"),
        op(PATCH, 4, 5, DONE, sets="x=2", reply="c2 x=2"),
    ],
    "two writes of one version": [
        BORN,
        op(PATCH, 2, 5, DONE, sets="y=1", reply="c2 x=1 y=1"),
        op(PATCH, 3, 6, DONE, sets="z=1", reply="c2 x=1 z=1"),
    ],
    "a lost update, versions in order": [
        BORN,
        op(PATCH, 2, 5, DONE, sets="y=1", reply="c2 x=1 y=1"),
        op(PATCH, 3, 6, DONE, sets="z=1", reply="c3 x=1 z=1"),
    ],
    "a lost update that only a read tells": [
        BORN,
        op(PATCH, 2, 3, DONE, sets="y=1", reply="c2 x=1 y=1"),
        op(PATCH, 4, 5, UNKNOWN, sets="z=1"),
        op(READ, 6, 7, DONE, reply="c3 x=1 z=1"),
    ],
    "an acknowledged write that is gone": [
        BORN,
        op(PATCH, 2, 3, DONE, sets="x=2", reply="c2 x=2"),
        op(PATCH, 4, 5, DONE, sets="y=1", reply="c2 x=1 y=1"),
    ],
    "a write made twice": [
        BORN,
        op(PATCH, 2, 9, DONE, sets="x=2", reply="c4 x=2"),
        op(PATCH, 3, 8, DONE, sets="x=3", reply="c3 x=3"),
        op(READ, 4, 5, DONE, reply="c2 x=2"),
        op(READ, 10, 11, DONE, reply="c4 x=2"),
    ],
    "an unknown write made twice": [
        BORN,
        op(PATCH, 2, 9, UNKNOWN, sets="x=2"),
        op(PATCH, 5, 6, DONE, sets="x=3", reply="c3 x=3"),
        op(READ, 7, 8, DONE, reply="c4 x=2"),
    ],
    "a version that counts by two": [
        BORN,
        op(PATCH, 2, 3, DONE, sets="x=2", reply="c3 x=2"),
    ],
    "a version that does not count": [
        BORN,
        op(PATCH, 2, 3, DONE, sets="x=2", reply="c1 x=2"),
    ],
    "a version that goes back": [
        BORN,
        op(PATCH, 2, 3, DONE, sets="x=2", reply="c2 x=2"),
        op(PATCH, 4, 5, DONE, sets="x=1", reply="c1 x=1"),
    ],
    "a write after the death of its process": [
        BORN,
        op(PATCH, 2, 4, UNKNOWN, sets="x=2"),
        op(READ, 5, 6, DONE, reply="c1 x=1"),
        op(READ, 7, 8, DONE, reply="c2 x=2"),
    ],
    "a profile that came back": [
        BORN,
        op(DELETE, 2, 3, DONE),
        op(READ, 4, 5, DONE, reply="c1 x=1"),
    ],
    "an erased profile that is written again": [
        BORN,
        op(DELETE, 2, 3, DONE),
        op(PATCH, 4, 5, DONE, sets="x=2", reply="c2 x=2"),
    ],
    "an erased profile under a fresh one": [
        BORN,
        op(DELETE, 2, 3, DONE),
        op(SAVE, 4, 5, CREATED, sets="x=2", reply="d1 x=2"),
        op(READ, 6, 7, DONE, reply="c1 x=1"),
    ],
    "a fresh profile with what was erased": [
        BORN,
        op(DELETE, 2, 3, DONE),
        op(SAVE, 4, 5, CREATED, sets="y=2", reply="d1 x=1 y=2"),
    ],
    "two live profiles": [
        op(SAVE, 0, 9, CREATED, sets="x=1", reply="c1 x=1"),
        op(SAVE, 0, 9, CREATED, sets="x=2", reply="d1 x=2"),
    ],
    "two live profiles, one of them unknown": [
        BORN,
        op(SAVE, 2, 3, UNKNOWN, sets="x=2"),
        op(READ, 4, 5, DONE, reply="d1 x=2"),
    ],
    "one profile created twice": [
        BORN,
        op(DELETE, 2, 3, DONE),
        op(SAVE, 4, 5, CREATED, sets="x=1", reply="c1 x=1"),
    ],
    "one profile created twice, unknown to callers": [
        op(SAVE, 0, 20, UNKNOWN, sets="x=1"),
        op(SAVE, 0, 20, UNKNOWN, sets="x=1"),
        op(READ, 1, 9, DONE, reply="c1 x=1"),
        op(READ, 2, 3, DONE, reply="c1 x=1"),
        op(DELETE, 4, 5, DONE),
        op(READ, 6, 7, DONE, reply="c1 x=1"),
    ],
    "a creation beside one that lives": [
        BORN,
        op(SAVE, 2, 3, CREATED, sets="y=1", reply="c2 x=1 y=1"),
    ],
    "a creation that calls itself a merge": [
        op(SAVE, 0, 1, DONE, sets="x=1", reply="c1 x=1"),
    ],
    "a conflict of a write with itself": [
        BORN,
        op(PATCH, 2, 3, REFUSED, sets="x=2", only="c1 x=1"),
        op(READ, 4, 5, DONE, reply="c2 x=2"),
    ],
    "a condition that held, refused": [
        BORN,
        op(PATCH, 2, 3, REFUSED, sets="x=2", only="c1 x=1"),
    ],
    "a condition that did not hold, taken": [
        BORN,
        op(PATCH, 2, 3, DONE, sets="x=2", reply="c2 x=2"),
        op(PATCH, 4, 5, DONE, sets="x=3", reply="c3 x=3", only="c1 x=1"),
    ],
    "a creation refused where nothing is": [op(SAVE, 0, 1, REFUSED, sets="x=1", only=ABSENT)],
    "a profile that is missing": [BORN, op(READ, 2, 3, MISSING)],
    "a profile that is missing for a write": [BORN, op(PATCH, 2, 3, MISSING, sets="x=2")],
    "a deletion of nothing": [op(DELETE, 0, 1, DONE)],
    "two deletions of one profile": [BORN, op(DELETE, 2, 5, DONE), op(DELETE, 2, 5, DONE)],
    "a reply with another's change that came before it": [
        BORN,
        op(PATCH, 2, 3, DONE, sets="x=2", reply="c2 x=2"),
        op(PATCH, 4, 5, DONE, sets="x=3", reply="c2 x=2"),
    ],
    "a write that calls itself done and is not": [
        BORN,
        op(PATCH, 2, 3, DONE, sets="x=2", reply="c1 x=1"),
        op(READ, 4, 5, DONE, reply="c1 x=1"),
    ],
}


@pytest.mark.parametrize("history", GOOD.values(), ids=GOOD)
def test_linearizable_history_is_accepted(history: list[Operation]) -> None:
    """A linearizable history is no violation."""
    assert check(history) is None


@pytest.mark.parametrize("history", BAD.values(), ids=BAD)
def test_history_that_is_not_linearizable_is_rejected(history: list[Operation]) -> None:
    """A history that is not linearizable is found, and the call is named."""
    violation = check(history)

    assert violation is not None
    assert history[violation.number] == violation.operation
    assert violation.why


def test_violation_is_the_first_impossible_call() -> None:
    """The named call is the first whose return leaves no possible world."""
    history = [
        BORN,
        op(PATCH, 2, 3, DONE, sets="x=2", reply="c2 x=2"),
        op(READ, 4, 5, DONE, reply="c1 x=1"),
        op(READ, 6, 7, DONE, reply="c2 x=2"),
    ]

    violation = check(history)

    assert violation is not None
    assert violation.number == 2
    assert "version=2" in violation.why


def test_too_much_that_is_open_is_undecided() -> None:
    """A search that grows over its bound is neither a yes nor a no."""
    unknown = [op(PATCH, 2, inf, UNKNOWN, sets=f"f{n}={n}") for n in range(8)]
    history = [BORN, *unknown, op(READ, 3, 4, DONE, reply="c9 x=1")]

    with pytest.raises(Undecided):
        check(history, max_comparisons=100)


def test_equal_unknown_writes_are_few_worlds() -> None:
    """Unknown outcomes are cheap as long as the observations exclude them."""
    history = [BORN]
    for n in range(2, 400):
        history.append(op(PATCH, n, inf, UNKNOWN, sets=f"y={n}"))
        history.append(op(PATCH, n, n + 0.5, DONE, sets=f"x={n}", reply=f"c{n} x={n}"))

    assert check(history, max_comparisons=20_000) is None


@dataclass(frozen=True, slots=True)
class _Path:
    """A prefix of one order: the profile, the effects, the answers and the creations."""

    state: Snapshot | None = None
    effective: frozenset[int] = frozenset()
    answered: frozenset[int] = frozenset()
    born: frozenset[str] = frozenset()
    latest_s: float = -inf


def _explained(history: Sequence[Operation], path: _Path) -> bool:
    """Return whether some order explains the history, by trying all."""
    return all(
        number in path.answered
        for number, call in enumerate(history)
        if call.outcome is not UNKNOWN
    ) or any(
        _explained(history, onward)
        for number, call in enumerate(history)
        if number not in path.answered and call.ended_at_s >= path.latest_s
        for onward in _onward(history, path, number)
    )


def _onward(history: Sequence[Operation], path: _Path, number: int) -> Iterator[_Path]:
    """Yield the paths on which the call takes effect next, or answers next."""
    call, this = history[number], {number}
    on = replace(path, latest_s=max(path.latest_s, call.invoked_at_s))
    if number in path.effective:
        if call.reply == path.state:
            yield replace(on, answered=path.answered | this)
        return
    births = {other.reply.created_at for other in history if other.reply is not None} - path.born
    for after, at_once in _effects(path.state, call, f"unseen {number}", births):
        is_birth = path.state is None and after is not None
        yield replace(
            on,
            state=after,
            effective=path.effective | this,
            answered=path.answered | (this if at_once else set()),
            born=path.born | ({after.created_at} if is_birth and after else set()),
        )


def _effects(
    state: Snapshot | None, call: Operation, unseen: str, births: set[str]
) -> Iterator[tuple[Snapshot | None, bool]]:
    """Yield the states after a call, and whether its answer is true at that moment."""
    unknown = call.outcome is UNKNOWN
    right = CREATED if state is None else DONE
    if not call.allowed_on(state):
        if call.outcome is REFUSED:
            yield state, True
    elif call.method is READ:
        if call.outcome is (MISSING if state is None else DONE) and call.reply == state:
            yield state, True
    elif state is None and not call.may_create:
        if call.outcome is MISSING:
            yield None, True
    elif call.method is DELETE:
        if unknown or call.outcome is DONE:
            yield None, True
    elif unknown or call.outcome is right:
        yield from _written_in_each_way(state, call, unseen, births)


def _written_in_each_way(
    state: Snapshot | None, call: Operation, unseen: str, births: set[str]
) -> Iterator[tuple[Snapshot, bool]]:
    """Yield the states that a write can leave."""
    for fresh in sorted({*births, unseen}) if state is None else ("",):
        after = _written(state, call, fresh)
        if call.reply is None or call.reply.created_at == after.created_at:
            yield after, call.reply in {None, after}


def _written(state: Snapshot | None, call: Operation, fresh: str) -> Snapshot:
    fields: Fields = frozenset() if state is None else state.fields
    after = call.fields_after(fields)
    if state is None:
        return Snapshot(fresh, 1, after)
    return state if after == fields else Snapshot(state.created_at, state.version + 1, after)


def _random_history(rng: random.Random) -> list[Operation]:
    """Return a random history of five calls of one profile, possibly with a wrong answer."""
    state: Snapshot | None = None
    births = iter("abcde")
    history = []
    for number in range(5):
        method = rng.choice([READ, READ, REPLACE, SAVE, PATCH, DELETE])
        changes = () if method in {READ, DELETE} else ((rng.choice("xy"), str(number)),)
        only = rng.choice([None, None, None, state, ABSENT if method is SAVE else None])
        made, lost = rng.random() < 0.9, rng.random() < 0.3
        start, end = number - rng.expovariate(0.8), number + rng.expovariate(0.8)
        call = Operation(method, start, UNKNOWN, end, changes, None if method is READ else only)
        before = state
        if made and method is not READ and call.allowed_on(before):
            if method is DELETE:
                state = None
            elif call.may_create or before is not None:
                state = _written(before, call, next(births))
        if made and not lost:
            history.append(_answered(call, before, state))
        elif method is not READ:
            history.append(call)
    if rng.random() < 0.5:
        _spoil(history, rng)
    rng.shuffle(history)
    return history


def _answered(call: Operation, before: Snapshot | None, after: Snapshot | None) -> Operation:
    if not call.allowed_on(before):
        return replace(call, outcome=REFUSED)
    if before is None and not call.may_create:
        return replace(call, outcome=MISSING)
    if call.method is DELETE:
        return replace(call, outcome=DONE)
    return replace(call, outcome=CREATED if before is None else DONE, reply=after)


def _spoil(history: list[Operation], rng: random.Random) -> None:
    """Give one call the answer of another one, if there are two with a profile."""
    answered = [number for number, call in enumerate(history) if call.reply is not None]
    if answered:
        one, other = rng.choice(answered), rng.choice(answered)
        history[one] = replace(history[one], reply=history[other].reply)


def test_verdict_equals_exhaustive_search() -> None:
    """On short histories the checker agrees with an exhaustive search."""
    rng = random.Random(5)  # noqa: S311 -- the same histories in every run
    verdicts = []
    for _ in range(1_000):
        history = _random_history(rng)
        verdicts.append(_explained(history, _Path()))
        assert (check(history) is None) == verdicts[-1], history

    assert verdicts.count(False) > 60
