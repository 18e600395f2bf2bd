"""A well-behaved client beside hostile clients of every kind."""

from collections.abc import Mapping
from typing import Final

import pytest

from tests_slow.attacks import clients
from tests_slow.attacks.hostile import Attack, hostile
from tests_slow.attacks.latency import is_unharmed, measured
from tests_slow.attacks.target import Target

# A hundred requests in a second; each attack takes many rounds in three.
ALONE_S: Final = 1.0
ATTACKED_S: Final = 3.0
TRIES: Final = 3  # the best one counts: what an attack costs, it costs each time
SENDERS: Final = 8
READY: Final = "/health/ready"
ATTACKS: Final[Mapping[str, tuple[Attack, ...]]] = {
    "odd targets": (clients.odd_targets,),
    "bad tokens": (clients.bad_tokens,),
    "unicode bombs": (clients.unicode_bombs,),
    "gzip bombs": (clients.gzip_bombs,) * SENDERS,
    "endless bodies": (clients.endless_bodies,) * SENDERS,
    "deep bodies": (clients.deep_bodies,),
    "slow senders": (clients.slow_senders,),
    "slow readers": (clients.slow_readers,),
    "pipeliners": (clients.pipeliners,),
    "all": clients.ALL,
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_hostile_clients_do_not_delay_others(target: Target, attack: str) -> None:
    """Beside hostile clients, the p99 and the longest wait of others keep their bounds."""
    attacks = ATTACKS[attack]
    for _ in range(TRIES):
        alone = await measured(target.url, for_s=ALONE_S)
        async with hostile(target.host, target.port, *attacks) as attackers:
            await attackers.at_work(rounds=len(attacks))
            attacked = await measured(target.url, for_s=ATTACKED_S)
        if is_unharmed(alone, attacked):
            break
    healthy = await measured(target.url, for_s=0.1, path=READY)

    report = f"alone {alone}; attacked {attacked}; rounds {attackers.rounds}"
    print(report)  # noqa: T201 -- the figures
    assert is_unharmed(alone, attacked), report
    assert healthy.outcomes.keys() == {"200"}, healthy
    assert not target.events("request_failed")
