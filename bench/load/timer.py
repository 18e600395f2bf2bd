"""A timer with a resolution of microseconds; those of asyncio's loops have one of milliseconds."""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from typing import Final

NANOSECONDS: Final = 1_000_000_000
ABSOLUTE: Final = 1  # TFD_TIMER_ABSTIME

# Python has these from 3.13 on (os.timerfd_create); Linux and glibc alone.
_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Setting(ctypes.Structure):
    """Linux's `itimerspec`: the interval of a repeated timer, which is 0 here, and the time."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("s", ctypes.c_long),
        ("ns", ctypes.c_long),
    )


class Timer:
    """Calls *expired* in the running loop, at the times that are set one by one."""

    def __init__(self, expired: Callable[[], None]) -> None:
        self._file = _libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._file, self._expire)
        self._expired = expired

    def set(self, due: float) -> None:
        """Expire at *due* on the clock of `time.perf_counter`, at once if that is in the past."""
        s, ns = divmod(round(due * NANOSECONDS), NANOSECONDS)
        setting = _Setting(0, 0, s, ns)
        if _libc.timerfd_settime(self._file, ABSOLUTE, ctypes.byref(setting), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """Release the descriptor."""
        self._loop.remove_reader(self._file)
        os.close(self._file)

    def _expire(self) -> None:
        os.read(self._file, 8)
        self._expired()
