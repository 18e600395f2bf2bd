"""The stream of the log, written to once in a turn of the event loop."""

import asyncio
from collections import deque
from contextlib import suppress
from threading import Lock
from typing import TextIO


class LogStream:
    """
    Writes text to *stream*, all of one turn of the event loop at its end.

    Under load a turn answers dozens of requests, and each write would cost as much as making its line.
    Where no loop runs, and so in other threads, text is written at once.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._due_in: asyncio.AbstractEventLoop | None = None
        self._lock = Lock()  # of the stream

    def write(self, text: str) -> None:
        """Keep *text* until the next flush."""
        self._waiting.append(text)

    def flush(self) -> None:
        """Write what waits, once the loop has done all else of this turn."""
        if self._due_in is not None and not self._due_in.is_closed():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write()
        else:
            self._due_in = loop
            loop.call_soon(self._write)

    def _write(self) -> None:
        self._due_in = (
            None  # first, so that what another thread adds from now on is not left behind
        )
        with self._lock:
            text = "".join(self._waiting.popleft() for _ in range(len(self._waiting)))
            # Who reads the log may be gone. Nobody could be told, and the callers of the API still wait.
            with suppress(BrokenPipeError):
                self._stream.write(text)
                self._stream.flush()
