"""The limits on the connections of a server, and the response beyond them."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from service.api.middlewares.request_context import ANSWER_HEADERS, REQUEST_ID_HEADER
from service.api.problem_details import PROBLEM_JSON, envelope
from service.api.request_parsing import request_body
from service.config.settings import ServerConfig
from service.domain.errors import Overloaded
from service.observability.metrics.catalogue import Metrics

RETRY_AFTER_S: Final = 1


@dataclass(slots=True)
class ConnectionLimits:
    """How many connections may be *open*, how many are, and the time limits of each."""

    max_open: int
    header_timeout_s: float
    body_timeout_s: float
    write_timeout_s: float
    metrics: Metrics
    open: int = 0

    @classmethod
    def of(cls, config: ServerConfig, metrics: Metrics) -> "ConnectionLimits":
        """Return the configured limits; *metrics* show the open connections, and count refusals."""
        limits = cls(
            max_open=config.max_connections,
            header_timeout_s=config.header_timeout_s,
            body_timeout_s=config.body_timeout_s,
            write_timeout_s=config.write_timeout_s,
            metrics=metrics,
        )
        metrics.connections.set_function(lambda: limits.open)
        return limits


def overload_response(request_id: str) -> bytes:
    """Return the response to a connection beyond the limit, which closes."""
    body = request_body.dumps(envelope(Overloaded(), request_id))
    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {
        **ANSWER_HEADERS,
        REQUEST_ID_HEADER: request_id,
        "Retry-After": str(RETRY_AFTER_S),
        "Content-Type": PROBLEM_JSON,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode("ascii") + body
