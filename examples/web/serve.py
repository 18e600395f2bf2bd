"""
Serves the example, and a service with a local AWS that its pages may call.

    make example

SERVER_PORT is the port of the service (8080), EXAMPLE_PORT that of the page (5173).
"""

import functools
import os
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = 5173  # among the redirect URIs of the local AWS


class _Handler(SimpleHTTPRequestHandler):
    """Files that browsers revalidate; requests are not logged."""

    def end_headers(self) -> None:
        """Add the header."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Do nothing."""


def serve(port: int) -> ThreadingHTTPServer:
    """Serve this folder on *port* of the loopback address in a thread."""
    handler = functools.partial(_Handler, directory=str(Path(__file__).parent))
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> int:
    """Run both until Ctrl-C; return the exit status of the service."""
    port = int(os.environ.get("EXAMPLE_PORT", PORT))
    try:
        server = serve(port)
    except OSError as error:
        sys.stderr.write(f"Cannot listen on port {port}: {error.strerror}. Set EXAMPLE_PORT.\n")
        return 2
    origin = f"http://localhost:{server.server_port}"
    api = f"http://localhost:{os.environ.get('SERVER_PORT', '8080')}"
    sys.stdout.write(f"The example is at {origin}/?api={api}\n")
    sys.stdout.flush()
    settings = {
        "CORS_ALLOWED_ORIGINS": origin,
        "FEDERATION_REDIRECT_URIS": f"{origin}/",
        "PROFILE_HISTORY_DAYS": "30",
    }
    command = [sys.executable, "-m", "service", "local"]
    with subprocess.Popen(command, env={**settings, **os.environ}) as service:  # noqa: S603 -- as above
        try:
            return service.wait()
        except KeyboardInterrupt:  # the service has it, too
            return service.wait()


if __name__ == "__main__":
    sys.exit(main())
