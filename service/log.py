"""Logging: structlog and the standard library's loggers leave as one line per event on one stream."""

import hashlib
import hmac
import logging
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

from service.config import LogConfig

# What tells who somebody is, under whatever event it stands.
IDENTITIES: Final = frozenset({"account", "address", "peer", "sub"})
QUIET_LOGGERS = ("aiobotocore", "aiohttp", "asyncio", "boto3", "botocore", "urllib3")


def configure(config: LogConfig, stream: TextIO) -> None:
    """
    Send every log event to *stream*, as JSON or coloured for a person.

    Libraries speak from warning upwards only, whatever the level: botocore's debug output holds
    request bodies, that is passwords and tokens. Changes process-wide state; call it once at start.
    Identities are hashed where the configuration says so.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    if config.hash_key is not None and config.identities == "hashed":
        shared.append(_hashed(config.hash_key))
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if config.format == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _hashed(key: str) -> Processor:
    """Return what replaces identities by their HMAC-SHA256 under *key*: alike stays alike, no more."""

    def hashed(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name in IDENTITIES & event.keys():
            if event[name] is not None:
                digest = hmac.new(
                    key.encode(), str(event[name]).encode("utf-8", "surrogatepass"), hashlib.sha256
                )
                event[name] = digest.hexdigest()
        return event

    return hashed
