"""The measurement of latency at a fixed rate."""

import itertools
from typing import Any

import pytest

from bench import report as bench_report
from bench import servers
from bench.latency import report
from bench.latency.measurement import Report, Row, Run, queries
from bench.latency.settings import HANDLER, STUB, Settings
from bench.load.open_load import OpenLoad
from tests.bench.test_report import CONDITIONS

REST: Any = {"p999": 9, "cpu_us": 400, "late_p99": 0.25, "generator": 0.125}


def test_environment_overrides_the_extent() -> None:
    """Servers are separated by semicolons, because some have a comma in their name."""
    environ = {
        "BENCH_SERVERS": f"{servers.SERVICE}; {servers.SERVICE_UNGATHERED}",
        "BENCH_DELAYS_MS": "2.5",
        "BENCH_RATES": "10 20",
        "BENCH_ROUNDS": "1",
        "BENCH_SECONDS": "0.5",
    }

    read = Settings.read(environ)

    chosen = (servers.SERVICE, servers.SERVICE_UNGATHERED)
    assert read == Settings(chosen, (2.5,), (10, 20), rounds=1, seconds=0.5)
    assert Settings.read({}) == Settings()


def test_unknown_server_is_named() -> None:
    """The message names the unknown server and lists the known ones."""
    with pytest.raises(ValueError, match=r"BENCH_SERVERS: other is none of: floor;"):
        Settings.read({"BENCH_SERVERS": "other"})


async def test_stub_answers_the_queries_that_are_sent_to_it_alone(dynamodb_port: int) -> None:
    """The reference without a server is a Query of each user, which the stub answers with 200."""
    async with OpenLoad(dynamodb_port) as load:
        outcome = await load.run(itertools.cycle(queries()), rate=1_000, seconds=0.01)

    assert (outcome.requests, outcome.answered) == (10, 1)


def test_result_has_a_table_for_each_delay() -> None:
    """Lines are servers, columns are rates; where a server cannot serve a rate, there is no latency."""
    good = Run(5.5, 7.25, answered=1, **REST)
    bad = Run(5.5, 7.25, answered=0.5, **REST)
    rows = [
        Row(name, delay_ms, rate, bad if (name, rate) == (STUB, 20) else good)
        for delay_ms in (1, 5)
        for rate in (10, 20)
        for name in (HANDLER, STUB)
    ]

    first, table, *_, generator, left_out, conditions = report.text(
        Report(CONDITIONS, Settings(rounds=1), rows, {"Go": "go is not installed"})
    ).split("\n\n")

    assert first == "DynamoDB answers after 1 ms:"
    assert table.splitlines()[2:] == [
        "| empty handler                | 5.5 / 7.2 / 9.0, 400 µs | 5.5 / 7.2 / 9.0, 400 µs |",
        "| DynamoDB stub alone          | 5.5 / 7.2 / 9.0, 400 µs | 50% answered within 1 s |",
    ]
    assert "within 0.25 ms of their due time" in generator
    assert left_out == "Left out: Go: go is not installed."
    assert "abc: 1 round of 3 s, medians;" in conditions


def test_page_has_a_place_for_latencies() -> None:
    """Both measurements have their part of one page, and leave the other's as it is."""
    page = bench_report.shown_in("a\n" + bench_report.BEGIN + bench_report.END, "cpu")
    page += report.BEGIN + bench_report.END

    written = bench_report.shown_in(page, "latencies", report.BEGIN)

    assert written == page.replace(report.BEGIN, report.BEGIN + "\n\nlatencies\n\n")
