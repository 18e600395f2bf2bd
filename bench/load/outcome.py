"""What a generator of load reports."""

import json
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    One run: *refused* are answers outside of 2xx, *broken* connections that failed or were closed.

    *late* is how often an answer was overdue; wrk counts one anew every second.
    """

    requests: int
    duration_us: int
    bytes: int
    refused: int
    broken: int
    late: int
    p50_us: int
    p99_us: int
    max_us: int

    @property
    def failed(self) -> int:
        """How much did not end in 2xx in time."""
        return self.refused + self.broken + self.late

    @classmethod
    def parsed(cls, output: str) -> Self:
        """Read the last line that a generator printed."""
        return cls(**json.loads(output.strip().rpartition("\n")[2]))
