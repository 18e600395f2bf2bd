"""How many connections may be open at once, and how long each may take to say what it wants."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from service.api import request_body
from service.api.keys import Dependency, ServerLoad
from service.api.middlewares.request_context import ANSWER_HEADERS, REQUEST_ID_HEADER
from service.api.problem_details import PROBLEM_JSON, envelope
from service.config.settings import ServerConfig
from service.domain.errors import Overloaded
from service.observability.metrics.catalogue import Metrics

# What a connection is waited for, beside the body of a request: the next one's beginning, its header.
NEXT: Final = object()
HEADER: Final = object()
RETRY_AFTER_S: Final = 1


@dataclass(slots=True)
class Connections:
    """The limits of one server's connections, and how many are *open*; *load* is what it serves."""

    most: int
    header_s: float
    body_s: float
    write_s: float
    keep_s: float
    most_in_flight: int
    open: int = 0
    metrics: Metrics = field(default_factory=Metrics)
    load: ServerLoad = field(default_factory=ServerLoad)

    @classmethod
    def of(cls, config: ServerConfig) -> "Connections":
        """Return the limits that the configuration sets."""
        return cls(
            config.max_connections,
            config.header_timeout_s,
            config.body_timeout_s,
            config.write_timeout_s,
            config.keep_alive_s,
            config.max_in_flight,
        )

    def is_full(self, needs: Dependency) -> bool:
        """Tell whether one more request of its kind would be too many, and its connection may be kept."""
        in_flight = self.load.slots[needs].in_flight
        return in_flight >= self.most_in_flight and not self.load.draining

    def count_in(self, metrics: Metrics) -> None:
        """Let *metrics* tell how many are open, and what was refused before the application."""
        self.metrics = metrics
        metrics.connections.set_function(lambda: self.open)


def overload_response(request_id: str, *, closes: bool = True) -> bytes:
    """Return the answer to a connection, or a request, that is one too many, whatever it asks."""
    body = request_body.dumps(envelope(Overloaded(), request_id))
    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {
        **ANSWER_HEADERS,
        REQUEST_ID_HEADER: request_id,
        "Retry-After": str(RETRY_AFTER_S),
        "Content-Type": PROBLEM_JSON,
        "Content-Length": str(len(body)),
        **({"Connection": "close"} if closes else {}),
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode("ascii") + body
