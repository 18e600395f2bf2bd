"""Spellings of paths and hosts that a load balancer's rule may not match."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from service.api.routes import all_routes
from tests.api.raw_http import Heard, exchange
from tests.support.accounts import new_user
from tests_slow.attacks.target import Resources, Target, serve_process
from tests_slow.commands.running import running

SPELLINGS: Final[Mapping[str, Callable[[str], str]]] = {
    "unreserved characters encoded": lambda path: f"/%{ord(path[1]):02x}{path[2:]}",
    "the last character encoded": lambda path: f"{path[:-1]}%{ord(path[-1]):02X}",
    "everything encoded": lambda path: "/" + "".join(f"%{ord(each):02X}" for each in path[1:]),
    "encoded twice": lambda path: f"/%25{ord(path[1]):02x}{path[2:]}",
    "a slash encoded": lambda path: f"/{path[1:].replace('/', '%2F', 1)}%2F",
    "all slashes encoded": lambda path: path.replace("/", "%2f"),
    "backslashes": lambda path: path.replace("/", "\\"),
    "a backslash encoded": lambda path: f"{path}%5C",
    "a fragment": lambda path: f"{path}#x",
    "a fragment after a query": lambda path: f"{path}?a#x",
    "another scheme": lambda path: f"ftp://other{path}",
    "a scheme without a host": lambda path: f"http:{path}",
    "userinfo": lambda path: f"http://user@localhost{path}",
    "absolute, encoded": lambda path: f"http://localhost/%{ord(path[1]):02x}{path[2:]}",
    "two slashes": lambda path: f"/{path}",
    "two slashes inside": lambda path: path[0] + path[1:].replace("/", "//", 1) + "//",
    "a slash at the end": lambda path: f"{path}/",
    "a dot segment": lambda path: f"/.{path}",
    "a dot segment at the end": lambda path: f"{path}/.",
    "up and down": lambda path: f"/x/..{path}",
    "up and down, encoded": lambda path: f"/x/%2e%2e{path}",
    "dots with a parameter": lambda path: f"/x/..;{path}",
    "a parameter": lambda path: f"{path};a=b",
    "an empty parameter": lambda path: f"{path};",
    "a dot at the end": lambda path: f"{path}.",
    "a dot at the end, encoded": lambda path: f"{path}%2E",
    "a space at the end, encoded": lambda path: f"{path}%20",
    "NUL at the end": lambda path: f"{path}\0",
    "NUL at the end, encoded": lambda path: f"{path}%00",
    "a tab at the end": lambda path: f"{path}\t",
    "a tab at the end, encoded": lambda path: f"{path}%09",
    "a line feed at the end, encoded": lambda path: f"{path}%0A",
    "capitals": lambda path: path.upper(),
    "one capital": lambda path: f"/{path[1].upper()}{path[2:]}",
    "overlong": lambda path: f"/%c1%{ord(path[1]) - 0x40 + 0x80:02x}{path[2:]}",
    "overlong slash": lambda path: f"{path}%c0%af",
    "four digits": lambda path: f"/%u00{ord(path[1]):02x}{path[2:]}",
    "half an escape": lambda path: f"{path}%",
    "no escape": lambda path: f"{path}%zz",
    "full width": lambda path: f"/%EF%BD%{0x80 + ord(path[1]) - 0x60:02X}{path[2:]}",
    "a byte order mark": lambda path: f"/%EF%BB%BF{path[1:]}",
    "no slash": lambda path: path[1:],
    "a question mark encoded": lambda path: f"{path}%3Fa",
}
PATHS = sorted((route.method, route.path) for route, _ in all_routes() if "{" not in route.path)


@asynccontextmanager
async def _local(folder: Path, **environ: str) -> AsyncIterator[int]:
    """Run `python -m service local`, as `make run` does; yields the port."""
    own = {"SERVER_PORT": "0", **environ}
    async with running("local", folder=folder, environ=own) as program:
        url = (await program.until("The API listens on")).split()[4]
        yield int(url.rpartition(":")[2])


async def _sent(port: int, method: str, target: str, host: str = "localhost") -> Heard:
    """Send a request of a new user."""
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nx-amzn-oidc-identity: {new_user()}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    return await exchange(port, head.encode("latin-1"))


async def test_every_route_has_one_spelling(target: Target) -> None:
    """Another spelling of any path is 400 or 404, and no line of the log names a route."""
    before = len(target.events("request_finished"))
    for name, spelling in SPELLINGS.items():
        for method, path in PATHS:
            if path == "/":  # has no letter that could be spelled otherwise
                continue
            (answer,) = (await _sent(target.port, method, spelling(path))).answers
            assert answer.status in {400, 404}, (name, method, path, answer)
            assert answer.code in {"malformed_request", "route_not_found"}, (name, method, path)

    assert not [event for event in target.events("request_finished")[before:] if event["route"]]


async def test_parameter_has_one_spelling(target: Target) -> None:
    """A parameter that encodes an unreserved character, or contains a separator, is 400."""
    for name in ("%61", "a%2D", "a%2Fb", "a%5Cb", "a;b", "a%00", "a%ff", "a%", "..", "%2e%2e", "."):
        for method, folder in (("GET", "/docs"), ("DELETE", "/api/auth/passkeys")):
            (answer,) = (await _sent(target.port, method, f"{folder}/{name}")).answers
            assert (answer.status, answer.code) == (400, "malformed_request"), (folder, name)


async def test_documented_spelling_reaches_its_route(target: Target) -> None:
    """The same requests with the documented path are served or refused by their routes."""
    for method, path in PATHS:
        (answer,) = (await _sent(target.port, method, path)).answers
        assert answer.code not in {"malformed_request", "route_not_found"}, (method, path)


async def test_unlisted_host_is_refused(resources: Resources, tmp_path: Path) -> None:
    """With allowed-hosts, a request for another host is 400, unless it is a health check."""
    with serve_process(resources, tmp_path, {"server": {"allowed-hosts": "localhost"}}) as target:
        path = "/v1/user/profile"
        for host, target_ in (("evil.example", path), ("localhost", f"http://evil.example{path}")):
            (answer,) = (await _sent(target.port, "GET", target_, host)).answers
            assert (answer.status, answer.code) == (400, "malformed_request")
        (served,) = (await _sent(target.port, "GET", path)).answers
        (health,) = (await _sent(target.port, "GET", "/health/live", "10.0.0.7")).answers

    assert (served.code, health.status) == ("profile_not_found", 200)


async def test_rebound_host_does_not_reach_make_run(tmp_path: Path) -> None:
    """`make run` serves the loopback names, and more hosts where the environment lists them."""
    path = "/v1/user/profile"
    async with _local(tmp_path) as port:
        (rebound,) = (await _sent(port, "GET", path, f"evil.example:{port}")).answers
        own = [
            (await _sent(port, "GET", path, host)).answers[0].code
            for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}")
        ]
    async with _local(tmp_path, SERVER_ALLOWED_HOSTS="laptop.example") as port:
        (listed,) = (await _sent(port, "GET", path, "laptop.example")).answers

    assert (rebound.status, rebound.code) == (400, "malformed_request")
    assert own == ["profile_not_found"] * 3
    assert listed.code == "profile_not_found"
