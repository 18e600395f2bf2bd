"""The stream of the log, written to once in each iteration of the event loop."""

import asyncio
from collections import deque
from contextlib import suppress
from threading import Lock
from typing import TextIO


class LogStream:
    """
    A buffer before *stream*, written out at the end of each iteration of the event loop.

    Under load an iteration serves dozens of requests, and each write would cost as much as rendering its
    line. Where no loop runs, as in other threads, text is written at once. It is also the logger to which
    structlog passes rendered lines.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._due_in: asyncio.AbstractEventLoop | None = None
        self._lock = Lock()  # of the stream

    def write(self, text: str) -> None:
        """Buffer *text* until the next flush."""
        self._waiting.append(text)

    def log(self, line: str) -> None:
        """Write a line, which has no line feed, as soon as the iteration ends."""
        self._waiting.append(f"{line}\n")
        self.flush()

    debug = info = warning = error = critical = log

    def flush(self) -> None:
        """Write the buffer out at the end of the iteration."""
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
        self._due_in = None  # first, or text that another thread adds now would stay behind
        with self._lock:
            text = "".join(self._waiting.popleft() for _ in range(len(self._waiting)))
            # The reader of the log may be gone; there is no other place to report it, and requests go on.
            with suppress(BrokenPipeError):
                self._stream.write(text)
                self._stream.flush()
