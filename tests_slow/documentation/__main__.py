"""`python -m tests_slow.documentation PAGE...`: write the outputs of pages anew where they differ."""

import asyncio
import json
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from tests_slow.documentation.comparison import ANY, differences, responses, values
from tests_slow.documentation.page import Commands, Output, steps
from tests_slow.documentation.shell import shell

LONGEST: Final = 60  # characters of a text without blanks: tokens and the like are left out
JWT: Final = "eyJ"
WIDTH: Final = 100
HEADERS: Final = ("ETag", "Last-Modified", "Location", "Retry-After", "WWW-Authenticate")


def shown_as(output: Output, printed: str) -> str:
    """Return what a page shows of *printed*."""
    if output.language == "json":
        pairs = zip_longest(values(output.text), values(printed))
        return "".join(
            f"{_json(_shown(shown, value))}\n" for shown, value in pairs if value is not None
        )
    if output.language == "http":
        return "\n".join(_response(*each) for each in responses(printed))
    return printed.strip() + "\n"


def _shown(shown: Any, printed: Any) -> Any:  # noqa: ANN401 -- JSON
    """Return *printed* without the members that the page leaves out."""
    if isinstance(shown, dict) and isinstance(printed, dict) and ANY in shown:
        kept = {name: _shown(shown[name], printed[name]) for name in shown if name in printed}
        return {**kept, ANY: ANY}
    return printed


def _response(status: str, headers: dict[str, str], body: str) -> str:
    lines = [status, *(f"{n}: {headers[n.lower()]}" for n in HEADERS if n.lower() in headers)]
    return "\n".join([*lines, *(["", *map(_json, values(body))] if body else [])]) + "\n"


def _json(value: object, indent: int = 0) -> str:
    """Return *value* on one line where that is short enough, else a line for each of its parts."""
    value = _abbreviated(value)
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= WIDTH or not isinstance(value, dict | list):
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(name, ensure_ascii=False)}: {_json(each, indent + 2)}"
            for name, each in value.items()
        ]
    else:
        parts = [_json(each, indent + 2) for each in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return (
        f",\n{inner}".join([f"{opening}\n{inner}{parts[0]}", *parts[1:]])
        + f"\n{indent * ' '}{closing}"
    )


def _abbreviated(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, dict):
        return {name: _abbreviated(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_abbreviated(each) for each in value]
    if isinstance(value, str) and len(value) > LONGEST and " " not in value:
        return JWT * value.startswith(JWT) + ANY
    return value


async def rewritten(text: str) -> str:
    """Run the commands of a page, and return it with each output that differs from what they print."""
    changes: list[tuple[Output, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with shell(Path(folder)) as opened:
            for step in steps(text):
                printed = await opened.run(step)
                output = step.output if isinstance(step, Commands) else None
                if output and differences(output.language, output.text, printed):
                    changes.append((output, shown_as(output, printed)))
    for output, new in reversed(changes):
        text = text[: output.start] + new + text[output.end :]
    return text


if __name__ == "__main__":
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(asyncio.run(rewritten(page.read_text(encoding="utf-8"))), encoding="utf-8")
