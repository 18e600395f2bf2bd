"""Hostile clients in separate processes, where they do not delay the client that measures."""

import asyncio
import multiprocessing
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from multiprocessing.sharedctypes import Synchronized
from typing import TypeAlias

NICENESS = 10  # the attackers' own machine is not the service's
PATIENCE_S = 60.0

# Attacks (host, port) endlessly and calls its last argument after each round. It is a function of a
# module, which the new process imports.
Attack: TypeAlias = Callable[[str, int, Callable[[], None]], Awaitable[None]]


class Hostile:
    """Running attackers; *rounds* counts what they have sent."""

    def __init__(self, rounds: "Synchronized[int]") -> None:
        self._rounds = rounds

    @property
    def rounds(self) -> int:
        """The rounds of all attackers."""
        return self._rounds.value

    async def at_work(self, rounds: int) -> None:
        """Wait until all attackers have made so many rounds."""
        async with asyncio.timeout(PATIENCE_S):
            while self.rounds < rounds:  # noqa: ASYNC110 -- another process counts
                await asyncio.sleep(0.01)


@asynccontextmanager
async def hostile(host: str, port: int, *attacks: Attack) -> AsyncIterator[Hostile]:
    """Run each of *attacks* in a process of its own until the block ends."""
    context = multiprocessing.get_context("spawn")
    rounds = context.Value("q", 0)
    processes = [
        context.Process(target=_attack, args=(attack, host, port, rounds), daemon=True)
        for attack in attacks
    ]
    for process in processes:
        process.start()
    try:
        yield Hostile(rounds)
        for attack, process in zip(attacks, processes, strict=True):
            assert process.is_alive(), f"{attack.__name__} has ended"
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            await asyncio.to_thread(process.join)


def _attack(attack: Attack, host: str, port: int, rounds: "Synchronized[int]") -> None:
    os.nice(NICENESS)

    def count() -> None:
        with rounds.get_lock():
            rounds.value += 1

    asyncio.run(_repeated(attack, host, port, count))


async def _repeated(attack: Attack, host: str, port: int, count: Callable[[], None]) -> None:
    """Attack again whenever the service closes the connection."""
    while True:
        began = time.monotonic()
        with suppress(OSError, asyncio.IncompleteReadError):
            await attack(host, port, count)
        if time.monotonic() - began < 0.001:
            await asyncio.sleep(0.001)
