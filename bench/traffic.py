"""The requests of each case, in bytes."""

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from bench import profiles

PATH: Final = "/v1/user/profile"
IDENTITY: Final = "x-amzn-oidc-identity"
LENGTH: Final = struct.Struct("<I")  # before each request in a file of them


def request(
    method: str, path: str, headers: Mapping[str, str], body: Mapping[str, object] | None = None
) -> bytes:
    """Return a request as it arrives behind a load balancer."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: profiles.example.com",
        "User-Agent: bench",
        "Accept: application/json",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def reads_of_known_users() -> list[bytes]:
    """Return reads of users that occur repeatedly."""
    return [request("GET", PATH, {IDENTITY: sub}) for sub in profiles.known_users()]


def reads_of_new_users() -> list[bytes]:
    """Return a read that is sent for new users."""
    return [request("GET", PATH, {IDENTITY: profiles.HAS_PROFILE + profiles.NUMBER})]


def merges() -> list[bytes]:
    """Return POSTs to existing profiles."""
    return [
        request("POST", PATH, {IDENTITY: sub}, profiles.CHANGES) for sub in profiles.known_users()
    ]


def creations() -> list[bytes]:
    """Return a POST for new users, none of whom has a profile."""
    headers = {IDENTITY: profiles.HAS_NONE + profiles.NUMBER}
    return [request("POST", PATH, headers, profiles.CHANGES)]


def logins() -> list[bytes]:
    """Return password sign-ins."""
    return [
        request("POST", "/api/auth/login", {}, {"username": sub, "password": "Sundays-on-foot-1"})
        for sub in profiles.known_users()
    ]


def reads_by_bearer(tokens: Iterable[str]) -> list[bytes]:
    """Return reads, each with an access token."""
    return [request("GET", PATH, {"Authorization": f"Bearer {token}"}) for token in tokens]


def reads_behind_load_balancer(tokens: Mapping[str, str]) -> list[bytes]:
    """Return reads with a load balancer's token of each user."""
    return [
        request("GET", PATH, {IDENTITY: sub, "x-amzn-oidc-data": token})
        for sub, token in tokens.items()
    ]


def write(requests: Iterable[bytes], file: Path) -> None:
    """Write requests to a file for a load generator."""
    file.write_bytes(b"".join(LENGTH.pack(len(request)) + request for request in requests))


def read(file: Path) -> list[bytes]:
    """Return the requests of a file."""
    content = file.read_bytes()
    requests = []
    start = 0
    while start < len(content):
        (length,) = LENGTH.unpack_from(content, start)
        start += LENGTH.size
        requests.append(content[start : start + length])
        start += length
    return requests


def numbered(request: bytes, number: int) -> bytes:
    """Return the request with the user of that *number*, if it is for new users."""
    return request.replace(profiles.NUMBER.encode(), f"{number:0{profiles.DIGITS}x}".encode(), 1)
