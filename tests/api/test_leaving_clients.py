"""A write that has begun completes after its client disconnects."""

import asyncio
from dataclasses import replace

import pytest

from service.api import keys
from service.app import Adapters, create_app
from service.domain.profiles import Fields, Latest, Profile
from tests.api.raw_http import serving, until
from tests.observability.metrics.samples import samples_of
from tests.support.configs import configured, opening
from tests.support.fakes.profiles import MemoryProfileStore

REQUEST = (
    b"POST /v1/user/profile HTTP/1.1\r\nHost: a\r\nx-amzn-oidc-identity: alice\r\n"
    b'Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{"city":"Mumbai"}'
)


class SlowStore(MemoryProfileStore):
    """A store that completes a write on an event, and records the outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.release = asyncio.Event()
        self.ended: asyncio.Future[Profile] = asyncio.get_running_loop().create_future()

    async def create(self, user_id: str, fields: Fields, latest: Latest | None = None) -> Profile:
        """Wait for *release*."""
        self.asked.set()
        try:
            await self.release.wait()
            created = await super().create(user_id, fields, latest)
        except BaseException as error:
            self.ended.set_exception(error)
            raise
        self.ended.set_result(created)
        return created


@pytest.mark.parametrize("rudely", [False, True], ids=["closes", "resets"])
async def test_write_of_a_client_that_left_is_made_whole(memory: Adapters, rudely: bool) -> None:  # noqa: FBT001 -- a table's column
    """A disconnected client does not cancel a write."""
    store = SlowStore()
    app = create_app(configured(), opening(replace(memory, profile_store=store)))
    async with serving(app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        await store.asked.wait()
        if rudely:
            writer.transport.abort()
        else:
            writer.close()
        await until(lambda: samples_of(app[keys.METRICS])["http_connections_open"] == 0)
        store.release.set()
        async with asyncio.timeout(30):
            created = await store.ended

    assert created.fields == {"city": "Mumbai"}
    assert await store.find("alice") == created
