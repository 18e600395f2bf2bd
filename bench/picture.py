"""The chart of a result: the cost of each case in floors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from bench import servers
from bench.cases import FLOOR
from bench.table import Row

AT: Final = 64  # connections; the table has the others
OURS: Final = "#2563eb"
OTHERS: Final = "#94a3b8"
SIZE_INCHES: Final = (8.0, 4.6)


def write(rows: Sequence[Row], file: Path) -> None:
    """Write a chart with a bar and range for each case at 64 connections, cheapest first."""
    shown = sorted(
        (row for row in rows if row.connections == AT and row.case != FLOOR.name),
        key=lambda row: row.floors.median,
        reverse=True,
    )
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    axes = figure.add_subplot()
    medians = [row.floors.median for row in shown]
    bars = axes.barh(
        [row.case for row in shown],
        medians,
        xerr=(
            [row.floors.median - row.floors.least for row in shown],
            [row.floors.most - row.floors.median for row in shown],
        ),
        color=[OTHERS if row.case in servers.PEERS else OURS for row in shown],
        error_kw={"ecolor": "#475569", "elinewidth": 1, "capsize": 2},
    )
    axes.bar_label(bars, [f"{median:.1f}" for median in medians], padding=8)
    axes.axvline(1, color="#0f172a", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(0.9, 1.6 * max(row.floors.most for row in shown))
    axes.set_xticks((1, 2, 5, 10, 20, 50, 100), ("1", "2", "5", "10", "20", "50", "100"))
    axes.set_xlabel(f"CPU of a request in floors (an empty aiohttp handler), {AT} connections")
    axes.set_title("This service (blue) and other stacks for the same GET", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110, metadata={"Software": None})
