"""What each of many keys may still do, in bounded memory."""

from collections import OrderedDict
from itertools import islice
from typing import Final, NamedTuple, Protocol, TypeAlias

from pyrate_limiter import Rate, SlidingWindowLog
from pyrate_limiter import TokenBucket as TokenBucketAlgorithm

State: TypeAlias = tuple[float, ...]  # what the library remembers of a key

HOUR_MS: Final = 3_600_000
PRECISION: Final = (
    1_000  # the library takes whole calls in whole milliseconds: 0.1 a second is 100 in 1,000 s
)


class Decision(NamedTuple):
    """What to remember of a key if the call is made, and how long it has to wait: 0 if it need not."""

    state: State
    wait_ms: int


class Rule(Protocol):
    """How often a key may do something; it remembers nothing itself."""

    def decide(self, state: State | None, now_ms: int) -> Decision:
        """Return whether a call may be made now; *state* is None of a key that is not remembered."""

    def without(self, state: State, made: State) -> State:
        """Return *state* as if the call that led to *made* had not been made; empty if none is left."""

    def is_idle(self, state: State, now_ms: int) -> bool:
        """Return whether a key is as free as one that is not remembered."""


class TokenBucket:
    """A token bucket: *burst* calls at once, and *per_s* more every second."""

    def __init__(self, *, burst: int, per_s: float) -> None:
        calls = max(1, round(per_s * PRECISION))
        self._rates = [Rate(calls, PRECISION * 1_000, burst=burst)]
        self._bucket = TokenBucketAlgorithm()
        first, _ = self._bucket.step(self._rates, self._bucket.initial(self._rates), 0, 1)
        self._a_call = first  # at the moment 0: by how much a call moves the state on

    def decide(self, state: State | None, now_ms: int) -> Decision:
        """Take a token."""
        before = self._bucket.initial(self._rates) if state is None else state
        after, decision = self._bucket.step(self._rates, before, now_ms, 1)
        return Decision(after, decision.retry_after_ms or 0)

    def without(self, state: State, made: State) -> State:
        """Put a token back."""
        del made
        return tuple(moment - call for moment, call in zip(state, self._a_call, strict=True))

    def is_idle(self, state: State, now_ms: int) -> bool:
        """Return whether the bucket is full."""
        return self._bucket.consumed(self._rates, state, now_ms) == 0


class SlidingHour:
    """
    Never more than *most* calls within any hour, all of them at once if need be.

    A bucket that is refilled lets nearly twice as many through within its first hour.
    """

    def __init__(self, most: int) -> None:
        self._rates = [Rate(most, HOUR_MS)]
        self._log = SlidingWindowLog()

    def decide(self, state: State | None, now_ms: int) -> Decision:
        """Count the calls of the last hour, which are the state."""
        since_ms = self._log.leak_bound(self._rates, now_ms)
        made = [int(at_ms) for at_ms in state or () if at_ms >= since_ms]
        decision = self._log.decide(
            self._rates, [len(made)], 1, now_ms, lambda newer: made[-1 - newer]
        )
        return Decision((*made, now_ms), decision.retry_after_ms or 0)

    def without(self, state: State, made: State) -> State:
        """Forget the moment of the call."""
        at = state.index(made[-1]) if made[-1] in state else len(state)
        return state[:at] + state[at + 1 :]

    def is_idle(self, state: State, now_ms: int) -> bool:
        """Return whether an hour went by without a call."""
        return state[-1] < self._log.leak_bound(self._rates, now_ms)


class KeyedLimits:
    """
    One rule for many keys, at most *capacity* of them: those that called last.

    Only calls that are made count, so refused ones neither wait longer nor push others out.
    """

    def __init__(self, rule: Rule, *, capacity: int) -> None:
        self._rule = rule
        self._capacity = capacity
        self._states: OrderedDict[bytes, State] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def decide(self, key: bytes, now_ms: int) -> Decision:
        """Return whether *key* may call now; nothing is counted yet."""
        return self._rule.decide(self._states.get(key), now_ms)

    def count(self, key: bytes, decision: Decision, now_ms: int) -> None:
        """Count the call that *decision* allowed."""
        self._states[key] = decision.state
        self._states.move_to_end(key)
        if len(self._states) > self._capacity:
            self._states.popitem(last=False)
        self._forget_rested(now_ms)

    def refund(self, key: bytes, decision: Decision) -> None:
        """Take back that the call of *decision* was counted, unless it is forgotten already."""
        counted = self._states.get(key)
        if counted is None:
            return
        left = self._rule.without(counted, decision.state)
        if left:
            self._states[key] = left
        else:
            del self._states[key]

    def _forget_rested(self, now_ms: int) -> None:
        # Two for each that comes: memory shrinks after a flood, and no single call pays for all of it.
        for oldest in tuple(islice(self._states, 2)):
            if self._rule.is_idle(self._states[oldest], now_ms):
                del self._states[oldest]
