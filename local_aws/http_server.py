"""Serve a WSGI application with keep-alive connections that never hold up the stop."""

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler

if TYPE_CHECKING:  # _typeshed exists for type checkers only
    from _typeshed.wsgi import StartResponse, WSGIApplication

POLL_INTERVAL_S = 0.02  # how soon a stop is noticed; socketserver's own is 0.5


class KeepAliveHandler(MotoRequestHandler):
    """Answer requests one after another on one connection.

    Werkzeug closes each connection because an application may leave part of a body unread.
    Here the body is read before the application is called, so nothing can be left.
    """

    server: "KeepAliveServer"  # type: ignore[assignment]  # -- werkzeug's own server is not used
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one packet: no wait for a delayed ACK
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Read one whole request, and write one whole answer."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            self.close_connection = True
            return
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self.rfile.read(int(length)))
        status, headers, body = _call(self.server.app, environ)
        self.send_response(int(status.split()[0]), status.partition(" ")[2])
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ANN401 -- werkzeug's signature
        """Write nothing: an access log would bury the announced codes."""


def _call(app: "WSGIApplication", environ: dict[str, Any]) -> tuple[str, list[Any], bytes]:
    started: list[tuple[str, list[Any]]] = []

    def start(status: str, headers: list[Any], _error: object = None) -> Any:  # noqa: ANN401 -- WSGI's
        started.append((status, headers))

    start_response: StartResponse = start
    body = b"".join(app(environ, start_response))
    return (*started[-1], body)


class KeepAliveServer(ThreadingMixIn, TCPServer):
    """Run one thread for each connection, and end them all with the server."""

    allow_reuse_address = True
    daemon_threads = False  # so that server_close() joins them
    request_queue_size = 128
    # What werkzeug's handler asks of its server:
    ssl_context = None
    multithread = True
    multiprocess = False
    _server_version = "local-aws"

    def __init__(self, host: str, port: int, app: "WSGIApplication") -> None:
        self.app = app
        self._connections: set[socket.socket] = set()
        super().__init__((host, port), KeepAliveHandler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- socketserver's
        """Remember the connection before its thread starts."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 -- socketserver's
        """Forget the connection, and close it."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Hang up on clients that keep their connection, then join the threads."""
        for connection in tuple(self._connections):
            with suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RD)
        super().server_close()


@contextmanager
def serving(host: str, port: int, app: "WSGIApplication") -> Iterator[int]:
    """Serve *app* from a thread, and give the port that was bound."""
    server = KeepAliveServer(host, port, app)
    thread = threading.Thread(
        target=server.serve_forever, args=(POLL_INTERVAL_S,), name="local-aws", daemon=True
    )
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reachable(host: str) -> str:
    """Return how programs on this machine address what listens on *host*."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 -- compared
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"  # noqa: S104 -- compared
    return f"[{host}]" if ":" in host else host
