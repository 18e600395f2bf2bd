"""A report reads as text, is kept as JSON, and stands in docs/performance.md."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from bench import report, table
from bench.load.outcome import Outcome
from bench.measure import Memory, Report
from bench.rounds import Sample
from bench.setup import Start

CONDITIONS = {
    "measured_at": "2026-11-23 09:00 UTC",
    "commit": "abc",
    "cpu": "Z80",
    "cores": 2,
    "load_average_at_start": 0.5,
    "kernel": "6",
    "python": "CPython 3.11.7",
    "optimised_python": False,
    "generator": "wrk",
    "packages": {"aiohttp": "3.14.5"},
}


def _sample(case: str, p50_us: int) -> Sample:
    return Sample(case, 1, 0, 1_000, 100, 2.5, 500, p50_us, 20, 30)


def _report(**parts: Any) -> Report:  # noqa: ANN401 -- any part
    samples = [_sample("GET warm", 1_030), _sample("GET ungathered", 1_000)]
    nothing: dict[str, Any] = {
        "conditions": CONDITIONS,
        "settings": {
            "cases": ["GET warm", "GET ungathered"],
            "rounds": 1,
            "seconds": 2,
            "delay_ms": 0.0,
        },
        "samples": samples,
        "rows": table.rows(samples),
        "starts": {},
        "resident_mib": {},
        "tails": {},
        "memory": None,
        "token_check_us": {},
        "failures": [],
        "left_out": {},
    }
    return Report(**{**nothing, **parts})


def test_summary_says_what_was_measured() -> None:
    """Each part that was measured has its line, with its figures."""
    summary = report.summary(
        _report(
            tails={64: Outcome(9, 20_000_000, 0, 0, 0, 0, 4_000, 9_000, 12_000)},
            memory=Memory(80, 100_000, 105),
            token_check_us={"bearer": 1.234},
        )
    )

    assert "GET warm for 20 s at 64 connections: p50 4.00 ms, p99 9.00 ms (2.25 x)" in summary
    assert "100000 new users: RSS 80 -> 105 MiB (+25)" in summary
    assert "p50 with reads gathered is 1.030 (1.030-1.030)" in summary
    assert "A repeated check of a token, bearer: 1.23 µs" in summary
    assert "CPython 3.11.7 (built without PGO), aiohttp 3.14.5" in summary


def test_summary_leaves_out_what_was_not() -> None:
    """A part that was not measured has no line."""
    samples = [_sample("GET warm", 1_030)]
    summary = report.summary(_report(samples=samples))

    assert not [word for word in ("reads gathered", "new users", "token") if word in summary]


def test_summary_computes_what_tasks_serve() -> None:
    """A task of one vCPU serves seven tenths of what saturates it: 0.7 s by 100 µs."""
    sample = dataclasses.replace(_sample("GET warm", 1_030), connections=64)
    summary = report.summary(_report(rows=table.rows([sample])))

    assert "CPU    | 0.25 vCPU | 1 vCPU | 4 vCPU |" in summary
    assert "| 100 µs | 1,750     | 7,000  | 28,000 |" in summary


def test_summary_names_peers_that_were_left_out() -> None:
    """A peer without a row has its reason in the summary."""
    summary = report.summary(_report(left_out={"Go": "go is not installed"}))

    assert "\n\nLeft out: Go: go is not installed.\n\n" in summary


def test_text_has_the_processes() -> None:
    """Every server has its start and its memory."""
    text = report.text(_report(starts={"service": Start(0.9, 0.8)}, resident_mib={"service": 70.4}))

    assert "| service | 0.90    | 0.80        | 70      |" in text


def test_failures_are_named() -> None:
    """A run with refusals is not passed over in silence."""
    text = report.text(_report(failures=["login at 64 connections: 429"]))

    assert text.endswith("Not all was answered with 2xx in time: login at 64 connections: 429\n")


def test_file_is_json(tmp_path: Path) -> None:
    """All figures are in the file."""
    report.write(_report(), tmp_path / "new" / "result.json")

    read = json.loads((tmp_path / "new" / "result.json").read_text(encoding="utf-8"))
    assert [row["floors"]["median"] for row in read["rows"]] == [2.5, 2.5]


def test_page_has_a_place_for_the_summary() -> None:
    """A new result takes the place of the old, and nothing else changes."""
    page = (Path(__file__).parents[2] / "docs/performance.md").read_text(encoding="utf-8")
    first = report.shown_in(page, "| first |")

    assert report.shown_in(first, "| second |") == first.replace("| first |", "| second |")
    assert first.startswith(page.partition(report.BEGIN)[0])
    assert first.endswith(page.partition(report.END)[2])


def test_page_without_a_place_is_not_touched() -> None:
    """A page without the marks is no page to write to."""
    with pytest.raises(ValueError, match="unpack"):
        report.shown_in("no marks", "| first |")
