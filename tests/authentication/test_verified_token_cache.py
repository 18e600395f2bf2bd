"""The memory of verified tokens."""

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from service.authentication.verified_token_cache import VerifiedTokenCache
from service.domain.identity import Identity

ALICE: Final = Identity("alice", "bearer")
BOB: Final = Identity("bob", "bearer")


def test_token_is_recalled_until_it_expires() -> None:
    """The moment of expiry is the first at which a token is no longer known."""
    memory = VerifiedTokenCache(capacity=2)
    memory.remember("token", ALICE, expires_at=100.0)

    assert memory.recall("token", now=99.999) == ALICE
    assert memory.recall("token", now=100.0) is None


def test_expired_token_is_forgotten_even_if_the_clock_goes_back() -> None:
    """A token that was seen to be expired does not come back to life, and takes no place."""
    memory = VerifiedTokenCache(capacity=2)
    memory.remember("token", ALICE, expires_at=100.0)

    assert memory.recall("token", now=100.0) is None
    assert memory.recall("token", now=50.0) is None
    assert len(memory) == 0


def test_least_recently_used_token_makes_room() -> None:
    """A full memory forgets the token whose last use is longest ago."""
    memory = VerifiedTokenCache(capacity=2)
    for token in ("first", "second"):
        memory.remember(token, ALICE, expires_at=100.0)
    memory.recall("first", now=0.0)

    memory.remember("third", BOB, expires_at=100.0)

    assert memory.recall("second", now=0.0) is None
    assert memory.recall("first", now=0.0) == ALICE
    assert memory.recall("third", now=0.0) == BOB


def test_memory_without_capacity_remembers_nothing() -> None:
    """Capacity 0 turns the memory off."""
    memory = VerifiedTokenCache(capacity=0)
    memory.remember("token", ALICE, expires_at=100.0)

    assert memory.recall("token", now=0.0) is None
    assert len(memory) == 0


def test_memory_holds_no_token() -> None:
    """What is kept of a token is its digest."""
    memory = VerifiedTokenCache(capacity=2)
    memory.remember("secret.token.text", ALICE, expires_at=100.0)

    assert "secret" not in repr(vars(memory))


TOKENS: Final = st.text(alphabet="ab.=\udce9\ud800é", max_size=4)
STEPS: Final = st.lists(
    st.tuples(TOKENS, st.integers(0, 3), st.integers(0, 20), st.booleans()), max_size=60
)


@given(steps=STEPS)
@settings(derandomize=True, max_examples=200, deadline=None, database=None)
def test_memory_never_outlives_expiry_nor_confuses_tokens(
    steps: list[tuple[str, int, int, bool]],
) -> None:
    """Whatever is remembered and asked, an answer is the last one given for this token, unexpired."""
    memory = VerifiedTokenCache(capacity=3)
    truth: dict[str, tuple[Identity, int]] = {}
    for token, user, moment, remembering in steps:
        if remembering:
            truth[token] = (Identity(f"user-{user}", "bearer"), moment)
            memory.remember(token, truth[token][0], expires_at=moment)
        else:
            recalled = memory.recall(token, now=moment)
            if recalled is not None:
                identity, expires_at = truth[token]
                assert recalled == identity
                assert moment < expires_at
        assert len(memory) <= 3
