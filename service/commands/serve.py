"""`serve`: serves what the configuration says."""

import sys

import structlog
from botocore.exceptions import BotoCoreError

from service import log, server
from service.app import create_app
from service.config import Config
from service.errors import AwsUnusable


def run(config: Config) -> None:
    """
    Serve until a signal ends it.

    Raises SchemaUnusable, AddressUnavailable, and AwsUnusable where the machine's own settings for AWS
    (profile, configuration file) can't be used.
    """
    log.configure(config.log, sys.stdout)
    logger = structlog.get_logger()

    def listening(host: str, port: int) -> None:
        logger.info("listening", host=host, port=port)

    logger.info("starting", config=repr(config))
    try:
        server.run(server.serve(create_app(config), config.server, listening=listening))
    except BotoCoreError as error:
        raise AwsUnusable(f"The settings for AWS of this machine can't be used: {error}") from error
    logger.info("stopped")
