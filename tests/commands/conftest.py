"""What the tests of the commands share: a local AWS, and the process as it was before."""

import logging
import uuid
from collections.abc import Iterator, Mapping

import pytest
import structlog

from service import log
from service.local.outbox import Delivery
from service.local.server import LocalAws, local_aws


def _silently(_: Delivery) -> None:
    """Announce a code to nobody."""


@pytest.fixture(scope="session")
def own_local_aws() -> Iterator[LocalAws]:
    """Serve the local AWS."""
    with local_aws(announce=_silently) as local:
        yield local


@pytest.fixture
def name() -> str:
    """Return a name that no other test has."""
    return f"command-{uuid.uuid4().hex}"


@pytest.fixture
def placed(own_local_aws: LocalAws, name: str) -> Mapping[str, str]:
    """Return the environment of a command that works on the local AWS."""
    return {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_COGNITO_ENDPOINT_URL": own_local_aws.endpoint_url,
        "AWS_DYNAMODB_ENDPOINT_URL": own_local_aws.endpoint_url,
        "AWS_DYNAMODB_USER_PROFILE_TABLE": name,
    }


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Put logging and structlog back as they were: a command configures the whole process."""
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, log.QUIET_LOGGERS)]
    levels = [logger.level for logger in loggers]
    handlers = root.handlers[:]
    was_configured, settings = structlog.is_configured(), structlog.get_config()
    yield
    root.handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    structlog.reset_defaults()
    if was_configured:
        structlog.configure(**settings)
