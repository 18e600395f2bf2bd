"""The keys of load balancers: fetched once, kept, and never at strangers' command."""

import asyncio
import gc
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from service.authentication import alb_keys
from service.authentication.alb_keys import AlbKeys
from service.authentication.fetch_budget import FetchBudget
from service.domain.errors import TokenInvalid, UpstreamUnavailable
from tests.authentication.trusting import SECOND_ARN, ShelfOfKeys, settled
from tests.support.alb_token_signer import ARN, AlbTokenSigner
from tests.support.clock import Clock
from tests.support.scripted_key_server import ScriptedKeyServer, hanging, held, http, ok, saying


def new_kid() -> str:
    """Return a key id that nobody knows."""
    return str(uuid.uuid4())


async def outcome(keys: AlbKeys, kid: str) -> type[BaseException] | None:
    """Return how asking for a key ends; None for a key."""
    try:
        await keys.key(ARN, kid)
    except (TokenInvalid, UpstreamUnavailable) as error:
        return type(error)
    return None


async def test_many_askers_are_one_fetch(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, balancer: AlbTokenSigner
) -> None:
    """However many ask for a key at once, the server is asked once."""
    found = await asyncio.gather(*(balancer_keys.key(ARN, balancer.kid) for _ in range(50)))

    assert all(key is found[0] for key in found)
    assert endpoint.asked == [balancer.kid]


async def test_key_id_has_no_case(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, balancer: AlbTokenSigner
) -> None:
    """A key id in capitals is no reason to fetch anew."""
    for kid in (balancer.kid, balancer.kid.upper(), balancer.kid.title()):
        await balancer_keys.key(ARN, kid)

    assert endpoint.asked == [balancer.kid]


async def test_keys_of_two_regions_are_kept_apart(clock: Clock) -> None:
    """A key that one region's server has is not a key of another region."""
    balancer = AlbTokenSigner()
    urls = {ARN: "https://one/", SECOND_ARN: "https://two/"}
    keys = AlbKeys(
        ShelfOfKeys({f"https://one/{balancer.kid}": balancer.pem}),
        url_of=urls.__getitem__,
        budget=FetchBudget(burst=5, refill_s=1, clock=clock),
        clock=clock,
    )
    await keys.key(ARN, balancer.kid)

    with pytest.raises(TokenInvalid):
        await keys.key(SECOND_ARN, balancer.kid)


async def test_unknown_key_is_asked_for_again_after_a_while_only(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, clock: Clock
) -> None:
    """The server's no is remembered for a time, so that it may know the key later."""
    balancer = AlbTokenSigner()
    for _ in range(3):
        assert await outcome(balancer_keys, balancer.kid) is TokenInvalid
    assert endpoint.asked == [balancer.kid]
    endpoint.answers[balancer.kid] = ok(balancer.pem)

    clock.now += alb_keys.UNKNOWN_FOR_S

    assert await outcome(balancer_keys, balancer.kid) is None


async def test_400_unknown_keys_cost_a_handful_of_fetches(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer
) -> None:
    """A flood of key ids that nobody knows is refused, and hardly reaches the server."""
    ends = await asyncio.gather(*(outcome(balancer_keys, new_kid()) for _ in range(400)))

    assert set(ends) == {TokenInvalid}
    assert len(endpoint.asked) == 5


async def test_flood_of_10_000_in_10_seconds_is_at_most_10_fetches(
    balancer_keys: AlbKeys,
    endpoint: ScriptedKeyServer,
    clock: Clock,
    balancer: AlbTokenSigner,
) -> None:
    """In the flood known keys are at hand, and 15 seconds after it a new key works."""
    await balancer_keys.key(ARN, balancer.kid)
    fresh = AlbTokenSigner()
    endpoint.answers[fresh.kid] = ok(fresh.pem)
    for _ in range(100):
        flood = asyncio.gather(*(outcome(balancer_keys, new_kid()) for _ in range(100)))
        assert await outcome(balancer_keys, balancer.kid) is None
        assert set(await flood) == {TokenInvalid}
        clock.now += 0.1
    assert len(endpoint.asked) <= 10

    clock.now += 15

    assert await outcome(balancer_keys, fresh.kid) is None


async def test_memory_of_unknown_keys_is_bounded(clock: Clock) -> None:
    """Even without a budget a flood cannot fill the memory: the oldest no is forgotten."""
    budget = FetchBudget(burst=1_000_000, refill_s=1, clock=clock)
    keys = AlbKeys(ShelfOfKeys({}), url_of=lambda _: "", budget=budget, clock=clock)
    for _ in range(alb_keys.UNKNOWN_KEPT + 50):
        assert await outcome(keys, new_kid()) is TokenInvalid

    assert _size(keys, "_unknown") == alb_keys.UNKNOWN_KEPT
    assert _size(keys, "_fetches") == 0


async def test_keys_kept_are_bounded(clock: Clock, balancer: AlbTokenSigner) -> None:
    """A load balancer that rotates for ever does not fill the memory: the longest unused key goes."""
    kids = [new_kid() for _ in range(alb_keys.KEYS_KEPT + 50)]
    budget = FetchBudget(burst=1_000_000, refill_s=1, clock=clock)
    server = ShelfOfKeys(dict.fromkeys(kids, balancer.pem))
    keys = AlbKeys(server, url_of=lambda _: "", budget=budget, clock=clock)
    for kid in kids:
        await keys.key(ARN, kid)
        await keys.key(ARN, kids[0])

    assert _size(keys, "_keys") == alb_keys.KEYS_KEPT
    assert server.asked == kids


def _size(keys: AlbKeys, name: str) -> int:
    """Return the size of one of its memories, which is nobody else's business."""
    return len(vars(keys)[name])


async def test_known_key_is_given_while_another_fetch_hangs(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, balancer: AlbTokenSigner
) -> None:
    """Requests with a known key never wait for the key server."""
    await balancer_keys.key(ARN, balancer.kid)
    release = asyncio.Event()
    late = AlbTokenSigner()
    endpoint.answers[late.kid] = held(release, ok(late.pem))
    waiting = asyncio.create_task(balancer_keys.key(ARN, late.kid))
    await endpoint.was_asked(2)

    await balancer_keys.key(ARN, balancer.kid)

    assert not waiting.done()
    release.set()
    assert isinstance(await waiting, EllipticCurvePublicKey)


async def test_asker_that_leaves_does_not_end_the_fetch_for_others(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer
) -> None:
    """The one who asked first may be cancelled; the others still get the key, of one fetch."""
    release = asyncio.Event()
    late = AlbTokenSigner()
    endpoint.answers[late.kid] = held(release, ok(late.pem))
    first, second = (asyncio.create_task(balancer_keys.key(ARN, late.kid)) for _ in range(2))
    await endpoint.was_asked(1)

    first.cancel()
    await asyncio.wait((first,))
    release.set()

    assert isinstance(await second, EllipticCurvePublicKey)
    assert first.cancelled()
    assert endpoint.asked == [late.kid]


@pytest.mark.parametrize(
    "answer", [saying(http(b"", 404)), saying(http(b"", 500))], ids=["unknown", "failing"]
)
async def test_failure_that_nobody_waits_for_is_no_complaint(
    balancer_keys: AlbKeys,
    endpoint: ScriptedKeyServer,
    complaints: list[dict[str, Any]],
    answer: Callable[..., Any],
) -> None:
    """Where all who asked have left, the loop does not complain of an exception never retrieved."""
    release = asyncio.Event()
    endpoint.otherwise = held(release, answer)
    asking = asyncio.create_task(balancer_keys.key(ARN, new_kid()))
    await endpoint.was_asked(1)
    asking.cancel()
    await asyncio.wait((asking,))

    release.set()
    (fetch,) = vars(balancer_keys)["_fetches"].values()
    await asyncio.wait((fetch,))
    await settled()
    del fetch
    gc.collect()

    assert complaints == []


async def test_close_leaves_no_task(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, complaints: list[dict[str, Any]]
) -> None:
    """Closing ends the fetches under way, and whoever waits for them."""
    endpoint.otherwise = hanging
    asking = asyncio.create_task(balancer_keys.key(ARN, new_kid()))
    await endpoint.was_asked(1)
    (fetch,) = vars(balancer_keys)["_fetches"].values()

    await balancer_keys.close()
    await asyncio.wait((asking,))

    assert fetch.cancelled()
    assert asking.cancelled()
    assert vars(balancer_keys)["_fetches"] == {}
    assert complaints == []


async def test_budget_that_an_outage_has_used_up_is_no_verdict_on_a_token(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, clock: Clock
) -> None:
    """While the server fails, a key that may not be asked for is unavailable, not unknown."""
    balancer = AlbTokenSigner()
    endpoint.otherwise = saying(http(b"", 500))
    ends = [await outcome(balancer_keys, new_kid()) for _ in range(10)]
    assert ends == [UpstreamUnavailable] * 10
    assert len(endpoint.asked) == 5

    endpoint.otherwise = ok(balancer.pem)
    clock.now += 2.5

    assert await outcome(balancer_keys, balancer.kid) is None
    assert await outcome(balancer_keys, new_kid()) is TokenInvalid


async def test_one_waits_for_a_server_that_failed(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, balancer: AlbTokenSigner
) -> None:
    """Who needs a new key while the server fails hears so at once, but for one who tries again."""
    release = asyncio.Event()
    endpoint.answers[balancer.kid] = saying(http(b"", 500))
    assert await outcome(balancer_keys, balancer.kid) is UpstreamUnavailable
    endpoint.answers[balancer.kid] = held(release, ok(balancer.pem))
    waiting = asyncio.create_task(outcome(balancer_keys, balancer.kid))
    await endpoint.was_asked(2)

    assert await outcome(balancer_keys, balancer.kid) is UpstreamUnavailable
    release.set()

    assert await waiting is None
    assert await outcome(balancer_keys, balancer.kid) is None
