"""Bodies that are small as sent and large when inflated, or that are not needed."""

import asyncio
import gzip
from collections.abc import Callable
from typing import Final

import pytest

from tests_slow.attacks.hostile import Attack, hostile
from tests_slow.attacks.latency import check_unharmed, measured
from tests_slow.attacks.target import Target

MEASURED_FOR_S: Final = 5.0
SENDERS: Final = 8
BOMB: Final = gzip.compress(bytes(255_000_000))  # 248 KB: less than the largest body
HOST: Final = b" HTTP/1.1\r\nHost: localhost\r\n"
ZIPPED: Final = (
    b"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
    % (len(BOMB), BOMB)
)


async def _sent(host: str, port: int, request: bytes, count: Callable[[], None]) -> None:
    """Send *request* forever, on one connection while it is kept."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        while True:
            writer.write(request)
            await reader.readuntil(b"\r\n\r\n")
            count()
    finally:
        writer.close()


async def bomb_of_sign_in(host: str, port: int, count: Callable[[], None]) -> None:
    """Send it to a public route with a body."""
    await _sent(host, port, b"POST /api/auth/challenge" + HOST + ZIPPED, count)


async def bomb_of_nothing(host: str, port: int, count: Callable[[], None]) -> None:
    """Send it to an unknown path."""
    await _sent(host, port, b"POST /nowhere" + HOST + ZIPPED, count)


async def bomb_of_health(host: str, port: int, count: Callable[[], None]) -> None:
    """Send it to a route without a body."""
    await _sent(host, port, b"GET /health/live" + HOST + ZIPPED, count)


async def bomb_of_nobody(host: str, port: int, count: Callable[[], None]) -> None:
    """Send it without authentication."""
    await _sent(host, port, b"PUT /v1/user/profile" + HOST + ZIPPED, count)


async def flood(host: str, port: int, count: Callable[[], None]) -> None:
    """Send an endless body to a route without a body."""
    reader, writer = await asyncio.open_connection(host, port)
    piece = bytes(262_144)
    try:
        writer.write(b"GET /health/live" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        count()
        while True:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
    finally:
        writer.transport.abort()


BOMBS: Final[dict[str, tuple[Attack, ...]]] = {
    "sign-in": (bomb_of_sign_in,) * SENDERS,
    "all": (bomb_of_sign_in, bomb_of_nothing, bomb_of_health, bomb_of_nobody) * 2,
    "floods": (flood,) * SENDERS,
}


@pytest.mark.parametrize("kind", BOMBS)
async def test_bombs_do_not_delay_others(target: Target, kind: str) -> None:
    """Beside eight senders of bombs or of endless bodies, other clients keep their latency limits."""
    alone = await measured(target.url, for_s=MEASURED_FOR_S)
    async with hostile(target.host, target.port, *BOMBS[kind]) as attackers:
        await attackers.at_work(rounds=2 * SENDERS)
        attacked = await measured(target.url, for_s=MEASURED_FOR_S)

    print(f"alone {alone}; attacked {attacked}; rounds {attackers.rounds}")  # noqa: T201 -- the figures
    check_unharmed(alone, attacked)
