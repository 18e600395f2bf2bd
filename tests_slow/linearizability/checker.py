"""
A linearizability checker for the history of one profile.

It implements the search of Wing and Gong with Lowe's just-in-time linearization: calls and returns are
processed in order of time with the set of possible *worlds*: a state of the profile, and the calls in
flight that have taken effect in it. At the return of a call only worlds in which it took effect remain;
an empty set is a violation. A call of unknown outcome returns when its process is dead, and may have
taken effect or not.

Each write must increment the version, which makes the search fast: an observed version determines its
content, and so usually one write. A world reaches a version by effects only.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final, TypeAlias

from tests_slow.linearizability.history import Fields, Method, Operation, Outcome, Snapshot

MAX_COMPARISONS = 5_000_000  # of two worlds, in one call's search: some seconds

_NONE: Final[frozenset[int]] = frozenset()
_WITHOUT_EFFECT: Final = {Outcome.MISSING, Outcome.REFUSED}

State: TypeAlias = Snapshot | None


class Undecided(Exception):
    """More is possible than can be gone through: too many outcomes are unknown at once."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A call whose answer no order explains; *number* is its index in the history."""

    number: int
    operation: Operation
    why: str


@dataclass(frozen=True, slots=True)
class _World:
    """
    One possible state of the search.

    Of the calls in flight, *done* have taken effect and determined their answer; *written* have taken
    effect and will answer with a later state, as a write does whose reply was lost. *maybe* are those of
    unknown outcome that have taken effect. *born* are times of creation that calls of unknown outcome
    have used.
    """

    state: State
    done: frozenset[int] = _NONE
    written: frozenset[int] = _NONE
    maybe: frozenset[int] = _NONE
    born: frozenset[str] = frozenset()

    def without(self, number: int) -> "_World":
        """Return the world in which the call *number* is no longer under way."""
        gone = {number}
        return replace(
            self,
            done=self.done - gone,
            written=self.written - gone,
            maybe=self.maybe - gone,
        )


class _Worlds:
    """
    A set of worlds without dominated ones.

    Of two equal worlds the one that used fewer calls of unknown outcome is the more general.
    """

    def __init__(self, worlds: Iterable[_World] = ()) -> None:
        self._kept: dict[_World, list[_World]] = {}
        self.comparisons = 0
        for world in worlds:
            self.add(world)

    def add(self, world: _World) -> bool:
        """Add a world; False where a more general one is there."""
        kept = self._kept.setdefault(replace(world, maybe=_NONE, born=frozenset()), [])
        self.comparisons += 1 + len(kept)
        if any(fewer.maybe <= world.maybe and fewer.born <= world.born for fewer in kept):
            return False
        kept[:] = [
            more for more in kept if not (world.maybe <= more.maybe and world.born <= more.born)
        ]
        kept.append(world)
        return True

    def __iter__(self) -> Iterator[_World]:
        for kept in self._kept.values():
            yield from kept


def check(
    history: Sequence[Operation], *, max_comparisons: int = MAX_COMPARISONS
) -> Violation | None:
    """
    Return the first violation, or None; raises Undecided.

    *history* is of one user without a profile at the beginning, without calls that are known to have
    had no effect, such as calls that were never sent.
    """
    return _contradiction(history) or _Search(history, max_comparisons).violation()


def _contradiction(history: Sequence[Operation]) -> Violation | None:
    """Return a call that contradicts another one whatever the order."""
    contents: dict[tuple[str, int], Fields] = {}
    creations: set[str] = set()
    for number, operation in enumerate(history):
        reply = operation.reply
        if reply is None:
            continue
        if contents.setdefault((reply.created_at, reply.version), reply.fields) != reply.fields:
            return Violation(number, operation, "one version has two contents")
        if operation.outcome is Outcome.CREATED:
            if reply.created_at in creations:
                return Violation(number, operation, "one profile was created twice")
            creations.add(reply.created_at)
    return None


class _Search:
    def __init__(self, history: Sequence[Operation], max_comparisons: int) -> None:
        self._history = history
        self._max_comparisons = max_comparisons
        self._contents: dict[tuple[str, int], Fields] = {}
        self._orphans: set[str] = set()  # creations that nobody was told of
        self._witnessed: set[str] = set()  # creations that a call which has returned has seen
        self._under_way: set[int] = set()
        for reply in (operation.reply for operation in history):
            if reply is not None:
                self._contents[reply.created_at, reply.version] = reply.fields
                self._orphans.add(reply.created_at)
        for operation in history:
            if operation.outcome is Outcome.CREATED and operation.reply is not None:
                self._orphans.discard(operation.reply.created_at)

    def violation(self) -> Violation | None:
        """Go through the history."""
        worlds = [_World(None)]
        for number, returned in _events(self._history):
            operation = self._history[number]
            if not returned:
                self._under_way.add(number)
                worlds = [self._settled(world) for world in worlds]
                continue
            reached = self._reached(worlds, number)
            if operation.outcome is Outcome.UNKNOWN:
                reached += worlds  # it took effect up to here, or never
            if not reached:
                return Violation(number, operation, _why(worlds))
            worlds = reached
            self._under_way.discard(number)
            if operation.reply is not None:
                self._witnessed.add(operation.reply.created_at)
            worlds = [*_Worlds(self._pruned(world.without(number)) for world in worlds)]
        return None

    def _pruned(self, world: _World) -> _World:
        return replace(world, born=world.born - self._witnessed)

    def _reached(self, worlds: Iterable[_World], number: int) -> list[_World]:
        """Return the worlds in which the call *number* took effect, and not more than it takes."""
        reached, seen = [], _Worlds()
        ahead = [world for world in worlds if seen.add(world)]
        while ahead:
            world = ahead.pop()
            if number in world.done or number in world.maybe:
                reached.append(world)
                continue
            for other in self._under_way - world.done - world.written - world.maybe:
                ahead += [after for after in self._after(world, other) if seen.add(after)]
            if seen.comparisons > self._max_comparisons:
                raise Undecided
        return reached

    def _settled(self, world: _World) -> _World:
        """Return *world* with all calls done that only see the state as it is, which costs nothing."""
        seen = {
            number
            for number in self._under_way - world.done - world.written - world.maybe
            if _only_sees(self._history[number], world.state)
        } | {number for number in world.written if self._history[number].reply == world.state}
        if not seen:
            return world
        return replace(world, done=world.done | seen, written=world.written - seen)

    def _after(self, world: _World, number: int) -> Iterator[_World]:
        """Yield the worlds that follow *world* when the call *number* takes effect."""
        operation = self._history[number]
        if not operation.allowed_on(world.state) or operation.outcome in _WITHOUT_EFFECT:
            return
        for state in self._states_after(operation, world.state, number):
            if state is not None and not self._plausible(state, world):
                continue
            born = world.born
            if world.state is None and state is not None and state.created_at in self._orphans:
                born |= {state.created_at}
            mark = {number}
            if operation.outcome is Outcome.UNKNOWN:
                after = replace(world, state=state, maybe=world.maybe | mark, born=born)
            elif state == operation.reply:
                after = replace(world, state=state, done=world.done | mark, born=born)
            elif _may_become(state, operation.reply):
                after = replace(world, state=state, written=world.written | mark, born=born)
            else:
                continue
            yield self._settled(after)

    def _plausible(self, state: Snapshot, world: _World) -> bool:
        """Return whether no call saw another content of this version, or its creation before."""
        key = (state.created_at, state.version)
        return self._contents.get(key, state.fields) == state.fields and (
            state.version > 1 or state.created_at not in world.born
        )

    def _states_after(self, operation: Operation, state: State, number: int) -> Iterator[State]:
        """Yield the states that a write can leave; none where it changes nothing."""
        if operation.method is Method.DELETE:
            if state is not None:
                yield None
        elif state is not None:
            fields = operation.fields_after(state.fields)
            if operation.outcome is not Outcome.CREATED and fields != state.fields:
                yield Snapshot(state.created_at, state.version + 1, fields)
        elif operation.may_create and operation.outcome is not Outcome.DONE:
            fields = operation.fields_after(frozenset())
            if operation.reply is not None:
                yield Snapshot(operation.reply.created_at, 1, fields)
                return
            for created_at in (*(self._orphans - self._witnessed), f"unseen {number}"):
                yield Snapshot(created_at, 1, fields)


def _only_sees(operation: Operation, state: State) -> bool:
    """Return whether the call's answer is true of *state* and the call leaves it unchanged."""
    match operation.outcome:
        case Outcome.UNKNOWN | Outcome.CREATED:
            return False
        case Outcome.MISSING:
            return state is None and operation.allowed_on(state)
        case Outcome.REFUSED:
            return not operation.allowed_on(state)
    if operation.method is Method.READ:
        return state == operation.reply
    if operation.method is Method.DELETE or state is None or state != operation.reply:
        return False
    return operation.allowed_on(state) and operation.fields_after(state.fields) == state.fields


def _may_become(state: State, reply: Snapshot | None) -> bool:
    """Return whether *reply* can be the same profile after later writes."""
    return (
        state is not None
        and reply is not None
        and state.created_at == reply.created_at
        and state.version < reply.version
    )


def _events(history: Sequence[Operation]) -> list[tuple[int, bool]]:
    """Return the calls, and the returns, in order of time: each the number, and whether it returns."""
    events = [(operation.invoked_at_s, False, n) for n, operation in enumerate(history)]
    events += [(operation.ended_at_s, True, n) for n, operation in enumerate(history)]
    return [(number, returned) for at_s, returned, number in sorted(events) if at_s < inf]


def _why(worlds: Iterable[_World]) -> str:
    """Return the possible states of the profile at the return of the call."""
    states = dict.fromkeys(str(world.state) for world in worlds)
    return "from none of these states: " + "; ".join(states)
