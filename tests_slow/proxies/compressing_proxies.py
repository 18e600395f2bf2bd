"""Reverse proxies that compress responses, as programs with a configuration made for one upstream."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from tests.api.raw_http import until

PATH: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
FREE_PORT_TRIES: Final = 3  # another program may take the port between its choice and its use
APACHE_MODULES: Final = Path("/usr/lib/apache2/modules")
LIGHTTPD_MODULE: Final = Path("/usr/lib/lighttpd/mod_deflate.so")
CONFIGURATION: Final = "proxy.conf"

# Returns the text of the configuration for a folder, the proxy's own port and the upstream's.
Configuration: TypeAlias = Callable[[Path, int, int], str]


@dataclass(frozen=True, slots=True)
class Proxy:
    """
    A proxy of one kind.

    *arguments* are those of its program, in which {folder} and {port} are replaced. *module* is the part
    that compresses, where that is a package of its own.
    """

    name: str
    program: str
    arguments: tuple[str, ...]
    configuration: Configuration
    module: Path | None = None

    @property
    def executable(self) -> str | None:
        """The path of its program, None where it is not installed."""
        if self.module is not None and not self.module.exists():
            return None
        return shutil.which(self.program, path=PATH)


def _nginx(folder: Path, port: int, upstream: int) -> str:
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
        daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}
        http {{
          access_log off; {temporary}
          gzip on; gzip_proxied any; gzip_types application/json; gzip_min_length 1;
          server {{
            listen 127.0.0.1:{port};
            location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; }}
          }}
        }}
    """


def _haproxy(_: Path, port: int, upstream: int) -> str:
    return f"""
defaults
  mode http
  timeout connect 20s
  timeout client 20s
  timeout server 20s
frontend clients
  bind 127.0.0.1:{port}
  compression algo gzip
  compression type application/json
  default_backend service
backend service
  server service 127.0.0.1:{upstream}
"""


def _apache(folder: Path, port: int, upstream: int) -> str:
    modules = "".join(
        f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so\n"
        for name in ("mpm_event", "authz_core", "proxy", "proxy_http", "deflate")
    )
    return f"""
ServerName localhost
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog /dev/stderr
{modules}
User nobody
Group nogroup
Listen 127.0.0.1:{port}
ProxyPass / http://127.0.0.1:{upstream}/
SetOutputFilter DEFLATE
"""


def _varnish(_: Path, __: int, upstream: int) -> str:
    return f"""
vcl 4.0;
backend service {{ .host = "127.0.0.1"; .port = "{upstream}"; }}
sub vcl_backend_response {{ set beresp.do_gzip = true; }}
"""


def _lighttpd(folder: Path, port: int, upstream: int) -> str:
    return f"""
server.modules = ("mod_proxy", "mod_deflate")
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
proxy.server = ("" => (("host" => "127.0.0.1", "port" => {upstream})))
deflate.mimetypes = ("application/json")
deflate.allowed-encodings = ("gzip")
deflate.min-compress-size = 1
"""


def _caddy(_: Path, port: int, upstream: int) -> str:
    return f"""
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  encode gzip {{
    minimum_length 1
  }}
  reverse_proxy 127.0.0.1:{upstream}
}}
"""


PROXIES: Final = (
    Proxy("nginx", "nginx", ("-e", "stderr", "-p", "{folder}", "-c", CONFIGURATION), _nginx),
    Proxy("haproxy", "haproxy", ("-db", "-f", CONFIGURATION), _haproxy),
    Proxy(
        "apache",
        "apache2",
        ("-X", "-f", "{folder}/proxy.conf"),
        _apache,
        APACHE_MODULES / "mod_deflate.so",
    ),
    Proxy(
        "varnish",
        "varnishd",
        (
            *("-F", "-f", "{folder}/proxy.conf", "-a", "127.0.0.1:{port}"),
            *("-n", "{folder}/varnish", "-s", "malloc,16m", "-j", "none"),
        ),
        _varnish,
    ),
    Proxy("lighttpd", "lighttpd", ("-D", "-f", CONFIGURATION), _lighttpd, LIGHTTPD_MODULE),
    Proxy(
        "caddy",
        "caddy",
        ("run", "--config", CONFIGURATION, "--adapter", "caddyfile"),
        _caddy,
    ),
)


@asynccontextmanager
async def running_proxy(proxy: Proxy, upstream: int, folder: Path) -> AsyncIterator[int]:
    """Start *proxy* in front of the server at port *upstream*; yield its port once it listens."""
    for attempt in range(FREE_PORT_TRIES):
        place = folder / str(attempt)
        place.mkdir()
        port = _free_port()
        process = await _started(proxy, place, port, upstream)
        try:
            if await _listens(process, port):
                yield port
                return
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
    raise AssertionError((folder / f"{FREE_PORT_TRIES - 1}/log").read_text(encoding="utf-8"))


async def _started(
    proxy: Proxy, folder: Path, port: int, upstream: int
) -> asyncio.subprocess.Process:
    assert proxy.executable is not None
    text = proxy.configuration(folder, port, upstream)
    (folder / CONFIGURATION).write_text(text, encoding="utf-8")
    environ: Mapping[str, str] = {"PATH": PATH, "HOME": str(folder)}
    arguments = [
        argument.format(folder=folder, port=port) if "{" in argument else argument
        for argument in proxy.arguments
    ]
    with (folder / "log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            proxy.executable, *arguments, cwd=folder, env=environ, stdout=log, stderr=log
        )


async def _listens(process: asyncio.subprocess.Process, port: int) -> bool:
    """Wait until the process listens or has ended; return whether it listens."""
    await until(lambda: process.returncode is not None or _is_listening(port))
    return process.returncode is None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port


def _is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
