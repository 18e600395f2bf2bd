"""What callers asked of a profile, when, and what they were told."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import TypeAlias

Fields: TypeAlias = frozenset[tuple[str, str]]


class Method(Enum):
    """What a caller asked for."""

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
    """What a caller was told; UNKNOWN where no answer came, or one that leaves it open."""

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
    One call: it took effect, if it did, between *invoked_at_s* and *ended_at_s* of one monotonic clock.

    Where the outcome is unknown, *ended_at_s* is when nothing of it could happen any more, as its
    process had done with it or was dead, and infinity where that never came. *changes* are the
    fields that it writes, None removes one; *reply* is the profile in the answer, or that an answer
    304 stands for.
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
        """Tell whether it makes a profile where there is none."""
        return self.method in {Method.REPLACE, Method.SAVE}

    def allowed_on(self, state: Snapshot | None) -> bool:
        """Tell whether its condition holds of *state*; None is a user without a profile."""
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
        """Return what the fields *before* become."""
        kept: Mapping[str, str] = {} if self.method is Method.REPLACE else dict(before)
        after = {**kept, **dict(self.changes)}
        return frozenset((name, value) for name, value in after.items() if value is not None)
