"""The result of a load generator."""

import json
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    One run: *refused* responses are not 2xx, *broken* connections failed or were closed.

    *late* counts overdue responses; wrk counts one again every second.
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
        """How many requests did not end in 2xx in time."""
        return self.refused + self.broken + self.late

    @classmethod
    def parsed(cls, output: str) -> Self:
        """Parse the last line of a generator's output."""
        return cls(**json.loads(output.strip().rpartition("\n")[2]))
