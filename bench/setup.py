"""Starts everything that runs during a measurement, and checks that it answers as expected."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from typing import Final

from bench import profiles, servers, tokens, traffic
from bench.cases import Case, Keys
from bench.machine import Cores
from bench.process import Process, running
from bench.servers import Addresses

STARTS_WITHIN_S: Final = 30.0
POLL_S: Final = 0.01


class SetupFailed(Exception):
    """A program does not start or answer as expected, so nothing can be measured."""


@dataclass(frozen=True, slots=True)
class Start:
    """The time until the first response: by the clock, and of CPU."""

    clock_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Server:
    """A server that responds; *start* is unknown of a stub."""

    process: Process
    port: int
    start: Start = Start(0, 0)


@dataclass(frozen=True, slots=True)
class Setup:
    """The servers by name, and the file of requests of each case by the case's name."""

    servers: dict[str, Server]
    requests: dict[str, Path]
    behind: Addresses
    keys: Keys


@contextmanager
def setup(
    cases: Sequence[Case], cores: Cores, directory: Path, *, delay_ms: float
) -> Iterator[Setup]:
    """
    Start what *cases* need, check one response of each, and stop everything at the end.

    DynamoDB's answers are delayed by *delay_ms*. Raises SetupFailed.
    """
    keys = Keys(tokens.UserPool(), tokens.LoadBalancer())
    with ExitStack() as stack:
        behind = stubs(stack, cores, directory, keys, delay_ms)
        started = {
            name: started_server(stack, cores, name, behind)
            for name in dict.fromkeys(case.server for case in cases)
        }
        files = {}
        for number, case in enumerate(cases):
            requests = case.requests(keys)
            check(case, started[case.server].port, requests[0])
            files[case.name] = directory / f"{number}.requests"
            traffic.write(requests, files[case.name])
        yield Setup(started, files, behind, keys)


def check(case: Case, port: int, request: bytes) -> None:
    """Make one request of a case; raises SetupFailed if the response is not as expected."""
    status, body = ask(port, traffic.numbered(request, 1))
    if status != case.status:
        raise SetupFailed(f"{case.name}: {status} instead of {case.status}: {body[:500]!r}")
    if case.server == servers.FLOOR or not request.startswith(b"GET "):
        return
    answered = json.loads(body)
    expected = profiles.item(answered.get("userId"))
    if any(answered.get(name) != value for name, value in expected.items() if name != "version"):
        raise SetupFailed(f"{case.name}: not the user's profile: {body[:500]!r}")


def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """Return status and body of the response to one request."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        response = HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


def stubs(
    stack: ExitStack, cores: Cores, directory: Path, keys: Keys, delay_ms: float
) -> Addresses:
    """Start the stubs; DynamoDB's answers are delayed by *delay_ms*. Raises SetupFailed."""
    files = {
        "sign-in": keys.pool.sign_in(profiles.sub(0)),
        "jwks": keys.pool.jwks(),
        "pem": keys.balancer.pem(),
    }
    for name, content in files.items():
        (directory / name).write_bytes(content)
    sign_in, jwks, pem = (f"--{name}={directory / name}" for name in files)

    def started(name: str, *arguments: str) -> str:
        return f"http://127.0.0.1:{started_stub(stack, cores, name, *arguments).port}"

    return Addresses(
        dynamodb=started("dynamodb", f"--delay-ms={delay_ms}"),
        cognito=started("cognito", sign_in, jwks),
        key_server=started("key_server", f"--kid={tokens.BALANCER_KID}", pem),
    )


def started_stub(stack: ExitStack, cores: Cores, name: str, *arguments: str) -> Server:
    """Start a stub by the name of its module; raises SetupFailed."""
    program = servers.stub(name, *arguments)
    process = stack.enter_context(running(program, stdout=subprocess.PIPE))
    cores.pin_other(process.pid)
    port = process.first_line()
    if not port:
        raise SetupFailed(f"{program.name} does not start")
    return Server(process, int(port))


def started_server(stack: ExitStack, cores: Cores, name: str, behind: Addresses) -> Server:
    """Start the server with that name on the server's core; raises SetupFailed."""
    port = servers.free_port()
    with cores.starting_server():
        process = stack.enter_context(running(servers.program(name, port, behind)))
    return Server(process, port, ready(process, port))


def ready(process: Process, port: int) -> Start:
    """Wait for the first response to a health check, which may be 404; raises SetupFailed."""
    health = traffic.request("GET", "/health/ready", {})
    while time.perf_counter() < process.started_at + STARTS_WITHIN_S and process.is_running():
        try:
            status, _ = ask(port, health)
        except OSError:
            time.sleep(POLL_S)
            continue
        if status in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            return Start(time.perf_counter() - process.started_at, process.cpu_s())
        time.sleep(POLL_S)
    raise SetupFailed(f"{process.name} does not start")
