"""A WSGI server with keep-alive connections that do not delay its stop."""

import errno
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

POLL_INTERVAL_S = 0.02  # how often the server checks for a stop; socketserver's default is 0.5


class KeepAliveHandler(MotoRequestHandler):
    """
    Answers requests one after another on one connection.

    Werkzeug closes each connection because an application may leave part of a body unread. Here the body
    is read before the application is called.
    """

    server: "KeepAliveServer"  # type: ignore[assignment]  # -- werkzeug's own server is not used
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet avoid the wait for a delayed ACK
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Read one whole request, and write one whole response."""
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
        """Write nothing: an access log would bury the codes on the console."""


def _call(app: "WSGIApplication", environ: dict[str, Any]) -> tuple[str, list[Any], bytes]:
    started: list[tuple[str, list[Any]]] = []

    def start(status: str, headers: list[Any], _error: object = None) -> Any:  # noqa: ANN401 -- WSGI's
        started.append((status, headers))

    start_response: StartResponse = start
    body = b"".join(app(environ, start_response))
    return (*started[-1], body)


class KeepAliveServer(ThreadingMixIn, TCPServer):
    """A server with one thread for each connection; closing it ends them all."""

    allow_reuse_address = True
    daemon_threads = False  # so that server_close() joins them
    request_queue_size = 128
    # Read by werkzeug's handler:
    ssl_context = None
    multithread = True
    multiprocess = False
    _server_version = "local-aws"

    def __init__(self, host: str, port: int, app: "WSGIApplication") -> None:
        self.app = app
        self._connections: set[socket.socket] = set()
        super().__init__((host, port), KeepAliveHandler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- socketserver's
        """Register the connection before its thread starts."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 -- socketserver's
        """Forget the connection, and close it."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Close the connections that are kept alive, then join the threads."""
        for connection in tuple(self._connections):
            with suppress(OSError):  # the client has closed it already
                connection.shutdown(socket.SHUT_RD)
        super().server_close()


@contextmanager
def serving(host: str, port: int, app: "WSGIApplication") -> Iterator[int]:
    """
    Serve *app* from a thread until the block ends; yields the bound port.

    Raises OSError where the address cannot be bound.
    """
    try:
        server = KeepAliveServer(host, port, app)
    except OverflowError:
        raise OSError(errno.EINVAL, "a port is a number from 0 to 65535") from None
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
    """Return the host to connect to for a server that listens on *host*."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 -- compared
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"  # noqa: S104 -- compared
    return f"[{host}]" if ":" in host else host
