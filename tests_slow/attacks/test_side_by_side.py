"""A well-behaved client beside hostile clients of every kind."""

import pytest

from tests_slow.attacks.clients import ALL
from tests_slow.attacks.hostile import Attack, hostile
from tests_slow.attacks.latency import check_unharmed, measured
from tests_slow.attacks.target import Target

MEASURED_FOR_S = 8.0
READY = "/health/ready"


async def _check(target: Target, *attacks: Attack) -> None:
    alone = await measured(target.url, for_s=MEASURED_FOR_S)
    async with hostile(target.host, target.port, *attacks) as attackers:
        await attackers.at_work(rounds=len(attacks))
        attacked = await measured(target.url, for_s=MEASURED_FOR_S)
    healthy = await measured(target.url, for_s=0.1, path=READY)

    check_unharmed(alone, attacked)
    assert healthy.outcomes.keys() == {"200"}, healthy
    assert not target.events("request_failed")


@pytest.mark.parametrize("attack", ALL, ids=lambda attack: attack.__name__)
async def test_one_kind_does_not_delay_other_clients(target: Target, attack: Attack) -> None:
    """Beside hostile clients of one kind, the p99 and the maximum latency keep their limits."""
    await _check(target, attack)


async def test_all_kinds_together_do_not_delay_other_clients(target: Target) -> None:
    """Beside hostile clients of all kinds at once, the latencies keep their limits."""
    await _check(target, *ALL)
