"""Health checks of a load balancer."""

from dataclasses import replace

from service.app import Adapters
from service.domain.errors import UpstreamUnavailable
from tests.api.conftest import Start


class Upstream:
    """An upstream that can be down; *asked* counts its checks."""

    def __init__(self, *, down: bool) -> None:
        self.down = down
        self.asked = 0

    async def check(self) -> None:
        """Pass, or raise an upstream error."""
        self.asked += 1
        if self.down:
            raise UpstreamUnavailable


async def test_process_that_reaches_all_is_live_and_ready(start: Start, memory: Adapters) -> None:
    """Both checks are 200 and call no upstream."""
    upstream = Upstream(down=False)
    api = await start(adapters=replace(memory, checks={"dynamodb": upstream.check}))
    asked = upstream.asked

    live, ready = await api.get("/health/live"), await api.get("/health/ready")

    assert (live.status, await live.json()) == (200, {"status": "live"})
    assert (ready.status, await ready.json()) == (200, {"status": "ready"})
    assert upstream.asked == asked


async def test_process_that_reaches_nothing_is_live_and_not_ready(
    start: Start, memory: Adapters
) -> None:
    """Readiness names the upstream that is down; liveness stays 200."""
    upstream = Upstream(down=True)
    api = await start(adapters=replace(memory, checks={"dynamodb": upstream.check}))

    live, ready = await api.get("/health/live"), await api.get("/health/ready")

    assert live.status == 200
    body = await ready.json()
    assert (ready.status, body["code"]) == (503, "not_ready")
    assert body["errors"] == [{"field": "dynamodb", "message": "upstream_unavailable"}]
