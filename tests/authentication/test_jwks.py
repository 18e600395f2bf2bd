"""The pool's key set: fetched beside the requests that use it, and kept while fetching fails."""

import asyncio
import gc
from collections.abc import Mapping
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from service.authentication import jwks as module
from service.authentication.jwks import Jwks
from service.domain.errors import TokenInvalid, UpstreamUnavailable
from tests.authentication.trusting import json_key_set, settled
from tests.support.access_token_signer import AccessTokenSigner, jwk
from tests.support.clock import Clock
from tests.support.scripted_key_server import ScriptedKeyServer, hanging, held, http, ok, saying


async def outcome(keys: Jwks, kid: str) -> type[BaseException] | None:
    """Return how asking for a key ends; None for a key."""
    try:
        await keys.key(kid)
    except (TokenInvalid, UpstreamUnavailable) as error:
        return type(error)
    return None


async def test_concurrent_requests_share_a_fetch(
    jwks: Jwks, endpoint: ScriptedKeyServer, pool: AccessTokenSigner
) -> None:
    """Concurrent requests cause one fetch of the key set."""
    found = await asyncio.gather(*(jwks.key(pool.kid) for _ in range(50)))

    assert {key.public_numbers() for key in found} == {pool.key.public_key().public_numbers()}
    assert len(endpoint.asked) == 1


async def test_unknown_keys_cause_one_fetch_in_10_seconds(
    jwks: Jwks, endpoint: ScriptedKeyServer, clock: Clock, pool: AccessTokenSigner
) -> None:
    """A flood of unknown key ids is rejected by the last fetched key set."""
    assert await outcome(jwks, pool.kid) is None
    for _ in range(100):
        ends = await asyncio.gather(*(outcome(jwks, f"{clock.now}-{n}") for n in range(10)))
        assert set(ends) == {TokenInvalid}
        assert await outcome(jwks, pool.kid) is None
        clock.now += 0.0999

    assert len(endpoint.asked) == 1
    clock.now += 0.01
    assert await outcome(jwks, "unknown") is TokenInvalid
    assert len(endpoint.asked) == 2


async def test_known_key_is_available_while_a_fetch_hangs(
    jwks: Jwks, endpoint: ScriptedKeyServer, clock: Clock, pool: AccessTokenSigner
) -> None:
    """Requests with a known key do not wait for the key server; one with a new key does."""
    rotated = AccessTokenSigner()
    await jwks.key(pool.kid)
    release = asyncio.Event()
    endpoint.answers["jwks.json"] = held(release, ok(json_key_set(pool.jwk, rotated.jwk)))
    clock.now += module.REFETCH_INTERVAL_S
    waiting = asyncio.create_task(jwks.key(rotated.kid))
    await endpoint.was_asked(2)

    await jwks.key(pool.kid)

    assert not waiting.done()
    release.set()
    assert isinstance(await waiting, RSAPublicKey)


async def test_old_keys_are_used_while_new_ones_are_fetched(
    jwks: Jwks, endpoint: ScriptedKeyServer, clock: Clock, pool: AccessTokenSigner
) -> None:
    """After an hour the keys are refreshed in the background; a removed key is rejected."""
    await jwks.key(pool.kid)
    release = asyncio.Event()
    endpoint.answers["jwks.json"] = held(release, ok(json_key_set(AccessTokenSigner().jwk)))
    clock.now += module.MAX_AGE_S

    for _ in range(3):
        await jwks.key(pool.kid)
    await endpoint.was_asked(2)
    await jwks.key(pool.kid)

    release.set()
    await asyncio.wait((vars(jwks)["_fetch"],))
    assert await outcome(jwks, pool.kid) is TokenInvalid
    assert len(endpoint.asked) == 2


async def test_keys_are_kept_while_fetching_fails(
    jwks: Jwks, endpoint: ScriptedKeyServer, clock: Clock, pool: AccessTokenSigner
) -> None:
    """An outage of a day does not affect known keys; the fetch is retried every ten seconds."""
    await jwks.key(pool.kid)
    endpoint.answers["jwks.json"] = saying(http(b"", 500))
    clock.now += module.MAX_AGE_S
    for attempt in range(2, 6):
        await jwks.key(pool.kid)
        await jwks.key(pool.kid)
        await endpoint.was_asked(attempt)
        fetch = vars(jwks)["_fetch"]
        if fetch is not None:
            await asyncio.wait((fetch,))
        assert await outcome(jwks, "new") is UpstreamUnavailable
        clock.now += module.REFETCH_INTERVAL_S

    assert len(endpoint.asked) == 5
    assert await outcome(jwks, pool.kid) is None


async def test_cancelled_request_does_not_cancel_the_fetch(
    jwks: Jwks, endpoint: ScriptedKeyServer, pool: AccessTokenSigner
) -> None:
    """Cancelling the first request does not cancel the shared fetch."""
    release = asyncio.Event()
    endpoint.answers["jwks.json"] = held(release, ok(json_key_set(pool.jwk)))
    first, second = (asyncio.create_task(jwks.key(pool.kid)) for _ in range(2))
    await endpoint.was_asked(1)

    first.cancel()
    await asyncio.wait((first,))
    release.set()

    assert isinstance(await second, RSAPublicKey)
    assert len(endpoint.asked) == 1


async def test_failure_without_a_request_is_not_reported(
    jwks: Jwks, endpoint: ScriptedKeyServer, loop_errors: list[dict[str, Any]]
) -> None:
    """Without any request left, the loop reports no exception that was never retrieved."""
    release = asyncio.Event()
    endpoint.answers["jwks.json"] = held(release, saying(http(b"lies", 200)))
    asking = asyncio.create_task(jwks.key("kid"))
    await endpoint.was_asked(1)
    asking.cancel()
    await asyncio.wait((asking,))

    release.set()
    await asyncio.wait((vars(jwks)["_fetch"],))
    await settled()
    gc.collect()

    assert loop_errors == []


async def test_close_leaves_no_task(
    jwks: Jwks, endpoint: ScriptedKeyServer, loop_errors: list[dict[str, Any]]
) -> None:
    """Closing cancels the fetch in flight and the requests that wait for it, and is idempotent."""
    endpoint.answers["jwks.json"] = hanging
    asking = asyncio.create_task(jwks.key("kid"))
    await endpoint.was_asked(1)
    fetch = vars(jwks)["_fetch"]

    await jwks.close()
    await jwks.close()
    await asyncio.wait((asking,))

    assert fetch.cancelled()
    assert asking.cancelled()
    assert loop_errors == []


def _pool_key(**changes: Any) -> Mapping[str, Any]:  # noqa: ANN401 -- any JSON
    """Return the key of the tests, with changes."""
    return {**KEY, **changes}


def _without(name: str) -> Mapping[str, Any]:
    return {key: value for key, value in KEY.items() if key != name}


KEY: Final = jwk(rsa.generate_private_key(65_537, 2_048).public_key(), "kid")
OTHER: Final = jwk(rsa.generate_private_key(65_537, 2_048).public_key(), "other")
UNUSABLE: Final[Mapping[str, object]] = {
    "for encryption": _pool_key(use="enc"),
    "for another algorithm": _pool_key(alg="PS256"),
    "a secret": {"kty": "oct", "kid": "kid", "k": "AAAA", "use": "sig", "alg": "RS256"},
    "on a curve": {"kty": "EC", "kid": "kid", "crv": "P-256", "x": "AA", "y": "AA"},
    "kty missing": _without("kty"),
    "kty listed": _pool_key(kty=["RSA"]),
    "kid missing": _without("kid"),
    "kid listed": _pool_key(kid=["kid"]),
    "n missing": _without("n"),
    "n empty": _pool_key(n=""),
    "n a number": _pool_key(n=5),
    "n null": _pool_key(n=None),
    "n not base64": _pool_key(n="!!!!\u00e9"),
    "n zero": _pool_key(n="AA"),
    "e missing": _without("e"),
    "e zero": _pool_key(e="AA"),
    "e even": _pool_key(e="Ag"),
    "e an object": _pool_key(e={}),
    "e as long as n": _pool_key(e=KEY["n"]),
    "private": _pool_key(d="AQAB"),
    "of 512 bits": _pool_key(n="7" * 86),
    "of 1,024 bits": jwk(rsa.generate_private_key(65_537, 1_024).public_key(), "kid"),  # noqa: S505 -- refused
    "of 60,000 bits": _pool_key(n="7" * 10_000),
    "a text": "kty",
    "a list": ["kty"],
    "a number": 5,
    "null": None,
    "empty": {},
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_unusable_key_is_passed_over(
    jwks: Jwks, endpoint: ScriptedKeyServer, name: str
) -> None:
    """A key that is not for RS256, or is too weak or broken, is as if it were not there."""
    keys: Any = [UNUSABLE[name], OTHER]
    endpoint.answers["jwks.json"] = ok(json_key_set(*keys))

    assert await outcome(jwks, "other") is None
    assert await outcome(jwks, "kid") is TokenInvalid


async def test_key_says_neither_its_use_nor_its_algorithm(
    jwks: Jwks, endpoint: ScriptedKeyServer
) -> None:
    """Both are optional (RFC 7517, sections 4.2 and 4.4)."""
    bare = {name: KEY[name] for name in ("kty", "kid", "n", "e")}
    endpoint.answers["jwks.json"] = ok(json_key_set(bare))

    assert await outcome(jwks, "kid") is None


async def test_one_request_waits_for_a_failing_server(
    jwks: Jwks, endpoint: ScriptedKeyServer, clock: Clock, pool: AccessTokenSigner
) -> None:
    """While the server fails, one request retries and the others fail at once."""
    release = asyncio.Event()
    endpoint.answers["jwks.json"] = saying(http(b"", 500))
    assert await outcome(jwks, pool.kid) is UpstreamUnavailable
    endpoint.answers["jwks.json"] = held(release, ok(json_key_set(pool.jwk)))
    clock.now += module.RETRY_INTERVAL_S
    waiting = asyncio.create_task(outcome(jwks, pool.kid))
    await endpoint.was_asked(2)

    assert await outcome(jwks, pool.kid) is UpstreamUnavailable
    release.set()

    assert await waiting is None
    assert await outcome(jwks, pool.kid) is None
