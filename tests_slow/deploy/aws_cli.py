"""
The AWS CLI as far as deploy.sh uses it, for machines that have none.

Its package can't be in the development environment, since it requires one version of botocore exactly.
Names of operations, waiters and options, --query, text output and exit statuses are the real one's.
AWS_ENDPOINT_URL says where AWS is; CALLS names a file to which each operation is appended.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import botocore.session
import jmespath
from botocore.exceptions import ClientError, WaiterError

CLIENT_ERROR, WAITER_FAILED = 254, 255


def run(arguments: Sequence[str]) -> int:
    """Call an operation, or wait for a state; returns the exit status."""
    service, operation, *rest = arguments
    waiting = operation == "wait"
    if waiting:
        operation, *rest = rest
    with Path(os.environ["CALLS"]).open("a", encoding="utf-8") as calls:
        calls.write(f"{'wait ' if waiting else ''}{operation}\n")
    options = dict(zip(rest[::2], rest[1::2], strict=True))
    query, _ = options.pop("--query", "@"), options.pop("--output", "text")
    client: Any = botocore.session.get_session().create_client(service)
    given = {_member(option): _value(option, text) for option, text in options.items()}
    try:
        if waiting:
            client.get_waiter(operation.replace("-", "_")).wait(**given)
            return 0
        answer = getattr(client, operation.replace("-", "_"))(**given)
    except ClientError as error:
        print(f"\n{error}", file=sys.stderr)  # noqa: T201 -- a program's output
        return CLIENT_ERROR
    except WaiterError as error:
        print(f"\n{error}", file=sys.stderr)  # noqa: T201 -- likewise
        return WAITER_FAILED
    answer.pop("ResponseMetadata")
    if answer:
        _print(jmespath.search(query, answer))
    return 0


def _member(option: str) -> str:
    return "".join(word.capitalize() for word in option.removeprefix("--").split("-"))


def _value(option: str, text: str) -> object:
    if text.startswith("file://"):
        return Path(text.removeprefix("file://")).read_text(encoding="utf-8")
    if option == "--parameters":
        return json.loads(text)
    return [text] if option == "--capabilities" else text


def _print(value: object) -> None:
    """Print as `--output text` does: a list of lists by lines, all else by tabs."""
    rows = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
    for row in rows:
        cells = row if isinstance(row, list) else [row]
        print("\t".join("None" if cell is None else str(cell) for cell in cells))  # noqa: T201 -- likewise


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
