"""The cache of sort keys keeps those that were used last, within its capacity."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from service.profile_store.sort_key_cache import SortKeyCache

USERS = st.sampled_from([f"user-{number}" for number in range(12)])
STEPS = st.lists(st.tuples(st.sampled_from(["get", "put", "discard"]), USERS), max_size=60)


@given(user_id=st.text(), sort_key=st.text())
def test_sort_key_is_returned_as_it_was_put(user_id: str, sort_key: str) -> None:
    """Any string is a user id or a sort key."""
    cache = SortKeyCache(2)
    cache.put(user_id, sort_key)

    assert cache.get(user_id) == sort_key


@given(capacity=st.integers(0, 9), steps=STEPS)
def test_cache_keeps_the_users_of_late_within_its_capacity(
    capacity: int, steps: list[tuple[str, str]]
) -> None:
    """It has no wrong sort key, at most `capacity` of them, and those of the last half for certain."""
    cache = SortKeyCache(capacity)
    used: dict[str, str | None] = {}  # in the order of the last use; None after a discard
    for number, (step, user) in enumerate(steps):
        if step == "put":
            cache.put(user, str(number))
            used.pop(user, None)
            used[user] = str(number)
        elif step == "discard":
            cache.discard(user)
            used.update({user: None} if user in used else {})
        elif (found := cache.get(user)) is not None:
            assert found == used.pop(user)
            used[user] = found

    kept = {user: found for user in used if (found := copy.deepcopy(cache).get(user)) is not None}

    assert kept.items() <= used.items()
    assert len(kept) <= capacity + capacity % 2
    for user in [*reversed(used)][: (capacity + 1) // 2]:
        assert kept.get(user) == used[user]
