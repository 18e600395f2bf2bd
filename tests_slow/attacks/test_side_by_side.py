"""A well-behaved client beside hostile clients of every kind."""

import asyncio
from collections.abc import Callable

from tests_slow.attacks.hostile import hostile
from tests_slow.attacks.latency import check_unharmed, measured
from tests_slow.attacks.target import Target

MEASURED_FOR_S = 5.0


async def odd_targets(host: str, port: int, count: Callable[[], None]) -> None:
    """Send request targets that are refused, each on a connection of its own."""
    while True:
        for target in (b"/%76%31/user/profile", b"/v1/user/profile#x", b"ftp://o/v1/user/profile"):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
            count()


async def test_other_clients_are_unharmed(target: Target) -> None:
    """Beside hostile clients of every kind at once, p99 and the longest wait keep their bounds."""
    alone = await measured(target.url, for_s=MEASURED_FOR_S)
    async with hostile(target.host, target.port, odd_targets) as attackers:
        await attackers.at_work(rounds=10)
        attacked = await measured(target.url, for_s=MEASURED_FOR_S)

    print(f"alone {alone}; attacked {attacked}; rounds {attackers.rounds}")  # noqa: T201 -- the figures
    check_unharmed(alone, attacked)
