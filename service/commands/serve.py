"""`serve`: serves the API."""

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from typing import Final

import structlog
from botocore.exceptions import BotoCoreError

from service import DISTRIBUTION
from service.app import create_app
from service.config import variables
from service.config.loader import Settings
from service.config.settings import Config
from service.observability import logs
from service.server import serve
from service.server.workers import Supervisor, adopts_orphans, shared_sockets
from service.startup_errors import UNUSABLE, AwsUnusable, SetupError

# The threshold of the garbage collector's youngest generation. Requests in flight have a few thousand
# objects, which are freed when they end: at the default of 700, collections took 6 % of a read's CPU.
YOUNG_GENERATION: Final = 10_000
# The thresholds of the two older generations. If an upstream hangs, requests accumulate, and all of them
# wait for each collection: 25 ms each at the defaults of 10.
MIDDLE_GENERATION: Final = 1
OLD_GENERATION: Final = 50


def run(config: Config, environ: Mapping[str, str], sources: Settings) -> None:
    """
    Serve until a signal ends it; exits with UNUSABLE if no worker process can start.

    Logs the settings with their *sources*, by section and key.

    A single worker serves in this process, unless this one has to reap orphans: then it supervises.

    Variables of *environ* that may be meant as settings, but are none, are logged.

    Raises SchemaUnusable, TracingUnusable, AddressUnavailable, and AwsUnusable if the AWS settings of the
    machine (profile, configuration file) cannot be used.
    """
    logs.configure(config.log, sys.stdout)
    logger = structlog.get_logger()
    logger.info(
        "starting",
        version=version(DISTRIBUTION),
        settings=config.loggable(),
        sources=sources,
    )
    log_ignored(environ)
    if config.server.workers == 1 and not adopts_orphans():
        _serve(config)
    else:
        _supervise(config)
    logger.info("stopped")


def log_ignored(environ: Mapping[str, str]) -> None:
    """Log the variables that are ignored although they may be meant as settings."""
    for name, advice in variables.ignored(environ):
        structlog.get_logger().warning("variable_ignored", variable=name, advice=advice)


def _serve(config: Config, *, worker_of: int | None = None) -> None:
    def listening(hosts: Sequence[str], port: int) -> None:
        # All objects so far are permanent: later collections need not traverse them.
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_GENERATION, MIDDLE_GENERATION, OLD_GENERATION)
        structlog.get_logger().info(
            "listening", host=" ".join(hosts), port=port, process=os.getpid()
        )

    app = create_app(config)
    try:
        serve.run(serve.serve(app, config.server, listening=listening, worker_of=worker_of))
    except BotoCoreError as error:
        raise AwsUnusable.by_settings(error) from error


def _supervise(config: Config) -> None:
    create_app(config)  # reports wrong settings once, and loads the modules that are shared
    with ExitStack() as stack:
        held = [stack.enter_context(bound) for bound in shared_sockets(config.server)]
        shared = replace(config, server=replace(config.server, port=held[0].getsockname()[1]))

        def work(worker_of: int) -> int:
            try:
                _serve(shared, worker_of=worker_of)
            except SetupError as error:
                print(error, file=sys.stderr)  # noqa: T201 -- the command line speaks to a person
                return UNUSABLE
            return 0

        gc.freeze()  # before the forks: a collection would copy every shared page
        status = Supervisor(
            work,
            count=config.server.workers,
            finish_within_s=config.server.drain_s + config.server.request_deadline_s,
        ).run()
    if status:
        raise SystemExit(status)
