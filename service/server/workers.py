"""
A supervisor of several worker processes that share one port.

Process managers (gunicorn, circus) bring HTTP servers or sockets of their own, while this service depends
on its own server; the rest is to fork, to wait, and to fork again.

Process 1 of a container must also reap orphans. The supervisor does, with one worker too, at 22 MiB: the
image has no init, and in a process that serves, waiting for any child would take the exit status from
libraries that wait for theirs (botocore's `credential_process`).
"""

import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Final, NoReturn

import structlog

from service.config.settings import ServerConfig
from service.server.addresses import bound_sockets
from service.server.serve import ADVICE
from service.startup_errors import UNUSABLE

Work = Callable[[int], int]

STOPS: Final = frozenset({signal.SIGINT, signal.SIGTERM})
# The exit statuses of a worker that a signal has stopped, while it serves and while it starts.
STOPPED: Final = frozenset({0, *(128 + number for number in STOPS)})
PR_GET_CHILD_SUBREAPER: Final = 37  # of linux/prctl.h
SETTLED_S: Final = 5.0  # a worker that ends sooner is restarted after a pause
PAUSE_S: Final = 1.0
GRACE_S: Final = 2.0  # beyond finish_within_s; then a worker is killed


def shared_sockets(config: ServerConfig) -> list[socket.socket]:
    """
    Return sockets bound to the addresses that the workers will share; nothing listens on them yet.

    Raises AddressUnavailable, also where the workers of another service share the port.
    """
    alone = bound_sockets(config.host, config.port, advice=ADVICE, backlog=None)
    port = alone[0].getsockname()[1]
    for bound in alone:
        bound.close()
    return bound_sockets(config.host, port, advice=ADVICE, backlog=None, shared=True)


def adopts_orphans() -> bool:
    """
    Return whether orphaned processes become children of this one, which has to reap them.

    They do so as process 1 of a container, and after prctl(PR_SET_CHILD_SUBREAPER), which survives exec.
    """
    if os.getpid() == 1:
        return True
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # of Linux only
    is_subreaper = ctypes.c_int()
    return (
        prctl is not None
        and prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(is_subreaper), 0, 0, 0) == 0
        and bool(is_subreaper.value)
    )


class Supervisor:
    """
    Keeps *count* worker processes running, each of which calls *work*.

    *work* gets a descriptor that ends with this process, and returns an exit status. UNUSABLE means that
    no worker can run: it ends them all. Other children of this process are reaped and ignored.
    """

    def __init__(self, work: Work, *, count: int, finish_within_s: float) -> None:
        self._work = work
        self._count = count
        self._finish_within_s = finish_within_s
        self._started_at_s: dict[int, float] = {}  # by process id
        self._due_at_s: list[float] = [0.0] * count  # when the missing workers are to be started
        self._alive, self._ours = os.pipe()

    def run(self) -> int:
        """
        Keep the workers running until a signal; return the exit status when all have ended.

        In a worker it raises SystemExit instead. Signals are blocked and waited for, so none interrupts.
        """
        watched = {*STOPS, signal.SIGCHLD}
        # Where a parent has had it ignored, ended children leave no status.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        try:
            while True:
                self._start_missing(before)
                timeout_s = min((due - time.monotonic() for due in self._due_at_s), default=60.0)
                received = signal.sigtimedwait(watched, max(0.0, timeout_s))
                if received is not None and received.si_signo in STOPS:
                    return self._stop(watched)
                if UNUSABLE in self._reap():
                    self._stop(watched)
                    return UNUSABLE
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _start_missing(self, mask: set[signal.Signals | int]) -> None:
        now_s = time.monotonic()
        for due_at_s in [due for due in self._due_at_s if due <= now_s]:
            self._due_at_s.remove(due_at_s)
            self._fork(mask)

    def _fork(self, mask: set[signal.Signals | int]) -> None:
        process = os.fork() or self._become_worker(mask)
        self._started_at_s[process] = time.monotonic()
        structlog.get_logger().info("worker_started", process=process)

    def _become_worker(self, mask: set[signal.Signals | int]) -> NoReturn:
        os.close(self._ours)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        raise SystemExit(self._work(self._alive))

    def _reap(self) -> set[int]:
        """Schedule restarts of ended workers; return their exit statuses, negative for a signal."""
        statuses: set[int] = set()
        for process, status in _ended_children():
            started_at_s = self._started_at_s.pop(process, None)
            if started_at_s is None:  # an orphan that this process has adopted
                continue
            lived_s = time.monotonic() - started_at_s
            statuses.add(status)
            pause_s = 0.0 if lived_s >= SETTLED_S else PAUSE_S
            self._due_at_s.append(time.monotonic() + pause_s)
            logger = structlog.get_logger()
            (logger.info if status in STOPPED else logger.warning)(
                "worker_ended", process=process, status=status
            )
        return statuses

    def _stop(self, watched: set[signal.Signals]) -> int:
        """Stop all workers, and kill those that do not end in time; return the exit status."""
        self._signal(signal.SIGTERM)
        give_up_at_s = time.monotonic() + self._finish_within_s + GRACE_S
        while self._started_at_s:
            left_s = give_up_at_s - time.monotonic()
            if left_s <= 0:
                self._signal(signal.SIGKILL)
                left_s = GRACE_S
            received = signal.sigtimedwait(watched, left_s)
            if received is not None and received.si_signo in STOPS:
                self._signal(received.si_signo)  # a second signal ends the draining of workers
            self._reap()
        return 0

    def _signal(self, number: int) -> None:
        for process in self._started_at_s:
            os.kill(process, number)


def _ended_children() -> Iterator[tuple[int, int]]:
    """Reap the children that have ended; yield their ids and exit statuses, negative for a signal."""
    while True:
        try:
            process, wait_status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:  # there are none
            return
        if process == 0:
            return
        yield process, os.waitstatus_to_exitcode(wait_status)
