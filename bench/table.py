"""Tables of medians and ranges."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.rounds import Sample


@dataclass(frozen=True, slots=True)
class Range:
    """A median, with the lowest and the highest value."""

    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Row:
    """One case at one number of connections."""

    case: str
    connections: int
    rounds: int
    floors: Range
    cpu_us: Range
    per_s: Range
    p50_us: Range
    p99_us: Range


def of(values: Iterable[float]) -> Range:
    """Return the range of values, at least one."""
    known = [*values]
    return Range(median(known), min(known), max(known))


def rows(samples: Sequence[Sample]) -> list[Row]:
    """Return a row for each case and number of connections, in order of appearance."""
    groups: dict[tuple[str, int], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.case, sample.connections), []).append(sample)
    return [
        Row(
            case=case,
            connections=connections,
            rounds=len(group),
            floors=of(sample.floors for sample in group),
            cpu_us=of(sample.cpu_us for sample in group),
            per_s=of(sample.per_s for sample in group),
            p50_us=of(sample.p50_us for sample in group),
            p99_us=of(sample.p99_us for sample in group),
        )
        for (case, connections), group in groups.items()
    ]


def overview(rows: Sequence[Row], order: Sequence[str]) -> str:
    """Return the multiples of the floor's CPU time, a column for each number of connections."""
    at = list(dict.fromkeys(row.connections for row in rows))
    cells = {(row.case, row.connections): row.floors for row in rows}
    table = [["CPU in floors", *(f"{connections} conn." for connections in at)]]
    for case in order:
        found = [cells.get((case, connections)) for connections in at]
        table.append([case, *("" if cell is None else _multiple(cell) for cell in found)])
    return aligned(table)


def details(rows: Sequence[Row], order: Sequence[str]) -> str:
    """Return all figures, by number of connections and then in *order*."""
    table = [["conn.", "case", "CPU µs", "range", "req/s", "p50 ms", "p99 ms", "rounds"]]
    ordered = sorted(rows, key=lambda row: (row.connections, order.index(row.case)))
    return aligned([*table, *map(_cells, ordered)])


def aligned(table: Sequence[Sequence[str]]) -> str:
    """Return an aligned Markdown table."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]

    def line(cells: Sequence[str], fill: Callable[[str, int], str]) -> str:
        return f"| {' | '.join(fill(*pair) for pair in zip(cells, widths, strict=True))} |"

    head, *body = table
    rule = ["-" * width for width in widths]
    return "\n".join(line(cells, str.ljust) for cells in (head, rule, *body))


def _cells(row: Row) -> list[str]:
    return [
        str(row.connections),
        row.case,
        f"{row.cpu_us.median:.0f}",
        f"{row.cpu_us.least:.0f}-{row.cpu_us.most:.0f}",
        f"{row.per_s.median:.0f}",
        f"{row.p50_us.median / 1_000:.2f}",
        f"{row.p99_us.median / 1_000:.2f}",
        str(row.rounds),
    ]


def _multiple(cell: Range) -> str:
    return f"{cell.median:.1f} ({cell.least:.1f}-{cell.most:.1f})"
