"""Every fault of every upstream: a response in time, no leak, and recovery."""

import asyncio

import pytest

from tests.api.raw_http import until
from tests_slow.faults.conftest import DEADLINE_S, SERVED, Harness, Reply, descriptors
from tests_slow.faults.tcp_proxy import Fault

UPSTREAMS = ("cognito", "dynamodb", "key server")
HARMLESS = (Fault.LATENCY, Fault.BANDWIDTH)
HARMFUL = tuple(fault for fault in Fault if fault not in {Fault.NONE, *HARMLESS})
PROBLEM = "application/problem+json"
# A fault that delays the answer can exceed the request's deadline.
REFUSALS = {
    Reply(503, PROBLEM, "upstream_unavailable"),
    Reply(504, PROBLEM, "deadline_exceeded"),
}
AT_ONCE = 3
DESCRIPTORS_OF_A_CONNECTION = (
    4  # the service's, the proxy's two, and the upstream's in this process
)
MARGIN_S = 2.0  # for a loaded machine; the service's own is 0.5


@pytest.mark.parametrize("fault", HARMFUL, ids=lambda fault: fault.value)
@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_fault_is_reported_in_time_and_recovered_from(
    harness: Harness, upstream: str, fault: Fault
) -> None:
    """During a fault each response is a problem within the deadline; after it, requests succeed again."""
    proxy = harness.proxies[upstream]
    if upstream != "key server":  # whose keys are fetched only once
        await harness.until_served(upstream, AT_ONCE)
    await harness.until_idle()
    before = descriptors()

    await proxy.inject(fault)
    async with asyncio.timeout(DEADLINE_S + MARGIN_S):
        refused = await harness.call_concurrently(upstream, AT_ONCE)
    assert set(refused) <= REFUSALS
    assert proxy.hits > 0 or fault is Fault.REFUSED
    await proxy.heal()

    await harness.until_served(upstream, AT_ONCE)
    await harness.until_idle()
    assert descriptors() <= before + AT_ONCE * DESCRIPTORS_OF_A_CONNECTION


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_slow_network_only_delays(harness: Harness, upstream: str) -> None:
    """Requests to an upstream with latency or little bandwidth succeed."""
    proxy = harness.proxies[upstream]
    for fault in HARMLESS:
        await proxy.inject(fault)
        await harness.until_served(upstream, AT_ONCE)
    assert proxy.hits > 0 or upstream == "key server"


@pytest.mark.parametrize("hangs", UPSTREAMS)
async def test_hanging_upstream_does_not_block_requests_to_others(
    harness: Harness, hangs: str
) -> None:
    """While requests wait for one upstream, requests to the other one are served."""
    proxy = harness.proxies[hangs]
    await proxy.inject(Fault.BLACKHOLE)
    waiting = [asyncio.create_task(harness.call(hangs)) for _ in range(20)]
    await until(lambda: proxy.hits > 0)

    for other in {"cognito", "dynamodb"} - {hangs}:
        assert (await harness.call(other)).status in SERVED
    assert set(await asyncio.gather(*waiting)) <= REFUSALS
