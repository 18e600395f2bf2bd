"""Rate limits for many keys in bounded memory."""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple, Protocol, TypeAlias

from pyrate_limiter import Rate, SlidingWindowLog
from pyrate_limiter import TokenBucket as TokenBucketAlgorithm

State: TypeAlias = tuple[float, ...]  # the library's state of a key

HOUR_MS: Final = 3_600_000
# The library takes whole calls in whole milliseconds: 0.1 calls a second are 100 in 1,000 s.
PRECISION: Final = 1_000


class Decision(NamedTuple):
    """The state of a key after a call, and how long the call has to wait: 0 if it is allowed now."""

    state: State
    wait_ms: int


class Rule(Protocol):
    """A rate limit of one key, whose state the caller keeps."""

    def decide(self, state: State | None, now_ms: int) -> Decision:
        """Return the decision on a call now; *state* is None for a new key."""

    def without(self, state: State, after: State) -> State:
        """Return *state* without the call that led to the state *after*; empty is a new key."""

    def is_idle(self, state: State, now_ms: int) -> bool:
        """Return whether a key in *state* is limited no more than a new one."""


class TokenBucket:
    """A token bucket: *burst* calls at once, refilled with *per_s* calls a second."""

    def __init__(self, *, burst: int, per_s: float) -> None:
        calls = max(1, round(per_s * PRECISION))
        self._rates = [Rate(calls, PRECISION * 1_000, burst=burst)]
        self._bucket = TokenBucketAlgorithm()
        # a call at time 0: by how much a call changes the state
        self._call, _ = self._bucket.step(self._rates, self._bucket.initial(self._rates), 0, 1)

    def decide(self, state: State | None, now_ms: int) -> Decision:
        """Take a token."""
        before = self._bucket.initial(self._rates) if state is None else state
        after, decision = self._bucket.step(self._rates, before, now_ms, 1)
        return Decision(after, decision.retry_after_ms or 0)

    def without(self, state: State, after: State) -> State:
        """Put a token back."""
        del after
        return tuple(moment - call for moment, call in zip(state, self._call, strict=True))

    def is_idle(self, state: State, now_ms: int) -> bool:
        """Return whether the bucket is full."""
        return self._bucket.consumed(self._rates, state, now_ms) == 0


class SlidingHour:
    """
    At most *most* calls within any hour.

    A token bucket would allow nearly twice as many within its first hour.
    """

    def __init__(self, most: int) -> None:
        self._rates = [Rate(most, HOUR_MS)]
        self._log = SlidingWindowLog()

    def decide(self, state: State | None, now_ms: int) -> Decision:
        """Count the calls of the last hour; the state is their times."""
        since_ms = self._log.leak_bound(self._rates, now_ms)
        made = [int(at_ms) for at_ms in state or () if at_ms >= since_ms]
        decision = self._log.decide(
            self._rates, [len(made)], 1, now_ms, lambda newer: made[-1 - newer]
        )
        return Decision((*made, now_ms), decision.retry_after_ms or 0)

    def without(self, state: State, after: State) -> State:
        """Remove the time of the call."""
        at = state.index(after[-1]) if after[-1] in state else len(state)
        return state[:at] + state[at + 1 :]

    def is_idle(self, state: State, now_ms: int) -> bool:
        """Return whether the last hour had no call."""
        return state[-1] < self._log.leak_bound(self._rates, now_ms)


class KeyedLimits:
    """
    A rule for each of at most *capacity* keys, the most recently used ones.

    Only allowed calls are counted: a refused one neither waits longer nor evicts another key.
    """

    def __init__(self, rule: Rule, *, capacity: int) -> None:
        self._rule = rule
        self._capacity = capacity
        self._states: OrderedDict[bytes, State] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def check(self, key: bytes, now_ms: int) -> "LimitCheck":
        """Return the decision on a call by *key* now, which is not counted yet."""
        return LimitCheck(self, key, self._rule.decide(self._states.get(key), now_ms), now_ms)

    def count(self, check: "LimitCheck") -> None:
        """Count the call of *check*."""
        self._states[check.key] = check.decision.state
        self._states.move_to_end(check.key)
        if len(self._states) > self._capacity:
            self._states.popitem(last=False)
        self._evict_idle(check.now_ms)

    def refund(self, check: "LimitCheck") -> None:
        """Take back the call of *check*, unless its key was evicted."""
        state = self._states.get(check.key)
        if state is None:
            return
        remaining = self._rule.without(state, check.decision.state)
        if remaining:
            self._states[check.key] = remaining
        else:
            del self._states[check.key]

    def _evict_idle(self, now_ms: int) -> None:
        # Two for each new call: memory shrinks after a flood, and no single call takes long.
        for oldest in tuple(islice(self._states, 2)):
            if self._rule.is_idle(self._states[oldest], now_ms):
                del self._states[oldest]


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """The decision on a call by *key*, to be counted with *limits* if the call is made."""

    limits: KeyedLimits
    key: bytes
    decision: Decision
    now_ms: int
