"""The fixtures of the profile store's tests."""

from tests.profile_store.conftest import store, table, ttl, user_id

__all__ = ["store", "table", "ttl", "user_id"]
