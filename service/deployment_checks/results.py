"""The results of checks, as an operator reads them and as JSON."""

import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FAILED: Final = 1
"""Exit status: something is wrong."""
UNCHECKED: Final = 2
"""Exit status: nothing is known to be wrong, but a check could not be made."""
WIDTH: Final = 100  # characters of a line on the terminal


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "unknown"


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


def ok(step: int, name: str, detail: str, advice: str = "") -> CheckResult:
    """Return the result of a check that passed; *advice* recommends more."""
    return CheckResult(step, name, Status.OK, detail, advice)


def wrong(step: int, name: str, detail: str, advice: str) -> CheckResult:
    """Return the result of a check that failed, and how to mend it."""
    return CheckResult(step, name, Status.WRONG, detail, advice)


def unknown(
    step: int, name: str, detail: str, advice: str = "", *, optional: bool = False
) -> CheckResult:
    """Return the result of a check that could not be made."""
    return CheckResult(step, name, Status.UNKNOWN, detail, advice, optional)


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


def as_table(results: Sequence[CheckResult]) -> str:
    """Return the report for a terminal: a line for each check, and below it what to do."""
    widest = max((len(result.name) for result in results), default=0)
    lines: list[str] = []
    for result in results:
        head = f"{result.step}  {result.name:<{widest}}  {result.status:<7}  "
        lines += _wrapped(result.detail, head)
        if result.advice:
            lines += _wrapped(result.advice, " " * (widest + 5) + "-> ")
    counts = ", ".join(
        f"{sum(result.status is status for result in results)} {status}" for status in Status
    )
    return "\n".join([*lines, "", counts])


def _wrapped(text: str, head: str) -> list[str]:
    """Return *text* in lines: its first paragraph wrapped, then commands, which stay whole."""
    first, *commands = text.splitlines() or [""]
    indent = " " * len(head)
    lines = textwrap.wrap(
        first,
        len(head) + WIDTH,
        initial_indent=head,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [*lines, *(indent + command for command in commands)]
