"""What commands show on a terminal only: what they are doing, and a log of coloured text."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from service.config import loader
from service.config.settings import LogConfig
from service.observability import logs

UPDATE_S = 1.0
CLEARED = "\r\x1b[K"  # the line is empty, with the cursor at its start


@contextmanager
def progress(doing: str) -> Iterator[Callable[[str], None]]:
    """
    Show *doing* and the seconds so far while the block runs; yields a function that replaces the text.

    Writes to standard error, and nothing if that is no terminal. Other output overwrites the line.
    """
    shown, ended, began = [doing], threading.Event(), time.monotonic()

    def show(text: str) -> None:
        shown[0] = text

    if not sys.stderr.isatty():
        yield show
        return

    def update() -> None:
        while not ended.wait(UPDATE_S):
            sys.stderr.write(f"{CLEARED}{shown[0]} ({time.monotonic() - began:.0f} s)\r")
            sys.stderr.flush()

    thread = threading.Thread(target=update, name="progress", daemon=True)
    thread.start()
    try:
        yield show
    finally:
        ended.set()
        thread.join()
        sys.stderr.write(CLEARED)
        sys.stderr.flush()


def log_to_stderr(config: LogConfig, file: Path | None, environ: Mapping[str, str]) -> None:
    """Log to standard error: on a terminal as text, unless the file or the environment sets a format."""
    if sys.stderr.isatty() and loader.sources(file, environ)["log"]["format"] == "default":
        config = replace(config, format="console")
    logs.configure(config, sys.stderr)
