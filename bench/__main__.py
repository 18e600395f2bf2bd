"""`python -m bench [full|quick|profile|overload|latency]`: measure and report."""

import os
import signal
import sys
from pathlib import Path
from statistics import median
from typing import Final

from bench import latency, overload, report
from bench.machine import Cores
from bench.measure import measure
from bench.profiling import profile
from bench.settings import MODES, Settings
from bench.setup import SetupFailed

ROOT: Final = Path(__file__).parent.parent
FULL: Final = "full"  # the only mode that updates docs/performance.md
PROFILE: Final = "profile"
OVERLOAD: Final = "overload"
LATENCY: Final = "latency"
RESULT: Final = ROOT / "bench" / "result.json"
PICTURE: Final = ROOT / "docs" / "speed.png"
PAGE: Final = ROOT / "docs" / "performance.md"
PASSING_RESULT: Final = ROOT / "build" / "bench.json"


def _end(number: int, _: object) -> None:
    """Raise SystemExit, so that everything that was started is stopped."""
    sys.exit(128 + number)


def main(arguments: list[str]) -> int:
    """Measure in the mode and with the settings of the environment; return the exit status."""
    signal.signal(signal.SIGTERM, _end)
    mode = arguments[0] if arguments else FULL
    if mode == OVERLOAD:
        rounds = overload.measure(Cores.shared_out(os.sched_getaffinity(0)))
        sys.stdout.write(overload.text(rounds))
        return 1 if median(each.share for each in rounds) < overload.LEAST_SHARE else 0
    try:
        if mode == LATENCY:
            return _latency()
        settings = Settings.read(mode, os.environ)
    except (KeyError, ValueError) as error:
        sys.stderr.write(
            f"bench: {error}; the modes are: {' '.join((*MODES, OVERLOAD, LATENCY))}\n"
        )
        return 2
    cores = Cores.shared_out(os.sched_getaffinity(0))
    try:
        if mode == PROFILE:
            sys.stdout.write(profile(settings, cores))
            return 0
        measured = measure(settings, cores)
    except SetupFailed as unfit:
        sys.stderr.write(f"bench: {unfit}\n")
        return 1
    sys.stdout.write(report.text(measured))
    whole = settings == MODES[FULL] and not measured.failures
    report.write(measured, RESULT if whole else PASSING_RESULT)
    if whole:
        from bench import picture  # noqa: PLC0415 -- the tests' environment has no matplotlib

        picture.write(measured.rows, PICTURE)
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(report.shown_in(page, report.summary(measured)), encoding="utf-8")
    return 1 if measured.failures else 0


def _latency() -> int:
    rows = latency.measure(
        latency.Settings.read(os.environ), Cores.shared_out(os.sched_getaffinity(0))
    )
    sys.stdout.write(latency.text(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
