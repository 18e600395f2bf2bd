"""The keys of load balancers: fetched once, cached, and within a budget."""

import asyncio
import gc
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from service.authentication import alb_keys
from service.authentication.alb_keys import AlbKeys, FetchBudget
from service.domain.errors import TokenInvalid, UpstreamUnavailable
from tests.authentication.trusting import SECOND_ARN, KeysInMemory, settled
from tests.support.alb_token_signer import ARN, AlbTokenSigner
from tests.support.clock import Clock
from tests.support.scripted_key_server import ScriptedKeyServer, hanging, held, http, ok, saying


def new_kid() -> str:
    """Return an unknown key id."""
    return str(uuid.uuid4())


async def outcome(keys: AlbKeys, kid: str) -> type[BaseException] | None:
    """Return how asking for a key ends; None for a key."""
    try:
        await keys.key(ARN, kid)
    except (TokenInvalid, UpstreamUnavailable) as error:
        return type(error)
    return None


async def test_concurrent_requests_share_a_fetch(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, balancer: AlbTokenSigner
) -> None:
    """Concurrent requests for a key cause one fetch."""
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
        KeysInMemory({f"https://one/{balancer.kid}": balancer.pem}),
        url_of=urls.__getitem__,
        budget=FetchBudget(burst=5, refill_s=1, clock=clock),
        clock=clock,
    )
    await keys.key(ARN, balancer.kid)

    with pytest.raises(TokenInvalid):
        await keys.key(SECOND_ARN, balancer.kid)


async def test_unknown_key_is_fetched_again_after_its_ttl(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, clock: Clock
) -> None:
    """An unknown key id is fetched again only after UNKNOWN_ID_TTL_S."""
    balancer = AlbTokenSigner()
    for _ in range(3):
        assert await outcome(balancer_keys, balancer.kid) is TokenInvalid
    assert endpoint.asked == [balancer.kid]
    endpoint.answers[balancer.kid] = ok(balancer.pem)

    clock.now += alb_keys.UNKNOWN_ID_TTL_S

    assert await outcome(balancer_keys, balancer.kid) is None


async def test_400_unknown_keys_cause_few_fetches(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer
) -> None:
    """A flood of unknown key ids causes few fetches."""
    ends = await asyncio.gather(*(outcome(balancer_keys, new_kid()) for _ in range(400)))

    assert set(ends) == {TokenInvalid}
    assert len(endpoint.asked) == 5


async def test_flood_of_10_000_in_10_seconds_is_at_most_10_fetches(
    balancer_keys: AlbKeys,
    endpoint: ScriptedKeyServer,
    clock: Clock,
    balancer: AlbTokenSigner,
) -> None:
    """During the flood known keys are available, and 15 seconds after it a new key works."""
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


async def test_cache_of_unknown_keys_is_bounded(clock: Clock) -> None:
    """The cache of unknown ids evicts the oldest one."""
    budget = FetchBudget(burst=1_000_000, refill_s=1, clock=clock)
    keys = AlbKeys(KeysInMemory({}), url_of=lambda _: "", budget=budget, clock=clock)
    for _ in range(alb_keys.MAX_UNKNOWN_IDS + 50):
        assert await outcome(keys, new_kid()) is TokenInvalid

    assert _size(keys, "_unknown") == alb_keys.MAX_UNKNOWN_IDS
    assert _size(keys, "_fetches") == 0


async def test_cache_of_keys_is_bounded(clock: Clock, balancer: AlbTokenSigner) -> None:
    """The cache of keys evicts the least recently used one."""
    kids = [new_kid() for _ in range(alb_keys.MAX_KEYS + 50)]
    budget = FetchBudget(burst=1_000_000, refill_s=1, clock=clock)
    server = KeysInMemory(dict.fromkeys(kids, balancer.pem))
    keys = AlbKeys(server, url_of=lambda _: "", budget=budget, clock=clock)
    for kid in kids:
        await keys.key(ARN, kid)
        await keys.key(ARN, kids[0])

    assert _size(keys, "_keys") == alb_keys.MAX_KEYS
    assert server.asked == kids


def _size(keys: AlbKeys, name: str) -> int:
    """Return the size of a private cache."""
    return len(vars(keys)[name])


async def test_known_key_is_available_while_another_fetch_hangs(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, balancer: AlbTokenSigner
) -> None:
    """Requests with a known key do not wait for the key server."""
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


async def test_cancelled_request_does_not_cancel_the_fetch(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer
) -> None:
    """Cancelling the first request does not cancel the shared fetch."""
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
async def test_failure_without_a_request_is_not_reported(
    balancer_keys: AlbKeys,
    endpoint: ScriptedKeyServer,
    loop_errors: list[dict[str, Any]],
    answer: Callable[..., Any],
) -> None:
    """Without any request left, the loop reports no exception that was never retrieved."""
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

    assert loop_errors == []


async def test_close_leaves_no_task(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, loop_errors: list[dict[str, Any]]
) -> None:
    """Closing cancels the fetches in flight and the requests that wait for them."""
    endpoint.otherwise = hanging
    asking = asyncio.create_task(balancer_keys.key(ARN, new_kid()))
    await endpoint.was_asked(1)
    (fetch,) = vars(balancer_keys)["_fetches"].values()

    await balancer_keys.close()
    await asyncio.wait((asking,))

    assert fetch.cancelled()
    assert asking.cancelled()
    assert vars(balancer_keys)["_fetches"] == {}
    assert loop_errors == []


async def test_key_beyond_the_budget_during_an_outage_is_unavailable(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, clock: Clock
) -> None:
    """While the server fails, a key beyond the budget is unavailable, not unknown."""
    balancer = AlbTokenSigner()
    endpoint.otherwise = saying(http(b"", 500))
    ends = [await outcome(balancer_keys, new_kid()) for _ in range(10)]
    assert ends == [UpstreamUnavailable] * 10
    assert len(endpoint.asked) == 5

    endpoint.otherwise = ok(balancer.pem)
    clock.now += 2.5

    assert await outcome(balancer_keys, balancer.kid) is None
    assert await outcome(balancer_keys, new_kid()) is TokenInvalid


async def test_one_request_waits_for_a_failing_server(
    balancer_keys: AlbKeys, endpoint: ScriptedKeyServer, balancer: AlbTokenSigner
) -> None:
    """While the server fails, one request retries and the others fail at once."""
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
