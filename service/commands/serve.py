"""`serve`: serves what the configuration says."""

import gc
import os
import sys
from dataclasses import replace
from importlib.metadata import version
from typing import Final

import structlog
from botocore.exceptions import BotoCoreError

from service import DISTRIBUTION
from service.app import create_app
from service.config.settings import Config
from service.observability import logs
from service.server import serve
from service.server.workers import Supervisor, shared_socket
from service.startup_errors import UNUSABLE, AwsUnusable, SetupError

# How many objects may be new before the collector looks at them. Requests in flight have a few thousand,
# which go when they end: at its default of 700 it looked through them for 6 % of a read's CPU.
YOUNG_OBJECTS: Final = 10_000
# After how many such looks at the young those are looked at that were spared once, and after how many of
# these everything. An upstream that hangs lets requests pile up, and all wait for each look: by the
# defaults of 10, twenty-five milliseconds at a time.
SPARED_ONCE: Final = 1
ALL_OBJECTS: Final = 50


def run(config: Config) -> None:
    """
    Serve until a signal ends it; where several workers do and none can, exit with UNUSABLE.

    Raises SchemaUnusable, AddressUnavailable, and AwsUnusable where the machine's own settings for AWS
    (profile, configuration file) can't be used.
    """
    logs.configure(config.log, sys.stdout)
    logger = structlog.get_logger()
    logger.info("starting", version=version(DISTRIBUTION), settings=config.loggable())
    if config.server.workers == 1:
        _serve(config)
    else:
        _supervise(config)
    logger.info("stopped")


def _serve(config: Config, *, worker_of: int | None = None) -> None:
    def listening(host: str, port: int) -> None:
        # What is there by now stays: the collector need not look through it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS, SPARED_ONCE, ALL_OBJECTS)
        structlog.get_logger().info("listening", host=host, port=port, process=os.getpid())

    app = create_app(config)
    try:
        serve.run(serve.serve(app, config.server, listening=listening, worker_of=worker_of))
    except BotoCoreError as error:
        raise AwsUnusable(f"The settings for AWS of this machine can't be used: {error}") from error


def _supervise(config: Config) -> None:
    create_app(config)  # what is wrong with the settings is said once, and its modules are shared
    with shared_socket(config.server) as held:
        shared = replace(config, server=replace(config.server, port=held.getsockname()[1]))

        def work(worker_of: int) -> int:
            try:
                _serve(shared, worker_of=worker_of)
            except SetupError as error:
                print(error, file=sys.stderr)  # noqa: T201 -- the command line speaks to a person
                return UNUSABLE
            return 0

        gc.freeze()  # before the forks: a collection would copy every page that they share
        status = Supervisor(
            work,
            count=config.server.workers,
            finish_within_s=config.server.drain_s + config.server.request_deadline_s,
        ).run()
    if status:
        raise SystemExit(status)
