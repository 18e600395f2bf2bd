"""The profile API agrees with a small model for any sequence of requests."""

import asyncio
import functools
import itertools
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from service.app import Adapters, aws_adapters, create_app
from service.config.settings import Config
from tests.api.conftest import AT_ONCE, Api
from tests.support.configs import CREDENTIALS, configured, opening

PATH: Final = "/v1/user/profile"
SYSTEM_FIELDS: Final = {"userId", "createdAt", "updatedAt", "version"}
UNKNOWN_TAG: Final = '"0123456789abcdef"'

# Each write is several calls of moto, which serves them sequentially.
EXAMPLES: Final = {"memory": 30, "dynamodb": 8}


class Condition(Enum):
    """The precondition of a write; *tag* is the current entity tag, *stale* an unknown one."""

    NONE = ""
    MATCHES = "If-Match: {tag}"
    MATCHES_ONE = 'If-Match: "other", {tag}'
    MATCHES_STALE = "If-Match: {stale}"
    EXISTS = "If-Match: *"
    ABSENT = "If-None-Match: *"
    DIFFERS = "If-None-Match: {tag}"
    DIFFERS_FROM_STALE = "If-None-Match: {stale}"


@dataclass(frozen=True, slots=True)
class Write:
    """A write request."""

    method: str
    body: Mapping[str, Any]
    condition: Condition


@dataclass(frozen=True, eq=False, slots=True)
class State:
    """A profile; each object is a state with its own entity tag."""

    fields: Mapping[str, Any]
    version: int


def allowed(condition: Condition, state: State | None, before: State | None) -> bool:
    """Return whether a write to *state* is allowed, with the tag of the state *before*."""
    same = state is not None and state is before
    return {
        Condition.NONE: True,
        Condition.MATCHES: same,
        Condition.MATCHES_ONE: same,
        Condition.MATCHES_STALE: False,
        Condition.EXISTS: state is not None,
        Condition.ABSENT: state is None,
        Condition.DIFFERS: not same,
        Condition.DIFFERS_FROM_STALE: True,
    }[condition]


def merge_patch(target: Any, patch: Any) -> Any:  # noqa: ANN401 -- JSON
    """Return a patched value, by the pseudocode of RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def expected(write: Write, state: State | None, before: State | None) -> tuple[int, State | None]:
    """Return the status and the state after a write."""
    if not allowed(write.condition, state, before):
        return 412, state
    if state is None and write.method in {"PATCH", "DELETE"}:
        return 404, None
    if write.method == "DELETE":
        return 204, None
    fields: Mapping[str, Any] = {} if state is None or write.method == "PUT" else state.fields
    if write.method == "PATCH":
        after = merge_patch(fields, write.body)
    else:
        merged = {**fields, **write.body}
        after = {name: value for name, value in merged.items() if value is not None}
    if state is None:
        return 201, State(after, 1)
    return 200, state if after == state.fields else State(after, state.version + 1)


texts = st.sampled_from(["a", "b", "Ω", "two words", "\U0001f600"])
names = st.sampled_from(["a", "b", "size"])
leaves = st.sampled_from([0, 7, -1, 10**20, 2.5, "x", "", None])
objects = st.recursive(
    st.dictionaries(names, leaves, max_size=3),
    lambda inner: st.dictionaries(names, leaves | inner | st.lists(inner, max_size=2), max_size=3),
    max_leaves=5,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "city": texts | st.none(),
        "region": texts | st.none(),  # a reserved word of DynamoDB
        "bio": texts | st.none(),
        "preferences": objects | st.none(),
    },
)
writes = st.one_of(
    st.builds(
        Write, st.sampled_from(["POST", "POST", "PUT", "PATCH"]), bodies, st.sampled_from(Condition)
    ),
    st.builds(Write, st.just("POST") | st.just("PATCH"), bodies, st.just(Condition.NONE)),
    st.builds(Write, st.just("DELETE"), st.just({}), st.sampled_from(Condition)),
)


class Service:
    """The service in this process, called from outside of its event loop."""

    def __init__(self, runner: asyncio.Runner, client: Api) -> None:
        self._runner = runner
        self._client = client

    def call(self, *calls: tuple[str, Mapping[str, str], object]) -> list[tuple[int, Any, str]]:
        """Send requests concurrently; return the status, the JSON and the entity tag of each."""

        async def made() -> list[tuple[int, Any, str]]:
            return await asyncio.gather(*(self._made(*one) for one in calls))

        return self._runner.run(made())

    async def _made(
        self, method: str, headers: Mapping[str, str], body: object
    ) -> tuple[int, Any, str]:
        async with self._client.request(method, PATH, json=body, headers=headers) as answer:
            text = await answer.read()
            json = await answer.json(content_type=None) if text else None
            return answer.status, json, answer.headers.get("ETag", "")


class ProfileMachine(RuleBasedStateMachine):
    """The requests of a user, checked against the model."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.service = service
        self.identity = {"x-amzn-oidc-identity": str(uuid.uuid4())}
        self.state: State | None = None
        self.body: Any = None  # of the last response with the profile
        self.tags = [UNKNOWN_TAG]  # of all states, newest last
        self.births: list[str] = []

    @initialize()
    def nobody(self) -> None:
        """Begin with a new user."""
        self._read()

    @rule(write=writes)
    def one_write(self, write: Write) -> None:
        """Write: the outcome is that of the model, and a read returns the same."""
        before = self.state
        status, self.state = expected(write, before, before)

        ((answered, body, tag),) = self.service.call(self._prepared(write))

        assert answered == status
        if status in {200, 201}:
            self._learn(body, tag, before)

    @rule(one=writes, other=writes)
    def two_writes_at_once(self, one: Write, other: Write) -> None:
        """Write twice concurrently: the outcome is that of one order."""
        before = self.state
        possible = [
            (statuses, state)
            for order in itertools.permutations([0, 1])
            for statuses, state in [_in_turn([one, other], order, before)]
        ]

        answers = self.service.call(self._prepared(one), self._prepared(other))

        answered = tuple(answer[0] for answer in answers)
        ((status, body, tag),) = self.service.call(("GET", self.identity, None))
        for statuses, state in possible:
            fields = None if state is None else (state.fields, state.version)
            if (statuses, fields) == (answered, _shown(body if status == 200 else None)):
                self.state = state
                break
        else:
            raise AssertionError(f"{answered}, {body} is none of {possible}")
        if self.state is not None:
            self._learn(body, tag, before, anew=201 in answered)

    @rule()
    def read(self) -> None:
        """Read: the response is the profile or 404."""
        self._read()

    @precondition(lambda self: self.state is not None)
    @rule(stale=st.booleans())
    def read_what_is_known(self, stale: bool) -> None:  # noqa: FBT001 -- drawn
        """Read with an entity tag: the current one is 304, an older one the profile."""
        tag = self._stale() if stale else f"W/{self.tags[-1]}"

        ((status, body, found),) = self.service.call(
            ("GET", {**self.identity, "If-None-Match": tag}, None)
        )

        assert (status, found) == (200 if stale else 304, self.tags[-1])
        assert body == (self.body if stale else None)

    @invariant()
    def tags_are_of_one_state_each(self) -> None:
        """Entity tags and `createdAt` are never reused."""
        assert len(set(self.tags)) == len(self.tags)
        assert len(set(self.births)) == len(self.births)

    def _read(self) -> None:
        ((status, body, tag),) = self.service.call(("GET", self.identity, None))
        if self.state is None:
            assert (status, body["code"]) == (404, "profile_not_found")
        else:
            assert (status, body, tag) == (200, self.body, self.tags[-1])

    def _stale(self) -> str:
        """Return the entity tag of the previous state, or an unknown one."""
        return self.tags[max(len(self.tags) - 2, 0)]

    def _prepared(self, write: Write) -> tuple[str, Mapping[str, str], object]:
        name, _, value = write.condition.value.partition(": ")
        condition = {name: value.format(tag=self.tags[-1], stale=self._stale())} if name else {}
        body = None if write.method == "DELETE" else write.body
        return write.method, {**self.identity, **condition}, body

    def _learn(self, body: Any, tag: str, before: State | None, *, anew: bool = False) -> None:  # noqa: ANN401 -- JSON
        """Check a response against the model, and store the system fields."""
        assert self.state is not None
        assert _shown(body) == (self.state.fields, self.state.version)
        if self.state is before:
            assert (body, tag) == (self.body, self.tags[-1])
            return
        if before is None or anew:
            self.births.append(body["createdAt"])
        else:
            assert body["createdAt"] == self.births[-1]
            assert body["updatedAt"] >= self.body["updatedAt"]
        self.body = body
        self.tags.append(tag)


def _in_turn(
    both: list[Write], order: tuple[int, ...], before: State | None
) -> tuple[tuple[int, ...], State | None]:
    """Return both statuses and the state if the writes are applied in *order*."""
    statuses, state = [0, 0], before
    for which in order:
        statuses[which], state = expected(both[which], state, before)
    return tuple(statuses), state


def _shown(body: Any) -> tuple[Mapping[str, Any], int] | None:  # noqa: ANN401 -- JSON
    """Return the fields and the version of a profile in a response."""
    if body is None:
        return None
    fields = {name: value for name, value in body.items() if name not in SYSTEM_FIELDS}
    return fields, body["version"]


@pytest.fixture(params=EXAMPLES)
def store(request: pytest.FixtureRequest) -> str:
    """Return the name of the store."""
    name: str = request.param
    return name


@pytest.fixture
def service(store: str, memory: Adapters, config: Config) -> Iterator[Service]:
    """Start the service on the store."""
    if store == "memory":
        app = create_app(configured(AT_ONCE), opening(memory))
    else:
        app = create_app(config, functools.partial(aws_adapters, credentials=CREDENTIALS))
    with asyncio.Runner() as runner:

        async def opened() -> Api:
            client = TestClient(TestServer(app))
            await client.start_server()
            return client

        client = runner.run(opened())
        yield Service(runner, client)
        runner.run(client.close())


def test_api_agrees_with_the_model(service: Service, store: str) -> None:
    """Any sequence of requests has the outcome of the model, on the fake and on DynamoDB."""

    class OfThisService(ProfileMachine):
        def __init__(self) -> None:
            super().__init__(service)

    run_state_machine_as_test(
        OfThisService,
        settings=settings(
            derandomize=True,
            deadline=None,
            max_examples=EXAMPLES[store],
            stateful_step_count=25,
        ),
    )
