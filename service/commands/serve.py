"""`serve`: serves what the configuration says."""

import sys

import structlog

from service import log, server
from service.app import create_app
from service.config import Config


def run(config: Config) -> None:
    """Serve until a signal ends it; raises SchemaUnusable, AddressUnavailable."""
    log.configure(config.log, sys.stdout)
    logger = structlog.get_logger()

    def listening(host: str, port: int) -> None:
        logger.info("listening", host=host, port=port)

    logger.info("starting", config=repr(config))
    server.run(server.serve(create_app(config), config.server, listening=listening))
    logger.info("stopped")
