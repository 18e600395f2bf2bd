"""The memory of where profiles stand."""

from service.profile_store.sort_key_cache import SortKeyCache


def test_place_is_known_once_learnt() -> None:
    """What was learnt last is what is known, of each user."""
    places = SortKeyCache(2)
    places.learn("alice", "2025")
    places.learn("bob", "2026")
    places.learn("alice", "2027")

    assert [places.get(user) for user in ("alice", "bob", "carol")] == ["2027", "2026", None]


def test_user_asked_for_longest_ago_makes_room() -> None:
    """No more are remembered than the size says: those that were asked for or learnt last."""
    places = SortKeyCache(2)
    places.learn("alice", "2025")
    places.learn("bob", "2026")
    places.get("alice")

    places.learn("carol", "2027")

    assert [places.get(user) for user in ("alice", "bob", "carol")] == ["2025", None, "2027"]


def test_forgotten_place_is_unknown() -> None:
    """A place can be forgotten, known or not."""
    places = SortKeyCache(2)
    places.learn("alice", "2025")

    places.forget("alice")
    places.forget("alice")

    assert places.get("alice") is None


def test_memory_of_size_0_knows_nothing() -> None:
    """Nothing at all is remembered where the size says so."""
    places = SortKeyCache(0)

    places.learn("alice", "2025")

    assert places.get("alice") is None
