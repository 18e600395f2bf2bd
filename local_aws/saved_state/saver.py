"""Saving after each change."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local_aws.saved_state.file import StateFile, Unreadable
from local_aws.saved_state.object_graph import Json

# Collecting the state stops all requests. While it takes at most QUICK_S, each change waits until it is
# saved; a larger state is saved in the background, with pauses of PAUSE_FACTOR times that duration.
QUICK_S = 0.05
PAUSE_FACTOR = 5
PATIENCE_S = 2.0  # for a disk that does not answer


class Saver:
    """
    Saves what *collect* returns, in a thread of its own.

    *lock* is held while the state is collected. A save that fails is reported on standard error, and
    repeated at the next change.
    """

    def __init__(self, file: StateFile, collect: Callable[[], Json], lock: threading.Lock) -> None:
        self._file = file
        self._collect = collect
        self._lock = lock
        self._condition = threading.Condition()
        self._changes = 0
        self._saved = 0
        """The number of changes that are in the file."""
        self._collecting_s = 0.0
        self._stopping = threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="local-aws-saver", daemon=True)

    def changed(self) -> None:
        """Save the state; the caller does not hold the lock."""
        with self._condition:
            self._changes += 1
            own = self._changes
            self._condition.notify_all()
            if self._collecting_s <= QUICK_S:
                self._condition.wait_for(lambda: self._saved >= own, PATIENCE_S)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Save until the block ends, and once more then."""
        self._thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            with self._condition:
                self._condition.notify_all()
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._condition:
                self._condition.wait_for(
                    lambda: self._changes > self._saved or self._stopping.is_set()
                )
                included = self._changes
            self._save()
            with self._condition:
                self._saved = included
                self._condition.notify_all()
            if self._collecting_s > QUICK_S:
                self._stopping.wait(self._collecting_s * PAUSE_FACTOR)
        self._save()

    def _save(self) -> None:
        with self._lock:
            began = time.monotonic()
            content = json.dumps(self._collect(), separators=(",", ":"))
            self._collecting_s = time.monotonic() - began
        try:
            self._file.replace(content.encode())
        except OSError as error:
            if not self._failed:
                print(  # noqa: T201 -- the local AWS has no log
                    f"local AWS cannot save its data to {self._file.path}: {error.strerror}",
                    file=sys.stderr,
                )
            self._failed = True
        else:
            self._failed = False


def restored(file: StateFile, install: Callable[[Json], None], *, fresh: bool) -> str | None:
    """
    Restore what the file has; with *fresh*, remove it instead.

    Returns None, or a sentence that names an unreadable file, which is set aside.
    """
    if fresh:
        file.remove()
        return None
    try:
        content = file.read()
        if content is not None:
            _install(install, content)
    except Unreadable as reason:
        aside = file.set_aside()
        return f"{file.path} cannot be read ({reason}): it is now {aside.name}"
    return None


def _install(install: Callable[[Json], None], content: Json) -> None:
    try:
        install(content)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise Unreadable("its content is malformed") from None
