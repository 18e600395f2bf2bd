"""The cache of verified tokens."""

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from service.authentication.verified_token_cache import VerifiedTokenCache
from service.domain.identity import Identity

ALICE: Final = Identity("alice", "bearer")
BOB: Final = Identity("bob", "bearer")


def test_token_is_cached_until_it_expires() -> None:
    """A token is cached until the moment of its expiry."""
    cache = VerifiedTokenCache[Identity](capacity=2)
    cache.put("token", ALICE, expires_at=100.0)

    assert cache.get("token", now=99.999) == ALICE
    assert cache.get("token", now=100.0) is None


def test_expired_token_is_removed() -> None:
    """An expired token is removed, also if the clock is set back."""
    cache = VerifiedTokenCache[Identity](capacity=2)
    cache.put("token", ALICE, expires_at=100.0)

    assert cache.get("token", now=100.0) is None
    assert cache.get("token", now=50.0) is None
    assert len(cache) == 0


def test_least_recently_used_token_is_evicted() -> None:
    """A full cache evicts the least recently used token."""
    cache = VerifiedTokenCache[Identity](capacity=2)
    for token in ("first", "second"):
        cache.put(token, ALICE, expires_at=100.0)
    cache.get("first", now=0.0)

    cache.put("third", BOB, expires_at=100.0)

    assert cache.get("second", now=0.0) is None
    assert cache.get("first", now=0.0) == ALICE
    assert cache.get("third", now=0.0) == BOB


def test_capacity_0_disables_the_cache() -> None:
    """Capacity 0 disables the cache."""
    cache = VerifiedTokenCache[Identity](capacity=0)
    cache.put("token", ALICE, expires_at=100.0)

    assert cache.get("token", now=0.0) is None
    assert len(cache) == 0


def test_cache_contains_no_token() -> None:
    """The cache contains digests, not tokens."""
    cache = VerifiedTokenCache[Identity](capacity=2)
    cache.put("secret.token.text", ALICE, expires_at=100.0)

    assert "secret" not in repr(vars(cache))


TOKENS: Final = st.text(alphabet="ab.=\udce9\ud800é", max_size=4)
STEPS: Final = st.lists(
    st.tuples(TOKENS, st.integers(0, 3), st.integers(0, 20), st.booleans()), max_size=60
)


@given(steps=STEPS)
@settings(derandomize=True, max_examples=200, deadline=None, database=None)
def test_cache_returns_the_last_unexpired_value(
    steps: list[tuple[str, int, int, bool]],
) -> None:
    """The cache returns the last value of a token, and only before its expiry."""
    cache = VerifiedTokenCache[Identity](capacity=3)
    truth: dict[str, tuple[Identity, int]] = {}
    for token, user, moment, remembering in steps:
        if remembering:
            truth[token] = (Identity(f"user-{user}", "bearer"), moment)
            cache.put(token, truth[token][0], expires_at=moment)
        else:
            recalled = cache.get(token, now=moment)
            if recalled is not None:
                identity, expires_at = truth[token]
                assert recalled == identity
                assert moment < expires_at
        assert len(cache) <= 3
