"""Every fault of every upstream: an answer in time, no leak, and all is well when it is over."""

import asyncio

import pytest

from tests.api.raw_http import until
from tests_slow.faults.conftest import DEADLINE_S, SERVED, Heard, Stage, descriptors
from tests_slow.faults.faulty_proxy import Fault

UPSTREAMS = ("cognito", "dynamodb", "key server")
HARMLESS = (Fault.LATENCY, Fault.BANDWIDTH)
HARMFUL = tuple(fault for fault in Fault if fault not in {Fault.NONE, *HARMLESS})
PROBLEM = "application/problem+json"
# What keeps an answer from coming may take longer than the request has.
REFUSALS = {
    Heard(503, PROBLEM, "upstream_unavailable"),
    Heard(504, PROBLEM, "deadline_exceeded"),
}
AT_ONCE = 3
DESCRIPTORS_OF_A_CONNECTION = (
    4  # the service's, the proxy's two, and the upstream's in this process
)
MARGIN_S = 2.0  # for a machine that has other work; the service's own is 0.5


@pytest.mark.parametrize("fault", HARMFUL, ids=lambda fault: fault.value)
@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_fault_is_told_in_time_and_gotten_over(
    stage: Stage, upstream: str, fault: Fault
) -> None:
    """While it lasts each answer is a problem inside the deadline; after it nothing is left of it."""
    way = stage.ways[upstream]
    if upstream != "key server":  # which is asked once, and then no more
        await stage.served(upstream, AT_ONCE)
    await stage.settled()
    before = descriptors()

    await way.break_(fault)
    async with asyncio.timeout(DEADLINE_S + MARGIN_S):
        refused = await stage.ask_at_once(upstream, AT_ONCE)
    assert set(refused) <= REFUSALS
    assert way.hits > 0 or fault is Fault.REFUSED
    await way.heal()

    await stage.served(upstream, AT_ONCE)
    await stage.settled()
    assert descriptors() <= before + AT_ONCE * DESCRIPTORS_OF_A_CONNECTION


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_slow_way_is_slow_and_no_more(stage: Stage, upstream: str) -> None:
    """An upstream that is merely far away is waited for."""
    way = stage.ways[upstream]
    for fault in HARMLESS:
        await way.break_(fault)
        await stage.served(upstream, AT_ONCE)
    assert way.hits > 0 or upstream == "key server"


@pytest.mark.parametrize("hangs", UPSTREAMS)
async def test_upstream_that_hangs_keeps_nobody_else_waiting(stage: Stage, hangs: str) -> None:
    """While requests wait for one upstream, those that need another are served."""
    way = stage.ways[hangs]
    await way.break_(Fault.BLACKHOLE)
    waiting = [asyncio.create_task(stage.ask(hangs)) for _ in range(20)]
    await until(lambda: way.hits > 0)

    for other in {"cognito", "dynamodb"} - {hangs}:
        assert (await stage.ask(other)).status in SERVED
    assert set(await asyncio.gather(*waiting)) <= REFUSALS
