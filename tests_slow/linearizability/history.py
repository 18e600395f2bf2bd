"""The calls on a profile, their times and their results."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import TypeAlias

Fields: TypeAlias = frozenset[tuple[str, str]]


class Method(Enum):
    """The method of a call."""

    READ = "GET"
    REPLACE = "PUT"
    SAVE = "POST"
    PATCH = "PATCH"
    DELETE = "DELETE"


class Existence(Enum):
    """The conditions that name no state: `If-None-Match: *`, and `If-Match: *`."""

    ABSENT = "absent"
    PRESENT = "present"


class Outcome(Enum):
    """The result of a call; UNKNOWN without a response, or with one that leaves it open."""

    DONE = "done"
    CREATED = "created"
    MISSING = "there is no profile"
    REFUSED = "the condition does not hold"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of a profile, as a caller saw it."""

    created_at: str
    version: int
    fields: Fields


Condition: TypeAlias = Snapshot | Existence | None


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One call, which can take effect between *invoked_at_s* and *ended_at_s* of one monotonic clock.

    Where the outcome is unknown, *ended_at_s* is when its process completed it or was dead, or infinity.
    *changes* are the fields that it writes, None removes one; *reply* is the profile in the response, or
    the one that a 304 refers to.
    """

    method: Method
    invoked_at_s: float
    outcome: Outcome
    ended_at_s: float = inf
    changes: tuple[tuple[str, str | None], ...] = ()
    condition: Condition = None
    reply: Snapshot | None = None

    @property
    def may_create(self) -> bool:
        """Return whether the call creates a missing profile."""
        return self.method in {Method.REPLACE, Method.SAVE}

    def allowed_on(self, state: Snapshot | None) -> bool:
        """Return whether the condition holds for *state*; None is a user without a profile."""
        match self.condition:
            case None:
                return True
            case Existence.ABSENT:
                return state is None
            case Existence.PRESENT:
                return state is not None
            case seen:
                return state == seen

    def fields_after(self, before: Fields) -> Fields:
        """Return the fields after the call, from the fields *before*."""
        kept: Mapping[str, str] = {} if self.method is Method.REPLACE else dict(before)
        after = {**kept, **dict(self.changes)}
        return frozenset((name, value) for name, value in after.items() if value is not None)
