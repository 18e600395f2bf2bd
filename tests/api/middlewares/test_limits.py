"""The limits of requests in flight and of their time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from aiohttp import ClientSession

from service.api import routes
from service.api.keys import Dependency
from service.app import Adapters, create_app
from service.config.loader import Settings
from service.domain.profiles import Profile
from tests.api.conftest import ALICE, AT_ONCE, Start
from tests.api.raw_http import serving
from tests.support.configs import configured, opening
from tests.support.fakes.profiles import MemoryProfileStore

PATH = "/v1/user/profile"
FEW: Settings = {"server": {"max-in-flight": "1"}}


class WaitingStore(MemoryProfileStore):
    """A store that responds on an event."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.release = asyncio.Event()

    async def find(self, user_id: str) -> Profile | None:
        """Wait for *release*."""
        self.asked.set()
        await self.release.wait()
        return await super().find(user_id)


class TimingOutStore(MemoryProfileStore):
    """A store that raises TimeoutError."""

    async def find(self, user_id: str) -> Profile | None:
        """Raise TimeoutError."""
        raise TimeoutError(user_id)


async def test_request_beyond_the_limit_is_refused_at_once(start: Start, memory: Adapters) -> None:
    """A request beyond the limit is 503 at once; those in flight and health checks are served."""
    store = WaitingStore()
    api = await start(
        {"server": {"max-in-flight": "1"}}, adapters=replace(memory, profile_store=store)
    )
    first = asyncio.create_task(api.get(PATH, headers=ALICE))
    await store.asked.wait()

    refused = await api.get(PATH, headers=ALICE)
    health = await api.get("/health/live")
    store.release.set()
    served = await first
    after = await api.get(PATH, headers=ALICE)

    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert (await refused.json())["code"] == "overloaded"
    assert health.status == 200
    assert [served.status, after.status] == [404, 404]


async def test_request_beyond_its_deadline_is_given_up(start: Start, memory: Adapters) -> None:
    """A request beyond its deadline is 504, and its slot is free again."""
    store = WaitingStore()
    settings = {"server": {"request-deadline-s": "0.05", "max-in-flight": "1"}}
    api = await start(settings, adapters=replace(memory, profile_store=store))

    late = await api.get(PATH, headers=ALICE)
    store.release.set()
    after = await api.get(PATH, headers=ALICE)

    assert late.status == 504
    assert (await late.json())["code"] == "deadline_exceeded"
    assert after.status == 404


async def test_other_time_out_is_a_defect(start: Start, memory: Adapters) -> None:
    """A TimeoutError inside the service is not the request's deadline."""
    api = await start(adapters=replace(memory, profile_store=TimingOutStore()))

    answer = await api.get(PATH, headers=ALICE)

    assert answer.status == 500


async def test_refusals_give_their_places_back(start: Start) -> None:
    """A refused or failed request frees its slot."""
    api = await start({"server": {"max-in-flight": "1"}})

    statuses = [(await api.get(PATH)).status for _ in range(3)]

    assert statuses == [401, 401, 401]


async def test_requests_that_wait_for_one_upstream_leave_the_places_of_others(
    start: Start, memory: Adapters
) -> None:
    """Requests that wait for DynamoDB do not use the slots of Cognito."""
    store = WaitingStore()
    settings = {"server": {"max-in-flight": "1"}}
    api = await start(settings, adapters=replace(memory, profile_store=store))
    waiting = asyncio.create_task(api.get(PATH, headers=ALICE))
    await store.asked.wait()

    login = await api.post("/api/auth/login", json={"username": "a", "password": "b"})
    offer = await api.get("/api/auth/config")
    nowhere = await api.get("/nowhere")
    store.release.set()

    assert [login.status, offer.status, nowhere.status] == [401, 200, 404]
    assert (await waiting).status == 404


async def test_places_are_counted_alike_before_the_application(memory: Adapters) -> None:
    """On real connections, only requests of the same upstream are refused."""
    store = WaitingStore()
    app = create_app(configured(FEW, AT_ONCE), opening(replace(memory, profile_store=store)))
    async with serving(app, **FEW["server"]) as port, ClientSession() as client:
        url = f"http://127.0.0.1:{port}"
        waiting = asyncio.create_task(client.get(url + PATH, headers=ALICE))
        await store.asked.wait()

        async with client.get(url + PATH, headers=ALICE) as profile:
            assert profile.status == 503
        account = {"username": "a", "password": "b"}
        async with client.post(f"{url}/api/auth/login", json=account) as login:
            assert login.status == 401
        async with client.get(f"{url}/api/auth/config") as offer:
            assert offer.status == 200
        store.release.set()
        (await waiting).release()


def test_each_route_has_the_places_of_what_it_needs() -> None:
    """Routes under /api/auth depend on Cognito or its domain, profiles on DynamoDB, others on nothing."""
    needs = routes.dependencies()
    urls = {"/api/auth/federated", "/api/auth/federated/logout"}
    nothing = {"/api/auth/config", "/v1/user/profile/schema", *urls}

    for route, _ in routes.all_routes():
        expected = None
        if route.path == "/api/auth/federated/tokens":
            expected = Dependency.COGNITO_DOMAIN
        elif route.path in nothing:
            pass
        elif route.path.startswith("/api/auth/") or route.path == "/v1/user/export":
            expected = Dependency.COGNITO  # an export waits for it first
        elif route.path.startswith("/v1/"):
            expected = Dependency.DYNAMODB
        assert needs.get(route.operation.call) == expected, route.path


async def test_request_takes_its_slot_when_its_body_is_complete(
    start: Start, memory: Adapters
) -> None:
    """An incomplete request uses no slot; it is refused if none is free when it is complete."""
    store = WaitingStore()
    api = await start(
        {"server": {"max-in-flight": "1"}}, adapters=replace(memory, profile_store=store)
    )
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        begun.set()
        await go_on.wait()
        yield b"}"

    headers = {**ALICE, "Content-Type": "application/json"}
    sending = asyncio.create_task(api.post(PATH, headers=headers, data=body()))
    await begun.wait()
    reading = asyncio.create_task(api.get(PATH, headers=ALICE))
    await store.asked.wait()
    go_on.set()
    sent = await sending
    store.release.set()
    read = await reading

    assert (sent.status, read.status) == (503, 404)
    assert (await sent.json())["code"] == "overloaded"
