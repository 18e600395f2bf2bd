"""Clients that read and write profiles through every process and record the calls."""

import asyncio
import itertools
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

from service.domain.profiles import SYSTEM_FIELDS
from tests_slow.linearizability.client import PATIENCE_S, Answer, NeverSent, NoAnswer, call
from tests_slow.linearizability.cluster import Cluster, Fate, Life
from tests_slow.linearizability.history import (
    Condition,
    Existence,
    Method,
    Operation,
    Outcome,
    Snapshot,
)

PATH: Final = "/v1/user/profile"
FIELDS: Final = ("city", "region", "nickname")

OUTCOMES: Final[Mapping[int, Outcome]] = {
    HTTPStatus.OK: Outcome.DONE,
    HTTPStatus.CREATED: Outcome.CREATED,
    HTTPStatus.NO_CONTENT: Outcome.DONE,
    HTTPStatus.NOT_MODIFIED: Outcome.DONE,
    HTTPStatus.NOT_FOUND: Outcome.MISSING,
    HTTPStatus.PRECONDITION_FAILED: Outcome.REFUSED,
}
LEFT_OPEN: Final = {"upstream_unavailable", "upstream_fault", "deadline_exceeded"}
NOTHING_DONE: Final = {"profile_changed"}  # as the service says; the history shows if it lies

# In a hundred calls.
METHODS: Final[Mapping[Method, int]] = {
    Method.READ: 35,
    Method.REPLACE: 15,
    Method.SAVE: 20,
    Method.PATCH: 22,
    Method.DELETE: 8,
}
CONDITIONAL: Final = 0.5  # of the writes, where the caller knows a state of the profile
HUNG_UP: Final = 0.04  # of the calls: the caller does not stay for the answer


@dataclass(slots=True)
class User:
    """A profile: its calls, their results, and the ETag of every state."""

    user_id: str
    calls: list[tuple[Operation, Fate | None]] = field(default_factory=list)
    states: dict[str, Snapshot] = field(default_factory=dict)

    def history(self) -> list[Operation]:
        """Return the calls; those of unknown outcome end when nothing of them can happen any more."""
        return [
            operation if fate is None else replace(operation, ended_at_s=fate.ended_at_s)
            for operation, fate in self.calls
        ]

    def seen(self, answer: Answer) -> Snapshot:
        """Return the profile in a response, whose ETag must belong to this state only."""
        fields = frozenset(
            (name, value) for name, value in answer.body.items() if name not in SYSTEM_FIELDS
        )
        state = Snapshot(answer.body["createdAt"], answer.body["version"], fields)
        if self.states.setdefault(answer.headers["etag"], state) != state:
            raise AssertionError(f"one tag of two states: {state}, {answer}")
        return state


@dataclass(slots=True)
class Caller:
    """One of several callers on one profile; *number* is no other's."""

    user: User
    number: int
    cluster: Cluster
    rng: random.Random
    _known: tuple[str, Snapshot] | None = None  # the state it saw last, by its tag
    _values: Iterable[int] = field(default_factory=itertools.count)

    async def work(self, until_s: float) -> None:
        """Call until *until_s*, by a process chosen anew for each call."""
        while time.monotonic() < until_s:
            if not self.cluster.lives:
                await asyncio.sleep(0.02)  # all are dead, for a second at most
                continue
            await self._call(self.rng.choice(self.cluster.lives), self._chosen())

    async def read(self, life: Life) -> None:
        """Read the profile by one process, which may take a moment to see that all is well again."""
        invoked = Operation(Method.READ, 0, Outcome.UNKNOWN)
        async with asyncio.timeout(PATIENCE_S):
            while not await self._call(life, invoked, stays=True):  # noqa: ASYNC110 -- that is how to hear of it
                await asyncio.sleep(0.05)

    def _chosen(self) -> Operation:
        (method,) = self.rng.choices([*METHODS], [*METHODS.values()])
        changes: tuple[tuple[str, str | None], ...] = ()
        if method not in {Method.READ, Method.DELETE}:
            value = f"{self.number}.{next(iter(self._values))}"
            changes = ((self.rng.choice(FIELDS), value),)
            if method is not Method.REPLACE and self.rng.random() < 0.1:
                changes = ((self.rng.choice(FIELDS), None),)
        return Operation(
            method, 0, Outcome.UNKNOWN, changes=changes, condition=self._condition(method)
        )

    def _condition(self, method: Method) -> Condition:
        if method is Method.READ:
            return None
        if method in {Method.REPLACE, Method.SAVE} and self.rng.random() < 0.1:
            return Existence.ABSENT
        if self._known is not None and self.rng.random() < CONDITIONAL:
            return self._known[1]
        return Existence.PRESENT if self.rng.random() < 0.1 else None

    def _headers(self, operation: Operation, request_id: str) -> dict[str, str]:
        headers = {"x-amzn-oidc-identity": self.user.user_id, "X-Request-Id": request_id}
        match operation.condition:
            case None:
                if operation.method is Method.READ and self._known and self.rng.random() < 0.3:
                    headers["If-None-Match"] = self._known[0]
            case Existence.ABSENT:
                headers["If-None-Match"] = "*"
            case Existence.PRESENT:
                headers["If-Match"] = "*"
            case _:
                assert self._known is not None
                headers["If-Match"] = self._known[0]
        return headers

    async def _call(self, life: Life, operation: Operation, *, stays: bool = False) -> bool:
        """
        Make the call, and record it unless it was never sent or had no effect.

        Returns whether the response reveals the outcome.
        """
        impatient = not stays and self.rng.random() < HUNG_UP
        invoked = replace(operation, invoked_at_s=time.monotonic())
        request_id = f"{self.rng.getrandbits(128):032x}"
        try:
            answer = await call(
                life.url,
                operation.method.value,
                PATH,
                self._headers(operation, request_id),
                dict(operation.changes) or None,
                hang_up_after_s=self.rng.uniform(0.001, 0.05) if impatient else None,
            )
        except NeverSent:
            return False
        except NoAnswer:
            self._note_unknown(invoked, life, request_id)
            return False
        if answer.body.get("code") in LEFT_OPEN:
            self._note_unknown(invoked, life, request_id)
            return False
        self._note(replace(invoked, ended_at_s=time.monotonic()), answer)
        return True

    def _note(self, operation: Operation, answer: Answer) -> None:
        if answer.status in OUTCOMES:
            reply = self._reply(operation, answer)
            self.user.calls.append(
                (replace(operation, outcome=OUTCOMES[answer.status], reply=reply), None)
            )
        elif answer.body.get("code") not in NOTHING_DONE:
            raise AssertionError(f"{operation}: {answer}")

    def _note_unknown(self, operation: Operation, life: Life, request_id: str) -> None:
        if operation.method is not Method.READ:
            self.user.calls.append((operation, life.fate_of(request_id)))

    def _reply(self, operation: Operation, answer: Answer) -> Snapshot | None:
        if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            state = self.user.seen(answer)
            self._known = (answer.headers["etag"], state)
            return state
        if answer.status == HTTPStatus.NOT_MODIFIED:
            assert operation.method is Method.READ
            return self.user.states[answer.headers["etag"]]
        return None
