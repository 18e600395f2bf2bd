"""Health checks of a load balancer."""

from collections.abc import Sequence
from dataclasses import replace

from service.api import keys
from service.app import Adapters
from service.domain.errors import UpstreamUnavailable
from service.server.readiness import FailedCheck
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


async def _wrong_table() -> Sequence[FailedCheck]:
    return (FailedCheck("table keys", "misconfigured", "There is no table t.", "Create it."),)


async def test_start_that_failed_is_neither_ready_nor_serving(
    start: Start, memory: Adapters
) -> None:
    """What only AWS can tell is named until it is right; details are for the operator's log alone."""
    api = await start(adapters=replace(memory, start_checks=_wrong_table))

    live, ready = await api.get("/health/live"), await api.get("/health/ready")
    serving = await api.get("/health/serving")

    assert (live.status, ready.status, serving.status) == (200, 503, 503)
    assert (await ready.json())["errors"] == [{"field": "table keys", "message": "misconfigured"}]
    assert (await serving.json())["errors"] == [
        {"field": "process", "message": "starting"},
        {"field": "table keys", "message": "misconfigured"},
    ]


async def test_process_serves_whatever_upstreams_do_later(start: Start, memory: Adapters) -> None:
    """Once all checks have passed, an outage makes the process unready, and a target all the same."""
    upstream = Upstream(down=False)
    settings = {"server": {"readiness-interval-s": "0.001"}}
    api = await start(settings, adapters=replace(memory, checks={"dynamodb": upstream.check}))
    before = await api.get("/health/serving")
    upstream.down = True
    while (await api.get("/health/ready")).status == 200:
        pass
    after = await api.get("/health/serving")

    assert (before.status, await before.json()) == (200, {"status": "serving"})
    assert after.status == 200


async def test_process_that_has_never_reached_an_upstream_does_not_serve(
    start: Start, memory: Adapters
) -> None:
    """Requests are sent only where each check has passed at least once."""
    upstream = Upstream(down=True)
    api = await start(adapters=replace(memory, checks={"dynamodb": upstream.check}))

    answer = await api.get("/health/serving")

    assert answer.status == 503
    assert {"field": "dynamodb", "message": "upstream_unavailable"} in (await answer.json())[
        "errors"
    ]


async def test_process_that_drains_serves_no_longer(start: Start, memory: Adapters) -> None:
    """From the signal on, neither check lets new requests come."""
    api = await start(adapters=memory)
    api.app[keys.SERVER_LOAD].draining = True

    for path in ("/health/ready", "/health/serving"):
        answer = await api.get(path)
        assert answer.status == 503
        assert (await answer.json())["errors"] == [{"field": "process", "message": "stopping"}]
