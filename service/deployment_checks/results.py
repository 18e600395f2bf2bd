"""The results of checks: as a table for a terminal, as lines for a file, and as JSON."""

import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.observability.console_text import escaped

FAILED: Final = 1
"""Exit status: something is wrong."""
UNCHECKED: Final = 2
"""Exit status: nothing is known to be wrong, but a check could not be made."""
LEAST_WIDTH: Final = 40  # of the last column of a table


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "unknown"


COLOURS: Final = {Status.OK: "\x1b[32m", Status.WRONG: "\x1b[1;31m", Status.UNKNOWN: "\x1b[33m"}
PLAIN: Final = "\x1b[0m"
ARROW: Final = "-> "


@dataclass(frozen=True, slots=True)
class CheckResult:
    """
    The result of a check.

    *step* is that of the set-up guide, 1 to 6. *advice* is empty where there is nothing
    to do; its lines after the first are commands. An
    *optional* check needs more rights than the service has: that it could not be made is no failure.
    """

    step: int
    name: str
    status: Status
    detail: str
    advice: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class NamedCheck:
    """A check: its *step* of the set-up guide, and its name in reports."""

    step: int
    name: str

    def ok(self, detail: str, advice: str = "") -> CheckResult:
        """Return that the check passed; *advice* recommends more."""
        return CheckResult(self.step, self.name, Status.OK, detail, advice)

    def wrong(self, detail: str, advice: str) -> CheckResult:
        """Return that the check failed, and how to mend it."""
        return CheckResult(self.step, self.name, Status.WRONG, detail, advice)

    def unknown(self, detail: str, advice: str = "", *, optional: bool = False) -> CheckResult:
        """Return that the check could not be made."""
        return CheckResult(self.step, self.name, Status.UNKNOWN, detail, advice, optional)


def exit_status(results: Iterable[CheckResult]) -> int:
    """Return 0, FAILED or UNCHECKED."""
    results = [*results]
    if any(result.status is Status.WRONG for result in results):
        return FAILED
    if any(result.status is Status.UNKNOWN and not result.optional for result in results):
        return UNCHECKED
    return 0


def as_json(results: Sequence[CheckResult]) -> str:
    """Return the report for programs: {"ok", "checks": [{step, name, status, detail, advice}]}."""
    names = ("step", "name", "status", "detail", "advice")
    checks = [{name: getattr(result, name) for name in names} for result in results]
    return json.dumps({"ok": exit_status(results) == 0, "checks": checks}, indent=2)


def as_lines(results: Sequence[CheckResult]) -> str:
    """Return the report as text: a line for each check, and indented below it what to do."""
    lines: list[str] = []
    for result in results:
        detail, advice = _printable(result)
        first, *more = f"{result.status} {result.step} {result.name}: {detail}".split("\n")
        lines += [first, *(f"  {line}" for line in (*more, *advice.splitlines()))]
    return "\n".join([*lines, _counts(results)])


def as_table(results: Sequence[CheckResult], *, width: int, coloured: bool) -> str:
    """Return the report for a terminal of *width* columns: as as_lines(), in columns."""
    widest = max((len(result.name) for result in results), default=0)
    lines: list[str] = []
    for result in results:
        start = f"{result.step}  {result.name:<{widest}}  "
        detail, advice = _printable(result)
        first, *more = _wrapped(detail, f"{start}{result.status:<7}  ", width)
        if coloured:
            status = f"{COLOURS[result.status]}{result.status}{PLAIN}"
            first = start + status + first[len(start) + len(result.status) :]
        lines += [first, *more]
        if advice:
            lines += _wrapped(advice.removeprefix(ARROW), " " * (widest + 5) + ARROW, width)
    return "\n".join([*lines, "", _counts(results)])


def _printable(result: CheckResult) -> tuple[str, str]:
    """Return detail and advice, after an arrow, without control characters: servers choose parts."""
    remedy = ARROW + result.advice if result.advice else ""
    return escaped(result.detail, kept="\n"), escaped(remedy, kept="\n")


def _counts(results: Sequence[CheckResult]) -> str:
    return ", ".join(
        f"{sum(result.status is status for result in results)} {status}" for status in Status
    )


def _wrapped(text: str, head: str, width: int) -> list[str]:
    """Return *text* in lines: its first paragraph wrapped, then commands, which stay whole."""
    first, *commands = text.splitlines() or [""]
    indent = " " * len(head)
    lines = textwrap.wrap(
        first,
        max(width, len(head) + LEAST_WIDTH),
        initial_indent=head,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [head]
    return [*lines, *(indent + command for command in commands)]
