"""The latencies of a well-behaved client, alone and beside hostile clients."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

SCHEMA = "/v1/user/profile/schema"  # through the whole application, without an upstream
INTERVAL_S = 0.01
GIVE_UP_S = 30.0
# The bounds of the threat model, on an idle machine.
P99_S = 0.100
LONGEST_S = 0.250
# Other work on the machine delays every client: so many times the latency alone is allowed for.
ALLOWANCE = 5.0


@dataclass(slots=True)
class Latencies:
    """The seconds that each response took, and the count of each outcome: a status or an exception."""

    seconds: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def percentile_s(self, share: float) -> float:
        """Return the latency that this share of all responses did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    @property
    def p50_s(self) -> float:
        """The median."""
        return self.percentile_s(0.50)

    @property
    def p99_s(self) -> float:
        """The 99th percentile."""
        return self.percentile_s(0.99)

    @property
    def longest_s(self) -> float:
        """The longest."""
        return max(self.seconds)

    def __str__(self) -> str:
        """Return the figures in milliseconds."""
        figures = (
            f"{name} {1_000 * value_s:.1f} ms"
            for name, value_s in (
                ("p50", self.p50_s),
                ("p99", self.p99_s),
                ("longest", self.longest_s),
            )
        )
        return f"{', '.join(figures)} of {len(self.seconds)}: {dict(self.outcomes)}"


async def measured(
    url: str,
    *,
    for_s: float,
    path: str = SCHEMA,
    headers: Mapping[str, str] | None = None,
    interval_s: float = INTERVAL_S,
) -> Latencies:
    """
    Send a GET every *interval_s* seconds, whether or not earlier ones have been served.

    A client that waited for each response would not notice a stall that delays a hundred others. The
    latency counts from the sending of a request, so a late start in this process does not add to it.
    """
    found = Latencies()
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=GIVE_UP_S)
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as client:
        await _get(client, path, headers, Latencies())  # the first request also opens a connection
        calls: list[asyncio.Task[None]] = []
        end = time.monotonic() + for_s
        while time.monotonic() < end:
            calls.append(asyncio.create_task(_get(client, path, headers, found)))
            await asyncio.sleep(interval_s)
        await asyncio.gather(*calls)
    return found


async def _get(
    client: aiohttp.ClientSession, path: str, headers: Mapping[str, str] | None, found: Latencies
) -> None:
    begun = time.monotonic()
    try:
        async with client.get(path, headers=headers) as answer:
            await answer.read()
            outcome = str(answer.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        outcome = type(error).__name__
    found.seconds.append(time.monotonic() - begun)
    found.outcomes[outcome] += 1


def is_unharmed(alone: Latencies, attacked: Latencies) -> bool:
    """Return whether every call was 200, within the bounds and the machine's allowance."""
    return (
        attacked.outcomes.keys() == {"200"}
        and attacked.p99_s <= P99_S + ALLOWANCE * alone.p99_s
        and attacked.longest_s <= LONGEST_S + ALLOWANCE * alone.longest_s
    )
