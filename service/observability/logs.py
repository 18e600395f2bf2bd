"""Logging: events of structlog and of the standard library's loggers as lines of one stream."""

import hashlib
import hmac
import logging
import time
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, Literal, TextIO, cast

import structlog
from structlog.typing import Processor

from service.config.settings import LogConfig
from service.observability import console_text, log_format
from service.observability.console_text import has_colours
from service.observability.log_stream import LogStream

# The fields that identify a user or a client, in every event.
IDENTITIES: Final = frozenset({"account", "address", "peer", "sub"})
# Log failures with tracebacks, which the service logs itself (service/aws/credentials.py).
SILENT_LOGGERS = ("aiobotocore.credentials", "aiobotocore.tokens")
QUIET_LOGGERS = (
    "aiobotocore",
    "aiohttp",
    "asyncio",
    "boto3",
    "botocore",
    "opentelemetry",
    "urllib3",
)
LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO}

# The fields that all events of one request have.
REQUEST_FIELDS: Final[ContextVar[Mapping[str, object]]] = ContextVar("request", default={})  # noqa: B039 -- never changed


def configure(config: LogConfig, stream: TextIO) -> None:
    """
    Send every log event to *stream*, as JSON or as coloured text, with IDENTITIES hashed if configured.

    Libraries log from warning upwards, whatever the level: botocore's debug output contains request
    bodies, with passwords and tokens. Changes process-wide state; call it once at start.
    """
    level: int = logging.getLevelNamesMapping()[config.level.upper()]
    shared = CommonFields(config.hash_key if config.identities == "hashed" else None)
    rendering: list[Processor] = (
        [_as_json]
        if config.format == "json"
        else [
            console_text.printable,
            structlog.dev.ConsoleRenderer(colors=has_colours(stream)),
        ]
    )
    lines = LogStream(stream)
    # Events of the service bypass logging, by which each would cost three times as much.
    structlog.configure(
        processors=[shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
    )
    handler = logging.StreamHandler(cast("TextIO", lines))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, level))
    for name in SILENT_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class CommonFields:
    """
    Completes events: the fields of the request, `level`, `timestamp` and `exception`.

    A processor of structlog, as fast as one of its own. With *hash_key*, IDENTITIES are replaced by their
    HMAC-SHA256.
    """

    def __init__(self, hash_key: str | None = None) -> None:
        self._hash_key = None if hash_key is None else hash_key.encode()
        self._second = (0, "")

    def __call__(
        self, _: object, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Return the complete event of a logger's *method*."""
        request = REQUEST_FIELDS.get()
        if request:
            event = {**request, **event}
        event["level"] = method
        event["timestamp"] = self._now()
        if "exc_info" in event:
            structlog.processors.format_exc_info(None, method, event)
        if self._hash_key is not None:
            for name in IDENTITIES & event.keys():
                if event[name] is not None:
                    event[name] = identity_hash(self._hash_key, str(event[name]))
        return event

    def _now(self) -> str:
        """Return the time in UTC with microseconds; the date is formatted once a second."""
        now_s = time.time()
        second, date = self._second  # one value, which threads share as a whole
        if not second <= now_s < second + 1:
            second = int(now_s)
            date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, date)
        microseconds = int((now_s - second) * 1_000_000)
        return f"{date}.{str(microseconds).zfill(6)}Z"


class BoundLogger:
    """A logger that is bound once; structlog's own is bound for each event, which costs 5 us."""

    def __init__(self) -> None:
        self._processors: Sequence[Processor] = ()
        self._logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self._lines: Any = None

    def __call__(self) -> structlog.typing.FilteringBoundLogger:
        """Return the logger of the current configuration of structlog."""
        config = structlog.get_config()
        if config["processors"] is not self._processors:
            self._processors = config["processors"]
            self._logger = structlog.get_logger().new()
            self._lines = config["logger_factory"]()
        return self._logger

    def log_event(
        self, event: str, level: Literal["debug", "info"], fields: MutableMapping[str, Any]
    ) -> None:
        """
        Log an event with *fields*, which it changes.

        The loggers of structlog copy the fields four times, which costs as much as the line.
        """
        if self().is_enabled_for(LEVELS[level]):
            fields["event"] = event
            line: Any = fields
            try:
                for process in self._processors:
                    line = process(self._lines, level, line)
            except structlog.DropEvent:
                return
            getattr(self._lines, level)(line)


def _as_json(_: object, __: str, event: Mapping[str, Any]) -> str:
    """Return the line of an event; a processor of structlog."""
    return log_format.rendered(event, repr)


def identity_hash(key: bytes, identity: str) -> str:
    """Return the HMAC-SHA256 of an identity under *key*, as 64 hexadecimal digits."""
    return hmac.new(key, identity.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
