"""The export of a user's data over HTTP, with fakes behind."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from service.api import deadlines, export_document
from service.api.activity.recording import RECORDER
from service.api.handlers.export import MAX_RUNNING, RUNNING
from service.app import Adapters
from service.config.loader import Settings
from service.domain.errors import (
    InvalidParameter,
    ServiceError,
    UpstreamFault,
    UpstreamUnavailable,
)
from service.domain.profiles import Fields, Profile
from service.domain.user_data import UserData
from tests.api.conftest import Api, Start
from tests.support.accounts import PASSWORD
from tests.support.fakes.profiles import MemoryProfileStore
from tests.support.fakes.user_data import MemoryUserData
from tests.support.fakes.user_pool import MemoryUserPool
from tests.support.fakes.user_pool_rules import PoolRules

PATH = "/v1/user/export"
LOGIN = {"username": "alice", "password": PASSWORD}
SURROGATE, ESCAPED = "\ud800", r"\ud800"


@dataclass(frozen=True)
class Caller:
    """A signed-in user."""

    api: Api
    sub: str
    headers: dict[str, str]

    async def export(self, **headers: str) -> tuple[int, Any]:
        """Return the status and the JSON of an export."""
        identity = {"x-amzn-oidc-identity": self.sub}
        answer = await self.api.get(PATH, headers={**self.headers, **identity, **headers})
        return answer.status, await answer.json()


SignIn = Callable[..., Awaitable[Caller]]


@pytest.fixture
def user_pool() -> MemoryUserPool:
    """Return accounts of a pool that offers everything."""
    return MemoryUserPool(PoolRules(tracks_sessions=True, remembers_devices="always"))


@pytest.fixture(name="sign_in")
def _sign_in(start: Start, memory: Adapters, user_pool: MemoryUserPool) -> SignIn:
    async def signed_in(*settings: Settings, adapters: Adapters = memory) -> Caller:
        api = await start(*settings, adapters=adapters)
        attributes = {"email": "a@example.com", "name": "Alice"}
        await api.post("/api/auth/signup", json={**LOGIN, "attributes": attributes})
        confirmation = {"username": "alice", "code": user_pool.code("alice")}
        await api.post("/api/auth/confirm", json=confirmation)
        tokens = await (await api.post("/api/auth/login", json=LOGIN)).json()
        authorization = {"Authorization": f"Bearer {tokens['accessToken']}"}
        return Caller(api, tokens["userId"], authorization)

    return signed_in


async def test_export_has_every_part(sign_in: SignIn) -> None:
    """Account, sessions, profile and activity are in one attachment, each as its own call returns it."""
    alice = await sign_in({"activity": {"days": "1"}})
    identity = {"x-amzn-oidc-identity": alice.sub}
    saved = await alice.api.post("/v1/user/profile", json={"city": "Mumbai"}, headers=identity)
    await alice.api.app[RECORDER].flush(5)

    answer = await alice.api.get(PATH, headers={**alice.headers, **identity})

    assert answer.status == 200
    assert answer.content_disposition is not None
    assert answer.content_disposition.type == "attachment"
    assert str(answer.content_disposition.filename).endswith(".json")
    assert answer.headers["Cache-Control"] == "no-store"
    exported = await answer.json()
    assert [*exported] == [
        "exportedAt",
        "account",
        "sessions",
        "profile",
        "otherData",
        "activity",
    ]
    account = exported["account"]
    assert account["userId"] == alice.sub
    assert account["attributes"]["email"] == "a@example.com"
    assert account["mfa"] == {"enabled": []}
    assert account["passkeys"] == []
    assert len(account["devices"]) == 1
    assert len(exported["sessions"]) == 1
    assert exported["profile"] == await saved.json()
    assert exported["otherData"] == {}
    events = {event["event"] for event in exported["activity"]}
    assert events == {"signed_up", "signed_in", "profile_created"}


async def test_page_of_another_origin_reads_the_file_name(sign_in: SignIn) -> None:
    """The header with the name of the file is exposed to listed origins."""
    alice = await sign_in({"cors": {"allowed-origins": "https://app.example.com"}})
    identity = {"x-amzn-oidc-identity": alice.sub, "Origin": "https://app.example.com"}

    answer = await alice.api.get(PATH, headers={**alice.headers, **identity})

    assert answer.status == 200
    assert "Content-Disposition" in answer.headers["Access-Control-Expose-Headers"]


async def test_what_is_not_offered_is_left_out(sign_in: SignIn, user_pool: MemoryUserPool) -> None:
    """Without sessions and activity there are no such members; without a profile it is null."""
    user_pool.rules = PoolRules()
    alice = await sign_in()

    status, exported = await alice.export()

    assert status == 200
    assert [*exported] == ["exportedAt", "account", "profile", "otherData"]
    assert exported["profile"] is None


async def test_what_is_on_and_empty_is_an_empty_list(sign_in: SignIn) -> None:
    """With a history, a user without past states has an empty one; past states have their fields."""
    alice = await sign_in({"profile": {"history-days": "1"}})
    identity = {"x-amzn-oidc-identity": alice.sub}
    _, before = await alice.export()
    for city in ("Mumbai", "Pune", "Nagpur"):
        await alice.api.post("/v1/user/profile", json={"city": city}, headers=identity)

    _, after = await alice.export()

    assert before["history"] == []
    assert [(state["version"], state["fields"]) for state in after["history"]] == [
        (1, {"city": "Mumbai"}),
        (2, {"city": "Pune"}),
    ]


async def test_export_is_itself_activity(sign_in: SignIn) -> None:
    """The next export says when and from where the data were exported."""
    alice = await sign_in({"activity": {"days": "1"}})
    await alice.export()
    await alice.api.app[RECORDER].flush(5)

    _, exported = await alice.export()

    assert "data_exported" in {event["event"] for event in exported["activity"]}


class OtherData(MemoryUserData):
    """A table in which other applications keep data of each user."""

    def __init__(self) -> None:
        super().__init__(MemoryProfileStore())

    async def read(self, user_id: str) -> UserData:
        """Return data of all types."""
        moment = "2026-11-23T03:14:15.926Z"
        fields: dict[str, Any] = {
            "city": "Mumbai",
            "bio": SURROGATE,
            "tags": ["a", "b"],
            "deep": {"n": 10**30, "f": 1.5, "no": None, "yes": True, SURROGATE: [SURROGATE]},
        }
        profile = Profile(user_id, moment, moment, 1, fields)
        return UserData(profile, {"expiresAt": 5}, [{"createdAt": "x", "note": "theirs"}])


async def test_data_of_other_applications_is_exported(sign_in: SignIn, memory: Adapters) -> None:
    """All attributes are there with all digits, those of the schema in the profile only."""
    alice = await sign_in(adapters=replace(memory, user_data=OtherData()))

    answer = await alice.api.get(PATH, headers={**alice.headers, "x-amzn-oidc-identity": alice.sub})
    exported = json.loads(await answer.read())

    assert exported["profile"]["city"] == "Mumbai"
    assert exported["profile"]["bio"] == ESCAPED
    assert exported["otherData"] == {
        "tags": ["a", "b"],
        "deep": {"n": 10**30, "f": 1.5, "no": None, "yes": True, ESCAPED: [ESCAPED]},
        "expiresAt": 5,
    }
    assert exported["otherItems"] == [{"createdAt": "x", "note": "theirs"}]


async def test_token_and_identity_must_be_of_one_user(sign_in: SignIn) -> None:
    """A token with another user's identity is refused, and so is either alone where it proves nothing."""
    alice = await sign_in()
    other, _ = await alice.export(**{"x-amzn-oidc-identity": "bob"})
    no_token = await alice.api.get(PATH, headers={"x-amzn-oidc-identity": alice.sub})
    no_identity = await alice.api.get(PATH, headers=alice.headers)

    assert other == 401
    assert no_token.status == 401
    assert no_identity.status == 401  # the fakes accept the header alone


async def test_exports_are_limited(sign_in: SignIn) -> None:
    """A user has five exports an hour; then 429 says when the next one is possible."""
    alice = await sign_in()
    statuses = [(await alice.export())[0] for _ in range(6)]

    answer = await alice.api.get(PATH, headers={**alice.headers, "x-amzn-oidc-identity": alice.sub})

    assert statuses == [200] * 5 + [429]
    assert (await answer.json())["code"] == "too_many_attempts"
    assert 0 < int(answer.headers["Retry-After"]) <= 3_600


class FailingData(OtherData):
    """A table whose history cannot be read."""

    def __init__(self, failure: ServiceError | None) -> None:
        super().__init__()
        self._failure = failure

    async def history(self, user_id: str) -> AsyncGenerator[Sequence[Fields]]:
        """Yield a state, then fail, or wait for ever."""
        del user_id
        yield [{"version": 1}]
        if self._failure is not None:
            raise self._failure
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    "failure",
    [UpstreamUnavailable(retry_after_s=1), UpstreamFault(), InvalidParameter(), None],
    ids=["unavailable", "broken answer", "refused parameter", "no answer"],
)
async def test_export_is_whole_or_an_error(
    sign_in: SignIn,
    memory: Adapters,
    monkeypatch: pytest.MonkeyPatch,
    failure: ServiceError | None,
) -> None:
    """If a part cannot be read, nothing is exported, and it does not count."""
    if failure is None:
        monkeypatch.setattr(deadlines, "READ_SHARE", 0.005)
    adapters = replace(memory, user_data=FailingData(failure))
    alice = await sign_in({"limits": {"export-per-h": "1"}}, adapters=adapters)

    answers = [await alice.export() for _ in range(3)]

    assert {(status, body["code"]) for status, body in answers} == {(503, "upstream_unavailable")}


async def test_too_much_data_is_an_error(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export beyond the limit is refused with a code of its own."""
    monkeypatch.setattr(export_document, "MAX_BYTES", 100)
    alice = await sign_in()

    status, body = await alice.export()

    assert (status, body["code"]) == (503, "export_too_large")


async def test_few_exports_run_at_once(sign_in: SignIn) -> None:
    """While as many run as a process admits, the next one is 503."""
    alice = await sign_in()
    alice.api.app[RUNNING].in_flight = MAX_RUNNING

    status, body = await alice.export()

    assert (status, body["code"]) == (503, "overloaded")
