"""Reads by keys that a test answers one by one, in any order."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from service.profile_store import items
from service.profile_store.items import Item
from service.profile_store.queries import Key, KeyReadResult


def item_at(key: Key, state: str = "") -> Item:
    """Return an item with its key and the *state* in which it was read."""
    return {**items.key(*key), "state": {"S": state}}


@dataclass(slots=True)
class Call:
    """A call that waits for its answer."""

    keys: Sequence[Key]
    reply: asyncio.Future[KeyReadResult]

    def answer(self, *, unprocessed: Collection[Key] = (), without: Collection[Key] = ()) -> None:
        """Answer with an item at each key, but for some."""
        missing = {*unprocessed, *without}
        found = {key: item_at(key) for key in self.keys if key not in missing}
        self.reply.set_result(KeyReadResult(found, unprocessed))

    def fail(self, error: Exception) -> None:
        """Answer with an error."""
        self.reply.set_exception(error)


@dataclass(slots=True)
class ScriptedReads:
    """The read function of a batch reader: each call waits until the test answers it."""

    calls: list[Call] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, keys: Sequence[Key]) -> KeyReadResult:
        """Wait for the test's answer."""
        call = Call(keys, asyncio.get_running_loop().create_future())
        self.calls.append(call)
        self._news.set()
        return await call.reply

    async def arrived(self, count: int) -> None:
        """Wait until *count* calls have been made."""
        await self.until(lambda: len(self.calls) >= count)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until a condition is true; it is checked at each call."""
        async with asyncio.timeout(10):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    @property
    def keys(self) -> list[list[Key]]:
        """The keys of each call that came."""
        return [[*call.keys] for call in self.calls]
