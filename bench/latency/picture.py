"""The chart of a measurement of latency."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import servers
from bench.latency.measurement import Row
from bench.latency.settings import REFERENCES

SIZE_INCHES: Final = (10.0, 6.4)
SHOWN_MS: Final = {"p50": 8.0, "p99": 30.0}  # above the delay of DynamoDB
OURS: Final = "#2563eb"
COLOURS: Final = ("#0f766e", "#b45309", "#9333ea", "#be123c", "#475569", "#94a3b8")  # of peers


def write(rows: Sequence[Row], file: Path) -> None:
    """Write p50 and p99 by rate, a column for each delay; what is far above the others is cut off."""
    delays = list(dict.fromkeys(row.delay_ms for row in rows))
    names = [name for name in dict.fromkeys(row.server for row in rows) if name not in REFERENCES]
    peers = [name for name in names if name in servers.PEERS]
    colours = dict(zip(peers, COLOURS, strict=False))
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    grid = figure.subplots(len(SHOWN_MS), len(delays), squeeze=False)
    for line, (figure_name, above_ms) in zip(grid, SHOWN_MS.items(), strict=True):
        for axes, delay_ms in zip(line, delays, strict=True):
            for name in names:
                found = [row for row in rows if (row.server, row.delay_ms) == (name, delay_ms)]
                _draw(axes, found, figure_name, colours.get(name, OURS))
            axes.set_ylim(delay_ms, delay_ms + above_ms)
            axes.set_title(
                f"{figure_name}, DynamoDB after {delay_ms:g} ms", loc="left", fontsize=10
            )
    grid[0][0].set_ylabel("ms")
    grid[-1][0].set_ylabel("ms")
    for axes in grid[-1]:
        axes.set_xlabel("reads a second")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110, metadata={"Software": None})


def _draw(axes: Axes, rows: Sequence[Row], figure_name: str, colour: str) -> None:
    """Draw one server; a rate that it could not serve has no point."""
    rates = [f"{row.rate:,}" for row in rows]
    values = [getattr(row.run, figure_name) if row.run.kept_up else float("nan") for row in rows]
    ours = rows[0].server == servers.SERVICE
    axes.plot(
        rates,
        values,
        color=colour,
        label=rows[0].server,
        linewidth=2.5 if ours else 1.2,
        linestyle="--" if rows[0].server == servers.SERVICE_UNGATHERED else "-",
        marker="o",
        markersize=3,
        zorder=3 if ours else 2,
    )
    axes.spines[["top", "right"]].set_visible(False)
