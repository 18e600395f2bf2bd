"""The report of a measurement of latency: its text, and the part of docs/performance.md."""

from collections.abc import Sequence
from statistics import median
from typing import Final

from bench import report, table, toolchains
from bench.latency.measurement import Report, Row, Run
from bench.latency.settings import HANDLER, STUB
from bench.load.open_load import ANSWERED_WITHIN_S

BEGIN: Final = "<!-- make bench BENCH=latency writes from here -->"
PICTURE: Final = "![p50 and p99 of a read at each rate, while DynamoDB answers late](latency.png)"
LABELS: Final = {HANDLER: "empty handler", STUB: "DynamoDB stub alone"}


def text(measured: Report) -> str:
    """Return a table for each delay, and how precise the generator was."""
    delays = dict.fromkeys(row.delay_ms for row in measured.rows)
    rounds = measured.settings.rounds
    parts = [
        *(
            _table([row for row in measured.rows if row.delay_ms == delay_ms])
            for delay_ms in delays
        ),
        _generator([row.run for row in measured.rows]),
        toolchains.left_out(measured.left_out),
        report.conditions(
            measured.conditions,
            f"{rounds} round{'s' * (rounds > 1)} of {measured.settings.seconds:g} s, medians",
        ),
    ]
    return "\n\n".join(filter(None, parts))


def _table(rows: Sequence[Row]) -> str:
    """Return the table of one delay, with a line for each server and a column for each rate."""
    rates = list(dict.fromkeys(row.rate for row in rows))
    cells = {(row.server, row.rate): _cell(row.run) for row in rows}
    lines = [
        [LABELS.get(name, name), *(cells[name, rate] for rate in rates)]
        for name in dict.fromkeys(row.server for row in rows)
    ]
    head = ["p50 / p99 / p99.9 in ms, CPU", *(f"{rate:,} reads/s" for rate in rates)]
    title = f"DynamoDB answers after {rows[0].delay_ms:g} ms:"
    return f"{title}\n\n{table.aligned([head, *lines])}"


def _cell(run: Run) -> str:
    if not run.kept_up:
        return f"{run.answered:.0%} answered within {ANSWERED_WITHIN_S:g} s"
    return f"{run.p50:.1f} / {run.p99:.1f} / {run.p999:.1f}, {run.cpu_us:.0f} µs"


def _generator(runs: Sequence[Run]) -> str:
    late = [run.late_p99 for run in runs]
    return (
        f"The generator sent 99 % of the requests within {median(late):.2f} ms of their due time "
        f"(median of the runs; {max(late):.2f} ms in the worst), and used at most "
        f"{max(run.generator for run in runs):.0%} of its core."
    )
