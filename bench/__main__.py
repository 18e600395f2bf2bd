"""`python -m bench [full|quick|profile|overload|latency]`: measure and report."""

import functools
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final

from bench import overload, report, servers, toolchains
from bench.latency import measurement
from bench.latency import report as latency_report
from bench.latency.settings import Settings as LatencySettings
from bench.machine import Cores
from bench.measure import measure
from bench.profiling import profile
from bench.settings import MODES, Settings
from bench.setup import SetupFailed

ROOT: Final = Path(__file__).parent.parent
FULL: Final = "full"
PROFILE: Final = "profile"
OVERLOAD: Final = "overload"
LATENCY: Final = "latency"
# Of a run with the default settings; others write to build/.
RESULT: Final = ROOT / "bench" / "result.json"
LATENCY_RESULT: Final = ROOT / "bench" / "latency.json"
PICTURE: Final = ROOT / "docs" / "speed.png"
LATENCY_PICTURE: Final = ROOT / "docs" / "latency.png"
PAGE: Final = ROOT / "docs" / "performance.md"
PASSING_RESULT: Final = ROOT / "build" / "bench.json"
PASSING_LATENCY_RESULT: Final = ROOT / "build" / "latency.json"


def _end(number: int, _: object) -> None:
    """Raise SystemExit, so that everything that was started is stopped."""
    sys.exit(128 + number)


def main(arguments: list[str]) -> int:
    """Measure in the mode and with the settings of the environment; return the exit status."""
    signal.signal(signal.SIGTERM, _end)
    try:
        measurement_of_mode = _chosen(arguments[0] if arguments else FULL)
    except (KeyError, ValueError) as error:
        sys.stderr.write(
            f"bench: {error}; the modes are: {' '.join((*MODES, OVERLOAD, LATENCY))}\n"
        )
        return 2
    try:
        return measurement_of_mode(Cores.shared_out(os.sched_getaffinity(0)))
    except SetupFailed as unfit:
        sys.stderr.write(f"bench: {unfit}\n")
        return 1


def _chosen(mode: str) -> Callable[[Cores], int]:
    """Return what measures in that mode; raises KeyError, ValueError for wrong settings."""
    if mode == OVERLOAD:
        return _overload
    if mode == LATENCY:
        return functools.partial(_latency, LatencySettings.read(os.environ))
    return functools.partial(_profile if mode == PROFILE else _cpu, Settings.read(mode, os.environ))


def _cpu(settings: Settings, cores: Cores) -> int:
    left_out = toolchains.unavailable(servers.PEERS, (case.server for case in settings.cases))
    measured = measure(settings, cores, left_out)
    sys.stdout.write(report.text(measured))
    whole = settings == MODES[FULL] and not measured.failures
    report.write(measured, RESULT if whole else PASSING_RESULT)
    if whole:
        from bench import picture  # noqa: PLC0415 -- the tests' environment has no matplotlib

        picture.write(measured.rows, PICTURE)
        _write_page(f"{report.PICTURE}\n\n{report.summary(measured)}", report.BEGIN)
    return 1 if measured.failures else 0


def _latency(settings: LatencySettings, cores: Cores) -> int:
    left_out = toolchains.unavailable(servers.PEERS, settings.servers)
    measured = measurement.measure(settings, cores, left_out)
    text = latency_report.text(measured)
    sys.stdout.write(f"{text}\n")
    default = LatencySettings()
    # The page says how many rounds there were, and of how many seconds.
    whole = replace(settings, rounds=default.rounds, seconds=default.seconds) == default
    report.write(measured, LATENCY_RESULT if whole else PASSING_LATENCY_RESULT)
    if whole:
        from bench.latency import picture  # noqa: PLC0415 -- likewise

        picture.write(measured.rows, LATENCY_PICTURE)
        _write_page(f"{latency_report.PICTURE}\n\n{text}", latency_report.BEGIN)
    return 0


def _profile(settings: Settings, cores: Cores) -> int:
    sys.stdout.write(profile(settings, cores))
    return 0


def _overload(cores: Cores) -> int:
    rounds = overload.measure(cores)
    sys.stdout.write(overload.text(rounds))
    return 1 if median(each.share for each in rounds) < overload.LEAST_SHARE else 0


def _write_page(content: str, begin: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(report.shown_in(page, content, begin), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
