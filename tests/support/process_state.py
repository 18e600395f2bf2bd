"""Restores what a program changes in its process, for tests that run it in this one."""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from service.observability.logs import QUIET_LOGGERS

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def restored() -> Iterator[None]:
    """Restore logging, structlog, the environment and the signal handlers at the end of the block."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, QUIET_LOGGERS))}
    was_configured, settings = structlog.is_configured(), structlog.get_config()
    environ = dict(os.environ)
    on_signal = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for logger, level in levels.items():
            logger.setLevel(level)
        structlog.reset_defaults()
        if was_configured:
            structlog.configure(**settings)
        os.environ.clear()
        os.environ.update(environ)
        for number, handler in on_signal.items():
            signal.signal(number, handler)
