"""The report of a measurement, as text and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench import table, toolchains
from bench.cases import GET_UNGATHERED, GET_WARM
from bench.load.outcome import Outcome
from bench.measure import Memory, Report
from bench.table import Row

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

BEGIN: Final = "<!-- make bench writes from here -->"
END: Final = "<!-- to here -->"
PICTURE: Final = "![CPU of a request of each case at 64 connections](speed.png)"

TASKS_VCPU: Final = (0.25, 1, 4)
LOAD: Final = 0.7  # of the rate that saturates a task; the rest is a reserve for peaks
CAPACITY_CONNECTIONS: Final = 64
CAPACITY_CASES: Final = ("GET warm", "GET cold", "POST", "login")


def text(report: Report) -> str:
    """Return the whole report as text."""
    details = table.details(report.rows, report.settings["cases"])
    return f"{summary(report)}\n\n{details}\n\n{_processes(report)}\n{_failures(report)}"


def summary(report: Report) -> str:
    """Return the part that docs/performance.md shows."""
    parts = [
        table.overview(report.rows, report.settings["cases"]),
        *(_tail(connections, outcome) for connections, outcome in report.tails.items()),
        *([] if report.memory is None else [_memory(report.memory)]),
        *_gathering(report),
        *_token_checks(report.token_check_us),
        _capacity(report.rows),
        toolchains.left_out(report.left_out),
        conditions(report.conditions, _extent(report.conditions["generator"], report.settings)),
    ]
    return "\n\n".join(filter(None, parts))


def shown_in(page: str, content: str, begin: str = BEGIN) -> str:
    """Return a page with *content* between the marker *begin* and the next end."""
    before, rest = page.split(begin)
    after = rest.partition(END)[2]
    return f"{before}{begin}\n\n{content}\n\n{END}{after}"


def write(measured: "DataclassInstance", file: Path) -> None:
    """Write a report as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(measured), indent=1) + "\n", encoding="utf-8")


def _failures(report: Report) -> str:
    """Return what makes the result invalid."""
    return "".join(
        f"\nNot all was answered with 2xx in time: {failure}\n" for failure in report.failures
    )


def _processes(report: Report) -> str:
    rows = [["server", "start s", "CPU of it s", "RSS MiB"]]
    for name, start in report.starts.items():
        resident = f"{report.resident_mib[name]:.0f}"
        rows.append([name, f"{start.clock_s:.2f}", f"{start.cpu_s:.2f}", resident])
    return table.aligned(rows)


def _tail(connections: int, outcome: Outcome) -> str:
    return (
        f"GET warm for {outcome.duration_us / 1_000_000:.0f} s at {connections} connections: "
        f"p50 {outcome.p50_us / 1_000:.2f} ms, p99 {outcome.p99_us / 1_000:.2f} ms "
        f"({outcome.p99_us / outcome.p50_us:.2f} x), longest {outcome.max_us / 1_000:.1f} ms"
    )


def _memory(memory: Memory) -> str:
    return (
        f"{memory.users} new users: RSS {memory.warm_mib:.0f} -> {memory.then_mib:.0f} MiB "
        f"({memory.then_mib - memory.warm_mib:+.0f})"
    )


def _gathering(report: Report) -> list[str]:
    """Return what gathering reads costs who is alone, where that was measured."""
    alone = {
        name: {sample.round: sample.p50_us for sample in report.samples if sample.alone_in(name)}
        for name in (GET_WARM.name, GET_UNGATHERED.name)
    }
    gathered, ungathered = alone.values()
    if not gathered or not ungathered:
        return []
    costs = table.of(gathered[number] / ungathered[number] for number in gathered)
    share = f"{costs.median:.3f} ({costs.least:.3f}-{costs.most:.3f})"
    return [f"One connection: p50 with reads gathered is {share} of p50 with each read alone."]


def _token_checks(times_us: dict[str, float]) -> list[str]:
    return [f"A repeated check of a token, {name}: {us:.2f} µs" for name, us in times_us.items()]


def _capacity(rows: Sequence[Row]) -> str:
    """Return what tasks of some sizes serve, computed from the CPU of a request; empty if unknown."""
    cpu_us = {
        row.case: row.cpu_us.median for row in rows if row.connections == CAPACITY_CONNECTIONS
    }
    cases = [case for case in CAPACITY_CASES if case in cpu_us]
    if not cases:
        return ""
    head = [
        f"requests a second = vCPU * {LOAD:g} / CPU",
        "CPU",
        *(f"{vcpu:g} vCPU" for vcpu in TASKS_VCPU),
    ]
    lines = [
        [
            case,
            f"{cpu_us[case]:.0f} µs",
            *(f"{vcpu * LOAD * 1_000_000 / cpu_us[case]:,.0f}" for vcpu in TASKS_VCPU),
        ]
        for case in cases
    ]
    return table.aligned([head, *lines])


def _extent(generator: str, settings: dict[str, Any]) -> str:
    return (
        f"{settings['rounds']} rounds of {settings['seconds']} s by {generator}, medians (least-most), "
        f"DynamoDB's answers {settings['delay_ms']:g} ms late"
    )


def conditions(conditions: dict[str, Any], extent: str) -> str:
    """Return the line that says when, how long and on what was measured."""
    packages = ", ".join(f"{name} {number}" for name, number in conditions["packages"].items())
    return (
        f"{conditions['measured_at']}, {conditions['commit']}: {extent}; {conditions['cores']} cores of "
        f"{conditions['cpu']}, load average {conditions['load_average_at_start']} at the start; "
        f"{conditions['python']}{'' if conditions['optimised_python'] else ' (built without PGO)'}, "
        f"{packages}."
    )
