"""A scripted DynamoDB table on loopback that delays replies and returns errors."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from service.profile_store.items import CLAIM_SORT_KEY
from service.profile_store.queries import Key
from tests.profile_store.table import NOON_TEXT
from tests.support.serving import listening


@dataclass(slots=True)
class Call:
    """A call as it came."""

    operation: str
    body: dict[str, Any]

    @property
    def keys(self) -> list[Key]:
        """The keys of a read by keys."""
        if self.operation == "GetItem":
            return [_pair(self.body["Key"])]
        ((_, wanted),) = self.body["RequestItems"].items()
        return [_pair(key) for key in wanted["Keys"]]


@dataclass(slots=True)
class ScriptedTable:
    """
    Answers reads from *items* as they are when a call comes, not when its reply is sent.

    While *holding*, replies wait for `release`. Calls with *invalid* keys fail with
    ValidationException. *unprocessed* has an entry for each batch: the keys that are not read.
    *refusing* has an entry for each call: an exception, or the response to send instead.
    """

    url: str = ""
    items: dict[Key, dict[str, Any]] = field(default_factory=dict)
    holding: bool = False
    invalid: set[Key] = field(default_factory=set)
    unprocessed: list[Iterable[Key]] = field(default_factory=list)
    refusing: list[str | dict[str, Any] | None] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    in_flight: int = 0
    max_in_flight: int = 0
    disconnected: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _gates: list[asyncio.Event] = field(default_factory=list)

    def put(self, key: Key, **attributes: str) -> None:
        """Put an item of strings."""
        values = {name: {"S": text} for name, text in attributes.items()}
        self.items[key] = {"userId": {"S": key[0]}, "createdAt": {"S": key[1]}, **values}

    def put_profile(self, user_id: str) -> None:
        """Put a profile with the user id as its city, and its claim."""
        self.put((user_id, NOON_TEXT), city=user_id, writeId="w")
        self.put((user_id, CLAIM_SORT_KEY), claimedFor=NOON_TEXT, writeId="w")

    def release(self, calls: int | None = None) -> None:
        """Release the first *calls* delayed replies; without a number all, and delay no more."""
        if calls is None:
            self.holding = False
        for gate in self._gates[:calls]:
            gate.set()
        del self._gates[:calls]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until a condition is true; it is checked when a call comes or ends."""
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(is_so)

    async def arrived(self, count: int) -> None:
        """Wait until *count* calls have come."""
        await self.until(lambda: len(self.calls) >= count)

    @property
    def operations(self) -> list[str]:
        """The operations that were called, in order."""
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
            self.disconnected += 1
            raise
        finally:
            self.in_flight -= 1
            await self._changed()
        return web.json_response(answer, status=status)

    async def _changed(self, call: Call | None = None) -> None:
        async with self.news:
            if call is not None:
                self.calls.append(call)
                self.in_flight += 1
                self.max_in_flight = max(self.max_in_flight, self.in_flight)
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
        if self.invalid.intersection(call.keys):
            return {"__type": "com.amazon.coral.validate#ValidationException"}, 400
        if call.operation == "GetItem":
            item = self.items.get(call.keys[0])
            return ({} if item is None else {"Item": item}), 200
        ((table, wanted),) = call.body["RequestItems"].items()
        aside = {*self.unprocessed.pop(0)} if self.unprocessed else set()
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
    async with listening(web.ServerRunner(server, shutdown_timeout=0.1)) as table.url:
        yield table
