"""A table on loopback that does what a test says: it holds replies, leaves keys aside, and refuses."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from service.profile_store.queries import Key


@dataclass(slots=True)
class Call:
    """A call as it came."""

    operation: str
    body: dict[str, Any]

    @property
    def keys(self) -> list[Key]:
        """The keys that a read by keys asks for."""
        if self.operation == "GetItem":
            return [_pair(self.body["Key"])]
        ((_, wanted),) = self.body["RequestItems"].items()
        return [_pair(key) for key in wanted["Keys"]]


@dataclass(slots=True)
class ScriptedTable:
    """
    Answers reads out of *items*, as these are when a call comes, not when its reply is let go.

    While *holding*, replies wait for `release`. *poisoned* keys make every call for them fail with
    ValidationException. *left_aside* has an entry a batch: the keys that come back unprocessed.
    *refusing* has an entry a call: the exception, or the answer itself, in place of the answer.
    """

    url: str = ""
    items: dict[Key, dict[str, Any]] = field(default_factory=dict)
    holding: bool = False
    poisoned: set[Key] = field(default_factory=set)
    left_aside: list[Iterable[Key]] = field(default_factory=list)
    refusing: list[str | dict[str, Any] | None] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    hung_up: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _gates: list[asyncio.Event] = field(default_factory=list)

    def put(self, key: Key, **attributes: str) -> None:
        """Put an item of strings."""
        values = {name: {"S": text} for name, text in attributes.items()}
        self.items[key] = {"userId": {"S": key[0]}, "createdAt": {"S": key[1]}, **values}

    def release(self, calls: int | None = None) -> None:
        """Let go of the first replies that wait; of all, and hold no more, unless a number is given."""
        if calls is None:
            self.holding = False
        for gate in self._gates[:calls]:
            gate.set()
        del self._gates[:calls]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; it is looked at whenever a call comes or ends."""
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(is_so)

    async def arrived(self, count: int) -> None:
        """Wait until so many calls have come."""
        await self.until(lambda: len(self.calls) >= count)

    @property
    def operations(self) -> list[str]:
        """The operations that were asked for, in order."""
        return [call.operation for call in self.calls]

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a call."""
        operation = request.headers["X-Amz-Target"].split(".")[1]
        call = Call(operation, json.loads(await request.read()))
        answer, status = self._answer(call)
        await self._changed(call)
        try:
            if self.holding:
                gate = asyncio.Event()
                self._gates.append(gate)
                await gate.wait()
        except asyncio.CancelledError:
            self.hung_up += 1
            raise
        finally:
            self.under_way -= 1
            await self._changed()
        return web.json_response(answer, status=status)

    async def _changed(self, call: Call | None = None) -> None:
        async with self.news:
            if call is not None:
                self.calls.append(call)
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
            self.news.notify_all()

    def _answer(self, call: Call) -> tuple[dict[str, Any], int]:
        refusal = self.refusing.pop(0) if self.refusing else None
        if isinstance(refusal, dict):
            return refusal, 200
        if refusal is not None:
            return {"__type": refusal}, 500 if refusal == "InternalServerError" else 400
        if call.operation == "Query":
            user_id = call.body["ExpressionAttributeValues"][":userId"]["S"]
            sound = [
                key
                for key, item in self.items.items()
                if key[0] == user_id
                and (item.get("userId"), item.get("createdAt")) == ({"S": key[0]}, {"S": key[1]})
            ]
            return {"Items": [self.items[key] for key in sorted(sound)]}, 200
        if self.poisoned.intersection(call.keys):
            return {"__type": "com.amazon.coral.validate#ValidationException"}, 400
        if call.operation == "GetItem":
            item = self.items.get(call.keys[0])
            return ({} if item is None else {"Item": item}), 200
        ((table, wanted),) = call.body["RequestItems"].items()
        aside = {*self.left_aside.pop(0)} if self.left_aside else set()
        read = [key for key in call.keys if key not in aside]
        left = {**wanted, "Keys": [key for key in wanted["Keys"] if _pair(key) in aside]}
        return {
            "Responses": {table: [self.items[key] for key in reversed(read) if key in self.items]},
            "UnprocessedKeys": {table: left} if left["Keys"] else {},
        }, 200


def _pair(key: dict[str, Any]) -> Key:
    return key["userId"]["S"], key["createdAt"]["S"]


@asynccontextmanager
async def scripted_table() -> AsyncIterator[ScriptedTable]:
    """Serve a table on a free port of loopback."""
    table = ScriptedTable()
    server = web.Server(table.serve, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    table.url = f"http://{host}:{port}"
    try:
        yield table
    finally:
        await runner.cleanup()
