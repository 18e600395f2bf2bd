"""Programs that serve the tests of a session, and so outlive the event loop of each test."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def started(
    command: Sequence[str | Path],
    *until: str,
    folder: Path,
    environ: Mapping[str, str],
) -> Iterator[list[str]]:
    """
    Start a program in *folder*, and return the first line that holds each of *until*, in this order.

    Ends it and its children.
    """
    with subprocess.Popen(  # noqa: S603 -- our own arguments
        command,
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        output = process.stdout
        assert output is not None
        printed: list[str] = []

        def line_with(text: str) -> str:
            for line in output:
                printed.append(line)
                if text in line:
                    return line
            raise AssertionError(f"{text!r} was never printed:\n{''.join(printed)}")

        drain = threading.Thread(target=output.read)
        try:
            lines = [line_with(text) for text in until]
            drain.start()
            yield lines
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            if drain.is_alive():
                drain.join()
